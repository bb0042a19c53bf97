/* SPDX-License-Identifier: MIT */
/*
 * One consistent, harmless copy of the statistics page: see snapshot.h.
 *
 * The bytes as read are
 *
 *   struct uzswap_stats up to counters | counters | fault_us | more, ignored
 *
 * where both lengths are the page's own words and are checked against what
 * was really read before they are used.
 */
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A writer takes microseconds.  100 tries of 1 ms outlast one that was
 * preempted; one that was stopped half-way is reported as torn after them.
 */
#define TRIES		100
#define TRY_NS		1000000

/* Five-level page tables give a process 2^56 bytes: nobody manages more. */
#define MAX_BYTES	((uint64_t)1 << 56)

#define MAX_STALL_MS	86400000u	/* more than the option takes */
#define MAX_COUNTERS	1024	/* 20 times what version 1 has */
#define MAX_BUCKETS	64	/* a 64-bit number of quarter microseconds */
#define HEAD_LEN	offsetof(struct uzswap_stats, counters)

struct raw_page {
	struct uzswap_stats head;	/* only HEAD_LEN bytes are used */
	uint64_t numbers[MAX_COUNTERS + MAX_BUCKETS];
	size_t nr_numbers;		/* 64-bit words really read */
};

uint64_t snapshot_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t snapshot_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void snapshot_clean_text(char *text, size_t len)
{
	text[len - 1] = 0;
	for (char *s = text; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
}

/* The sequence number, or a negative error; a file may be cut any time. */
static int64_t read_seq(int fd)
{
	uint32_t seq;
	ssize_t n = pread(fd, &seq, sizeof(seq),
			  offsetof(struct uzswap_stats, seq));

	if (n < 0)
		return -errno;
	return n == sizeof(seq) ? (int64_t)seq : -EBADMSG;
}

static int read_once(struct raw_page *raw, int fd)
{
	ssize_t n = pread(fd, &raw->head, HEAD_LEN, 0);

	if (n < 0)
		return -errno;
	if ((size_t)n < HEAD_LEN)
		return -EBADMSG;
	n = pread(fd, raw->numbers, sizeof(raw->numbers), HEAD_LEN);
	if (n < 0)
		return -errno;
	raw->nr_numbers = (size_t)n / sizeof(raw->numbers[0]);
	return 0;
}

/* Copy with an even and unchanged sequence number, or say it is torn. */
static int read_steady(struct raw_page *raw, int fd, bool *torn)
{
	const struct timespec pause = { .tv_nsec = TRY_NS };

	*torn = false;
	for (int i = 0; i < TRIES; i++) {
		int64_t before = read_seq(fd);
		int ret = read_once(raw, fd);
		int64_t after = read_seq(fd);

		if (before < 0)
			return (int)before;
		if (ret < 0)
			return ret;
		if (after < 0)
			return (int)after;
		/* all zeros: it is just being made */
		if (before == after && before % 2 == 0 && raw->head.magic)
			return 0;
		nanosleep(&pause, NULL);
	}
	*torn = true;
	return 0;
}

static int refuse(char *why, size_t len, const char *reason)
{
	snprintf(why, len, "%s", reason);
	return -EBADMSG;
}

static int check_shape(const struct raw_page *raw, char *why, size_t len)
{
	const struct uzswap_stats *head = &raw->head;

	if (head->magic != UZSWAP_STATS_MAGIC)
		return refuse(why, len, "not a statistics page");
	if (head->version != UZSWAP_STATS_VERSION) {
		snprintf(why, len,
			 "statistics page of version %u, this zctl reads %u",
			 head->version, UZSWAP_STATS_VERSION);
		return -EBADMSG;
	}
	if (head->nr_counters > MAX_COUNTERS ||
	    head->nr_buckets > MAX_BUCKETS)
		return refuse(why, len, "statistics page is damaged");

	size_t nr = (size_t)head->nr_counters + head->nr_buckets;

	if (head->size < HEAD_LEN + nr * sizeof(uint64_t))
		return refuse(why, len, "statistics page is damaged");
	if (raw->nr_numbers < nr)
		return refuse(why, len, "statistics page is truncated");
	return 0;
}

static void bound(struct snapshot *snap, uint64_t *value, uint64_t max)
{
	if (*value > max) {
		*value = max;
		snap->adjusted = true;
	}
}

static void bound_numbers(struct snapshot *snap, const struct raw_page *raw)
{
	struct uzswap_stats *s = &snap->s;
	const uint64_t *counters = raw->numbers;
	const uint64_t *buckets = counters + s->nr_counters;

	memset(s->counters, 0, sizeof(s->counters));
	memset(s->fault_us, 0, sizeof(s->fault_us));
	for (size_t i = 0; i < UZSWAP_NR_COUNTERS && i < s->nr_counters; i++) {
		s->counters[i] = counters[i];
		bound(snap, &s->counters[i], INT64_MAX);
	}
	for (size_t i = 0; i < UZSWAP_NR_BUCKETS && i < s->nr_buckets; i++) {
		s->fault_us[i] = buckets[i];
		bound(snap, &s->fault_us[i], MAX_BYTES);
	}
}

static void bound_sizes(struct snapshot *snap)
{
	struct uzswap_stats *s = &snap->s;
	uint64_t rest;

	bound(snap, &s->managed, MAX_BYTES);
	bound(snap, &s->resident, s->managed);
	bound(snap, &s->stored, s->managed - s->resident);
	rest = s->managed - s->resident - s->stored;
	if (s->untouched != rest) {
		s->untouched = rest;
		snap->adjusted = true;
	}
	bound(snap, &s->leaving, s->resident);
	bound(snap, &s->refused, s->resident);
	bound(snap, &s->registered, s->managed);
	bound(snap, &s->disk, s->stored);
	bound(snap, &s->pool, MAX_BYTES);
	bound(snap, &s->metadata, s->pool);
	bound(snap, &s->packed, s->pool - s->metadata);
	bound(snap, &s->limit, INT64_MAX);
	bound(snap, &s->usage, INT64_MAX);
	bound(snap, &s->usage_max, INT64_MAX);
}

static void bound_rest(struct snapshot *snap)
{
	struct uzswap_stats *s = &snap->s;

	snap->taken_ns = snapshot_now_ns();
	if (s->state >= UZSWAP_NR_STATES) {
		s->state = UZSWAP_DEGRADED;
		snap->adjusted = true;
	}
	bound(snap, &s->start_time_ticks, INT64_MAX);
	bound(snap, &s->updated_ns, snap->taken_ns);
	bound(snap, &s->started_ns, s->updated_ns);
	bound(snap, &s->min_age_ms, INT64_MAX);
	bound(snap, &s->max_stall_ms, MAX_STALL_MS);
	bound(snap, &s->backing_off, 1);
	bound(snap, &s->backoff_ns, s->updated_ns);
	bound(snap, &s->backoff_stall_ns, INT64_MAX);
	snapshot_clean_text(s->library_version, sizeof(s->library_version));
	snapshot_clean_text(s->name, sizeof(s->name));
	snapshot_clean_text(s->compressor, sizeof(s->compressor));
	snapshot_clean_text(s->engine, sizeof(s->engine));
	snapshot_clean_text(s->limit_source, sizeof(s->limit_source));
	snapshot_clean_text(s->note, sizeof(s->note));
}

int snapshot_read(struct snapshot *out, int fd, char *why, size_t why_len)
{
	struct raw_page raw;

	memset(&raw, 0, sizeof(raw));
	memset(out, 0, sizeof(*out));

	int ret = read_steady(&raw, fd, &out->torn);

	if (ret == -EBADMSG)
		return refuse(why, why_len, "statistics page is truncated");
	if (ret < 0) {
		snprintf(why, why_len, "cannot read statistics page: %s",
			 strerror(-ret));
		return ret;
	}
	ret = check_shape(&raw, why, why_len);
	if (ret < 0)
		return ret;
	memcpy(&out->s, &raw.head, HEAD_LEN);
	bound_numbers(out, &raw);
	bound_sizes(out);
	bound_rest(out);
	return 0;
}

int64_t snapshot_saved(const struct snapshot *snap)
{
	return (int64_t)snap->s.stored - (int64_t)snap->s.pool;
}

double snapshot_ratio(const struct snapshot *snap)
{
	if (!snap->s.pool)
		return 0;
	return (double)(snap->s.stored - snap->s.disk) /
	       (double)snap->s.pool;
}

uint64_t snapshot_nr_timed(const struct snapshot *snap)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < UZSWAP_NR_BUCKETS; i++)
		sum = snapshot_add(sum, snap->s.fault_us[i]);
	return sum;
}

double snapshot_fault_us(const struct snapshot *snap, double share)
{
	double below = 0;
	double wanted = share * (double)snapshot_nr_timed(snap);
	double bottom = 0;
	double top = 0;

	for (size_t i = 0; i < UZSWAP_NR_BUCKETS; i++) {
		double nr = (double)snap->s.fault_us[i];
		double next = 0.25 * (double)((uint64_t)1 << i);

		if (nr > 0) {
			top = next;
			if (below + nr >= wanted)
				return bottom +
				       (top - bottom) * (wanted - below) / nr;
		}
		below += nr;
		bottom = next;
	}
	return top;
}
