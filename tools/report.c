/* SPDX-License-Identifier: MIT */
/*
 * The text screen of zctl stats: see report.h.
 *
 *   who it is, its state                   print_head
 *   what it has and where it is            print_memory
 *   what happened, lately and in all       print_events
 *   what did not work, and why             print_refusals, print_notes
 *
 * Every sum printed closes: what is subtracted was bounded in snapshot.c.
 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "option_page.h"
#include "record.h"
#include "screen.h"
#include "units.h"

#define NS_PER_MS	1000000u
#define LABEL	"%-12s"		/* the words at the left margin */

/* Buffers for the sizes of one printf. */
struct texts {
	char at[6][UNITS_BUF];
};

/* Two copies of the page, and the time between them. */
struct report {
	const struct client *client;
	const struct uzswap_stats *now;
	const struct uzswap_stats *then;
	double seconds;
};

static const char *size(struct texts *t, size_t i, uint64_t bytes)
{
	return units_size(t->at[i], UNITS_BUF, bytes, zctl_options.bytes);
}

static uint64_t page_bytes(uint64_t nr_pages)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(nr_pages, (uint64_t)getpagesize(), &bytes))
		return UINT64_MAX;
	return bytes;
}

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

/* A counter's total, and what it gained since the older copy. */
static uint64_t total(const struct report *r, enum uzswap_counter i)
{
	return r->now->counters[i];
}

static uint64_t gained(const struct report *r, enum uzswap_counter i)
{
	return r->now->counters[i] > r->then->counters[i] ?
	       r->now->counters[i] - r->then->counters[i] : 0;
}

#define TOTAL(r, name)	total(r, UZSWAP_COUNT_##name)
#define GAINED(r, name)	gained(r, UZSWAP_COUNT_##name)

static void print_head(const struct report *r)
{
	const struct client *client = r->client;
	const struct uzswap_stats *s = r->now;
	char text[UNITS_BUF];

	printf("%s (pid %d, user %s)  %s%s", record_name(client), client->pid,
	       client->user, record_state(client),
	       client->stopped ? " (stopped)" : "");
	if (client->kind != CLIENT_PAGE) {
		putchar('\n');
		return;
	}
	printf(", up %s, uzswap %s",
	       units_duration(text, sizeof(text),
			      client->snap.taken_ns - s->started_ns),
	       s->library_version[0] ? s->library_version : "?");
	if (s->compressor[0])
		printf(", %s", s->compressor);
	if (s->engine[0])
		printf(", engine %s", s->engine);
	printf("\n\n");
}

static void print_stored(const struct report *r)
{
	const struct uzswap_stats *s = r->now;
	struct texts t;
	char saved[UNITS_BUF];

	printf(LABEL "%s in a %s pool", "Stored", size(&t, 0, s->stored),
	       size(&t, 1, s->pool));
	if (s->pool && s->stored > s->disk)
		printf(" (ratio %.2f)", snapshot_ratio(&r->client->snap));
	printf(", %s on disk, saved %s\n", size(&t, 2, s->disk),
	       units_signed_size(saved, sizeof(saved),
				 snapshot_saved(&r->client->snap),
				 zctl_options.bytes));
	printf(LABEL "packed %s (%.1f%%), metadata %s, fragmentation %s\n",
	       "Pool", size(&t, 0, s->packed),
	       percent((double)s->packed, (double)s->pool),
	       size(&t, 1, s->metadata),
	       size(&t, 2, s->pool - s->metadata - s->packed));
}

static void print_limit(const struct report *r)
{
	const struct uzswap_stats *s = r->now;
	const char *source = s->limit_source[0] ? s->limit_source : "?";
	struct texts t;

	if (!s->limit) {
		printf(LABEL "none\n", "Limit");
		return;
	}
	printf(LABEL "%s (%s), used %s (%.1f%%), most %s\n", "Limit",
	       size(&t, 0, s->limit), source, size(&t, 1, s->usage),
	       percent((double)s->usage, (double)s->limit),
	       size(&t, 2, s->usage_max));
}

