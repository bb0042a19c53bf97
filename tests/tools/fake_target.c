/* SPDX-License-Identifier: MIT */
/*
 * A process that looks as if it were under uzswap, with a statistics page
 * of the test's choosing: for zctl, which must not believe it.
 *
 *   fake_target MODE [LABEL]
 *
 * makes the memfd, maps it, prints its pid and sleeps until it is killed.
 * MODE is one of
 *
 *   good      sensible numbers, counting on every 50 ms
 *   degraded  the same with a note
 *   garbage   random bytes everywhere but in magic, version and lengths
 *   ones      all bits set, likewise
 *   escapes   texts without end and full of terminal controls
 *   magic     wrong magic                version   of the future
 *   short     file of 20 bytes           empty     file of no bytes
 *   counters  more counters than fit     fewer     only two counters
 *   odd       sequence number odd for ever
 *   racing    sequence number never the same
 *   other     the page of another process
 *   start     the right pid, another start time
 *   stopped   good, and stops itself
 *   closed    good, but only mapped: no descriptor
 *   pipe      the descriptor replaced by a pipe
 *
 * and with a control page besides good numbers
 *
 *   ctl-obeys      says yes to everything, and does nothing
 *   ctl-garbage    answers, and shows options, of random bytes
 *   ctl-silent     never answers
 *   ctl-taken      has taken a request and never ends it
 *   ctl-dies       ends when it is asked
 *   ctl-racing     changes the word all the time
 *   ctl-gone       has stepped aside
 *   ctl-magic  ctl-version  ctl-old  is not, is another, knows no request
 *   ctl-unsealed   may be cut off any time
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <uzswap/ctl.h>
#include <uzswap/stats.h>

#define MIB	((uint64_t)1 << 20)
#define LEN	16384		/* of a page that is not short */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t start_ticks(void)
{
	unsigned long long ticks = 0;
	FILE *file = fopen("/proc/self/stat", "re");

	if (!file || fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u "
			    "%*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
			    "%llu", &ticks) != 1)
		exit(99);
	fclose(file);
	return ticks;
}

static void fill_head(struct uzswap_stats *s)
{
	s->magic = UZSWAP_STATS_MAGIC;
	s->version = UZSWAP_STATS_VERSION;
	s->size = sizeof(*s);
	s->pid = getpid();
	s->state = UZSWAP_ACTIVE;
	s->start_time_ticks = start_ticks();
	s->seq = 2;
	s->nr_counters = UZSWAP_NR_COUNTERS;
	s->nr_buckets = UZSWAP_NR_BUCKETS;
	s->nr_servers = 2;
	s->updated_ns = now_ns();
	s->started_ns = s->updated_ns - 90000000000;
}

static void fill_numbers(struct uzswap_stats *s)
{
	strcpy(s->library_version, "0.1.0");
	strcpy(s->name, "label");
	strcpy(s->compressor, "lz4");
	strcpy(s->engine, "move");
	strcpy(s->limit_source, "option");
	s->managed = 1000 * MIB;
	s->resident = 300 * MIB;
	s->stored = 600 * MIB;
	s->untouched = 100 * MIB;
	s->leaving = MIB;
	s->registered = 900 * MIB;
	s->pool = 200 * MIB;
	s->packed = 180 * MIB;
	s->metadata = 4 * MIB;
	s->refused = 10 * MIB;
	s->limit = 512 * MIB;
	s->usage = 505 * MIB;
	s->usage_max = 511 * MIB;
	s->counters[UZSWAP_COUNT_evicted] = 200000;
	s->counters[UZSWAP_COUNT_restored] = 40000;
	s->counters[UZSWAP_COUNT_dropped] = 6400;
	s->counters[UZSWAP_COUNT_faults] = 1000;
	s->counters[UZSWAP_COUNT_faults_stored] = 1000;
	s->counters[UZSWAP_COUNT_refaults] = 20000;
	s->counters[UZSWAP_COUNT_server_cpu_ns] = 94100000000;
	s->fault_us[5] = 980;		/* 4 .. 8 us */
	s->fault_us[10] = 20;		/* 128 .. 256 us */
}


static void fill_random(void *at, size_t len, uint64_t seed)
{
	uint64_t x = 88172645463325252 ^ seed;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		((unsigned char *)at)[i] = (unsigned char)x;
	}
}

/* All but the head, which decides how the rest is read. */
static void fill_rest(struct uzswap_stats *s, bool ones)
{
	size_t from = offsetof(struct uzswap_stats, nr_servers);
	char *at = (char *)s + from;

	if (ones)
		memset(at, 0xff, sizeof(*s) - from);
	else
		fill_random(at, sizeof(*s) - from, 0);
	s->state = ones ? UINT32_MAX : 4711;
}

static void fill_ctl(char *file, const char *mode)
{
	struct uzswap_ctl *ctl = (void *)(file + UZSWAP_CTL_AT);
	struct uzswap_ctl_options *options =
		(void *)(file + UZSWAP_OPTIONS_AT);

	ctl->magic = UZSWAP_CTL_MAGIC + (strcmp(mode, "ctl-magic") == 0);
	ctl->version = strcmp(mode, "ctl-version") == 0
		? 77 : UZSWAP_CTL_VERSION;
	ctl->size = sizeof(*ctl);
	ctl->gone = strcmp(mode, "ctl-gone") == 0;
	ctl->nr_kinds = strcmp(mode, "ctl-old") == 0
		? 1 : UZSWAP_CTL_NR_KINDS;
	if (strcmp(mode, "ctl-taken") == 0)
		ctl->word = 4 | UZSWAP_CTL_TAKEN;
	options->nr = 2;
	options->size = sizeof(options->rows[0]);
	strcpy(options->rows[0].name, "limit");
	strcpy(options->rows[0].value, "1G");
	options->rows[0].when = 1;
	strcpy(options->rows[1].name, "colour");
	strcpy(options->rows[1].value, "red");
	if (strcmp(mode, "ctl-garbage") == 0)
		fill_random(options->rows, sizeof(options->rows), now_ns());
}