static void print_memory(const struct report *r)
{
	const struct uzswap_stats *s = r->now;
	uint64_t pool = s->pool < s->stored ? s->pool : s->stored;
	struct texts t;

	printf(LABEL "%s managed = %s resident + %s stored + %s untouched\n",
	       "Memory", size(&t, 0, s->managed), size(&t, 1, s->resident),
	       size(&t, 2, s->stored), size(&t, 3, s->untouched));
	printf(LABEL, "");
	screen_bar(s->resident, pool, s->stored - pool, s->managed);
	printf("   # resident  = pool  . saved\n");
	print_stored(r);
	print_limit(r);
	if (s->leaving || s->refused)
		printf(LABEL "of the resident, %s are on probation, "
		       "%s do not pay\n", "", size(&t, 0, s->leaving),
		       size(&t, 1, s->refused));
	putchar('\n');
}

#define EVENT	"%-20s %10s %10s"

/* Pages: as bytes */
static void print_pages(const struct report *r, const char *label,
			enum uzswap_counter i, const char *more)
{
	struct texts t;

	printf(EVENT "%s\n", label, size(&t, 0, page_bytes(gained(r, i))),
	       size(&t, 1, page_bytes(total(r, i))), more);
}

static void print_faults(const struct report *r)
{
	const struct snapshot *snap = &r->client->snap;
	char late[UNITS_BUF];
	char sum[UNITS_BUF];
	char text[3][UNITS_BUF];

	snprintf(late, sizeof(late), "%" PRIu64, GAINED(r, faults));
	snprintf(sum, sizeof(sum), "%" PRIu64, TOTAL(r, faults));
	printf(EVENT, "Faults", late, sum);
	if (snapshot_nr_timed(snap))
		printf("   p50 %s  p99 %s  max %s %s",
		       units_latency(text[0], UNITS_BUF,
				     snapshot_fault_us(snap, .5)),
		       units_latency(text[1], UNITS_BUF,
				     snapshot_fault_us(snap, .99)),
		       r->now->fault_us[UZSWAP_NR_BUCKETS - 1] ? "about"
							       : "below",
		       units_latency(text[2], UNITS_BUF,
				     snapshot_fault_us(snap, 1)));
	printf("\n  from pool %" PRIu64 ", from probation %" PRIu64
	       ", new %" PRIu64 ", there again %" PRIu64 "\n",
	       TOTAL(r, faults_stored), TOTAL(r, faults_leaving),
	       TOTAL(r, faults_fresh), TOTAL(r, faults_resident));
}

/* A share as text; "-" where there is nothing to take a share of. */
static const char *share(char *buf, uint64_t part, uint64_t whole)
{
	if (whole)
		snprintf(buf, UNITS_BUF, "%.1f%%",
			 percent((double)part, (double)whole));
	else
		snprintf(buf, UNITS_BUF, "-");
	return buf;
}

static void print_cpu(const struct report *r)
{
	uint64_t servers = GAINED(r, server_cpu_ns);
	uint64_t workers = GAINED(r, worker_cpu_ns);
	double ns = r->seconds * 1e9;
	char late[UNITS_BUF];
	char sum[UNITS_BUF];

	snprintf(late, sizeof(late), "%.1f%%",
		 percent((double)servers + (double)workers, ns));
	units_duration(sum, sizeof(sum),
		       TOTAL(r, server_cpu_ns) + TOTAL(r, worker_cpu_ns));
	printf(EVENT "   fault servers %.1f%%, others %.1f%%\n",
	       "CPU (own threads)", late, sum, percent((double)servers, ns),
	       percent((double)workers, ns));
}

/* Ageing waits when the program has to: since when, and why. */
static void print_backoff(const struct report *r)
{
	const struct uzswap_stats *s = r->now;
	char ago[UNITS_BUF];
	char sum[UNITS_BUF];
	char took[UNITS_BUF];
	char most[UNITS_BUF];

	if (!s->min_age_ms && !TOTAL(r, backoffs))
		return;
	snprintf(sum, sizeof(sum), "%" PRIu64, TOTAL(r, backoffs));
	printf(EVENT, "Pressure backoff", s->backing_off ? "yes" : "no", sum);
	if (s->backoff_ns)
		printf("   last %s ago: faults took %s > %s in 6s",
		       units_duration(ago, sizeof(ago),
				      s->updated_ns - s->backoff_ns),
		       units_duration(took, sizeof(took), s->backoff_stall_ns),
		       units_duration(most, sizeof(most),
				      s->max_stall_ms * NS_PER_MS));
	putchar('\n');
}

static void print_events(const struct report *r)
{
	char late[UNITS_BUF];
	char more[80];
	struct texts t;

	snprintf(late, sizeof(late), "last %.1fs", r->seconds);
	printf(EVENT "\n", "", late, "total");
	snprintf(more, sizeof(more), "   same-filled %s",
		 size(&t, 0, page_bytes(TOTAL(r, same_filled))));
	print_pages(r, "Evicted", UZSWAP_COUNT_evicted, more);
	snprintf(more, sizeof(more), "   read ahead %s",
		 size(&t, 0, page_bytes(TOTAL(r, readahead))));
	print_pages(r, "Restored", UZSWAP_COUNT_restored, more);
	print_pages(r, "Dropped", UZSWAP_COUNT_dropped,
		    "   stored pages the program freed");
	print_faults(r);
	printf(EVENT "   evicted pages needed again\n", "Refault rate",
	       share(t.at[0], GAINED(r, refaults), GAINED(r, evicted)),
	       share(t.at[1], TOTAL(r, refaults), TOTAL(r, evicted)));
	print_cpu(r);
	print_backoff(r);
	putchar('\n');
}

static void print_refusals(const struct report *r)
{
	struct texts t;

	printf(LABEL "does not pay %s, pool full %s\n", "Refused",
	       size(&t, 0, page_bytes(TOTAL(r, refused_size))),
	       size(&t, 1, page_bytes(TOTAL(r, refused_pool))));
	printf(LABEL "recently used %" PRIu64 ", refused before %" PRIu64
	       ", being freed %" PRIu64 ",\n" LABEL "pinned or shared %" PRIu64
	       ", locked or read-only %" PRIu64 " (pages)\n", "Passed over",
	       TOTAL(r, skip_heat), TOTAL(r, skip_refused),
	       TOTAL(r, skip_dying), "", TOTAL(r, skip_busy),
	       TOTAL(r, skip_protected));
}

static void note(const char *label, const char *text)
{
	printf(LABEL "%s\n", label, text);
}

/* What is not by default; it may change any time (zctl set). */
static void print_options(const struct report *r)
{
	struct option_page page;
	char text[512];

	if (option_page_read(&page, r->client->fd) < 0)
		return;
	option_page_changes(text, sizeof(text), &page);
	if (*text)
		printf(LABEL "%s\n", "Options", text);
}

static void print_notes(const struct report *r, const char *skipped)
{
	const struct uzswap_stats *s = r->now;

	if (s->note[0])
		note("Note", s->note);
	if (TOTAL(r, exceeded))
		printf(LABEL "the limit cannot be met: %" PRIu64 " faults were "
		       "answered over it\n", "Note", TOTAL(r, exceeded));
	if (TOTAL(r, damaged) || TOTAL(r, lost_copies))
		printf(LABEL "%" PRIu64 " damaged objects, %" PRIu64
		       " copies lost\n", "Note", TOTAL(r, damaged),
		       TOTAL(r, lost_copies));
	if (r->client->snap.torn)
		note("Note", "caught in the middle of an update: numbers may "
		     "be off");
	if (r->client->snap.adjusted)
		note("Note", "the page's numbers were not possible and have "
		     "been adjusted");
	if (*skipped)
		printf(LABEL "never compressed: %s\n", "Note", skipped);
	if (s->stored)
		note("Note", "stored pages cannot be read by debuggers and "
		     "are zeros in core files");
}

void report_print(const struct client *client, const struct snapshot *older,
		  const char *skipped)
{
	const struct report r = {
		.client = client,
		.now = &client->snap.s,
		.then = &older->s,
		.seconds = (double)(client->snap.taken_ns - older->taken_ns) /
			   1e9,
	};

	print_head(&r);
	if (client->kind == CLIENT_DORMANT)
		printf("below the size threshold: nothing is managed yet\n");
	if (client->kind == CLIENT_CHILD)
		printf("forked, not yet taken over: no numbers yet\n");
	if (client->kind != CLIENT_PAGE)
		return;
	print_memory(&r);
	print_events(&r);
	print_refusals(&r);
	print_options(&r);
	print_notes(&r, skipped);
}