/* Of what is asked. */
static void answer(struct uzswap_ctl *ctl, const char *mode)
{
	uint32_t word = __atomic_load_n(&ctl->word, __ATOMIC_ACQUIRE);

	if (strcmp(mode, "ctl-racing") == 0) {
		__atomic_add_fetch(&ctl->word, 4, __ATOMIC_ACQ_REL);
		return;
	}
	if ((word & UZSWAP_CTL_PHASE) != UZSWAP_CTL_ASKED ||
	    strcmp(mode, "ctl-silent") == 0)
		return;
	if (strcmp(mode, "ctl-dies") == 0)
		exit(0);
	if (strcmp(mode, "ctl-garbage") == 0)
		fill_random(&ctl->answer, sizeof(ctl->answer), now_ns());
	__atomic_store_n(&ctl->word, word | UZSWAP_CTL_DONE,
			 __ATOMIC_RELEASE);
}

static void run_ctl(char *file, const char *mode)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		answer((void *)(file + UZSWAP_CTL_AT), mode);
		if (strcmp(mode, "ctl-racing") != 0)
			nanosleep(&pause, NULL);
	}
}

static void fill_escapes(struct uzswap_stats *s)
{
	static const char nasty[] = "\033[2J\033]0;owned\a\n\r\t\177\233%s%n";
	char *texts[] = { s->name, s->note, s->limit_source, s->compressor,
			  s->engine, s->library_version };
	size_t lens[] = { sizeof(s->name), sizeof(s->note),
			  sizeof(s->limit_source), sizeof(s->compressor),
			  sizeof(s->engine), sizeof(s->library_version) };

	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < lens[i]; j++)
			texts[i][j] = nasty[j % (sizeof(nasty) - 1)];
	prctl(PR_SET_NAME, "a\033[31m\nb) c", 0, 0, 0);
}

static void change(struct uzswap_stats *s, const char *mode)
{
	if (strcmp(mode, "degraded") == 0) {
		s->state = UZSWAP_DEGRADED;
		strcpy(s->note, "the limit cannot be met");
		s->counters[UZSWAP_COUNT_exceeded] = 7;
	} else if (strcmp(mode, "garbage") == 0) {
		fill_rest(s, false);
	} else if (strcmp(mode, "ones") == 0) {
		fill_rest(s, true);
	} else if (strcmp(mode, "escapes") == 0) {
		fill_escapes(s);
	} else if (strcmp(mode, "magic") == 0) {
		s->magic++;
	} else if (strcmp(mode, "version") == 0) {
		s->version = 77;
	} else if (strcmp(mode, "counters") == 0) {
		s->nr_counters = 900;
		s->size = UINT32_MAX;
	} else if (strcmp(mode, "fewer") == 0) {
		s->nr_counters = 2;
		s->nr_buckets = 0;
	} else if (strcmp(mode, "odd") == 0) {
		s->seq = 3;
	} else if (strcmp(mode, "other") == 0) {
		s->pid++;
	} else if (strcmp(mode, "start") == 0) {
		s->start_time_ticks++;
	}
}

static void run(struct uzswap_stats *s, const char *mode)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	bool racing = strcmp(mode, "racing") == 0;
	bool counting = strcmp(mode, "good") == 0;

	for (;;) {
		if (racing) {
			__atomic_add_fetch(&s->seq, 2, __ATOMIC_RELEASE);
			continue;
		}
		nanosleep(&pause, NULL);
		if (!counting)
			continue;
		__atomic_add_fetch(&s->seq, 1, __ATOMIC_ACQ_REL);
		s->updated_ns = now_ns();
		s->counters[UZSWAP_COUNT_faults] += 10;
		__atomic_add_fetch(&s->seq, 1, __ATOMIC_ACQ_REL);
	}
}

static off_t file_len(const char *mode)
{
	if (strcmp(mode, "short") == 0)
		return 20;
	if (strcmp(mode, "empty") == 0)
		return 0;
	if (strcmp(mode, "counters") == 0)
		return offsetof(struct uzswap_stats, counters) + 800 * 8;
	return LEN;
}

/* What is done to the descriptor once the page is mapped. */
static void treat_fd(int fd, const char *mode)
{
	int ends[2];

	if (strcmp(mode, "closed") == 0)
		close(fd);
	if (strcmp(mode, "pipe") == 0 &&
	    (pipe(ends) < 0 || dup2(ends[0], fd) < 0))
		exit(99);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "good";
	int fd = memfd_create(UZSWAP_STATS_NAME,
			      MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool ctl = strncmp(mode, "ctl-", 4) == 0;
	size_t len = ctl ? UZSWAP_CTL_FILE_LEN : LEN;
	struct uzswap_stats *s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || ftruncate(fd, (off_t)len) < 0)
		return 99;
	s = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return 99;
	fill_head(s);
	fill_numbers(s);
	if (argc > 2)
		strncpy(s->name, argv[2], sizeof(s->name) - 1);
	if (ctl)
		fill_ctl((char *)s, mode);
	else
		change(s, mode);
	if (!ctl && ftruncate(fd, file_len(mode)) < 0)
		return 99;
	if (ctl && strcmp(mode, "ctl-unsealed") != 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return 99;
	treat_fd(fd, mode);
	printf("%d\n", getpid());
	fflush(stdout);
	if (strcmp(mode, "stopped") == 0)
		raise(SIGSTOP);
	if (ctl)
		run_ctl((char *)s, mode);
	run(s, mode);
}
