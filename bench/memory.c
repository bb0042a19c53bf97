/* SPDX-License-Identifier: MIT */
/*
 * memory.c - work on an array of pages that does not fit.
 *
 *	memory [--mib N] [--seconds T] [--hot PERCENT] PHASE...
 *
 *	fill      write all, in order
 *	scan      read all, in order, twice
 *	touch     read single pages at random; times of those that were out
 *	zipf      read records of 256 bytes, pages by a zipfian 0.99
 *	zipfrw    the same, half of them written
 *	zipf2 zipfrw2   both with two threads
 *	hot       records at random from the first PERCENT of the array
 *	move      the same from another PERCENT: how long until steady speed
 *	fork      a child reads all
 *	verify    read all: counts towards the exit status only
 *
 * Prints `begin PHASE` and `end PHASE name=value...` lines, which bench/run
 * reads.  Everything read is checked.  Exit 0, 1 wrong data, 99 bad usage.
 */
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "data.h"
#include "records.h"

#define SAMPLES		4000000u
#define WINDOW_MS	20
#define WINDOWS		6000u
#define STEP		64	/* operations between two looks at the clock */
#define THETA		0.99

struct bench {
	struct records rec;
	double seconds;
	unsigned hot_pct;
	uint64_t wrong;
	double zetan, alpha, eta;	/* zipf */
	unsigned bits;			/* pages = 2^bits at most */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Faults that had to wait: for swap, or for a userfaultfd. */
static double waited(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)r.ru_majflt;
}

static double since(uint64_t t)
{
	return (double)(now_ns() - t) * 1e-9;
}

static uint64_t next(uint64_t *seed)
{
	*seed += 0x9e3779b97f4a7c15u;
	return data_mix64(*seed);
}

static double unit(uint64_t *seed)
{
	return (double)(next(seed) >> 11) * 0x1p-53;
}

static size_t below(uint64_t *seed, size_t n)
{
	return (size_t)((next(seed) >> 32) * n >> 32);
}

/* --- zipf over pages, ranks scattered by a permutation ------------------- */

/* After Gray et al. 1994. */
static void zipf_init(struct bench *b)
{
	double n = (double)b->rec.nr_pages;

	for (size_t i = 1; i <= b->rec.nr_pages; i++)
		b->zetan += 1 / pow((double)i, THETA);
	b->alpha = 1 / (1 - THETA);
	b->eta = (1 - pow(2 / n, 1 - THETA)) /
		 (1 - (1 + pow(0.5, THETA)) / b->zetan);
	while ((size_t)1 << b->bits < b->rec.nr_pages)
		b->bits++;
}

/* Of all pages each once: odd factors and shifts, again if out of range. */
static size_t scatter(const struct bench *b, size_t rank)
{
	const size_t mask = ((size_t)1 << b->bits) - 1;

	do {
		rank = rank * 0x9e3779b1u & mask;
		rank ^= rank >> (b->bits / 2);
		rank = rank * 0x85ebca6bu & mask;
		rank ^= rank >> (b->bits / 2);
	} while (rank >= b->rec.nr_pages);
	return rank;
}

static size_t zipf_page(const struct bench *b, uint64_t *seed)
{
	double u = unit(seed);
	double uz = u * b->zetan;
	size_t rank;

	if (uz < 1)
		rank = 0;
	else if (uz < 1 + pow(0.5, THETA))
		rank = 1;
	else
		rank = (size_t)((double)b->rec.nr_pages *
				pow(b->eta * u - b->eta + 1, b->alpha));
	if (rank >= b->rec.nr_pages)
		rank = b->rec.nr_pages - 1;
	return scatter(b, rank);
}

/* --- phases -------------------------------------------------------------- */

static uint64_t begin(const char *phase)
{
	printf("begin %s\n", phase);
	fflush(stdout);
	return now_ns();
}

static void check_all(struct bench *b)
{
	for (size_t p = 0; p < b->rec.nr_pages; p++)
		b->wrong += !page_check(&b->rec, p);
}

static double mb(const struct bench *b)
{
	return (double)b->rec.nr_pages * PAGE * 1e-6;
}

static void phase_fill(struct bench *b)
{
	uint64_t t = begin("fill");

	for (size_t p = 0; p < b->rec.nr_pages; p++)
		for (unsigned i = 0; i < PER_PAGE; i++)
			record_write(&b->rec, p, i);
	printf("end fill MB/s=%.1f\n", mb(b) / since(t));
}

static void phase_scan(struct bench *b)
{
	uint64_t t = begin("scan");

	check_all(b);
	check_all(b);
	printf("end scan MB/s=%.1f\n", 2 * mb(b) / since(t));
}

static void phase_verify(struct bench *b)
{
	begin("verify");
	check_all(b);
	printf("end verify\n");
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double percentile(const uint32_t *ns, size_t nr, double p)
{
	return nr ? ns[(size_t)((double)(nr - 1) * p)] * 1e-3 : 0;
}

static void phase_touch(struct bench *b)
{
	uint32_t *ns = malloc(SAMPLES * sizeof(*ns));
	uint64_t seed = 11;
	uint64_t t = begin("touch");
	size_t all = 0;
	size_t nr = 0;

	while (nr < SAMPLES && since(t) < b->seconds) {
		size_t p = below(&seed, b->rec.nr_pages);
		const uint64_t *at = b->rec.at + p * (PAGE / 8);
		unsigned char in = 1;
		uint64_t t0;
		uint64_t t1;

		mincore((void *)at, PAGE, &in);
		t0 = now_ns();
		(void)*(volatile const uint64_t *)at;
		t1 = now_ns();
		if (!(in & 1))
			ns[nr++] = (uint32_t)(t1 - t0);
		all++;
		b->wrong += !record_check(&b->rec, p, 0);
	}
	qsort(ns, nr, sizeof(*ns), by_size);
	printf("end touch p50_us=%.2f p99_us=%.2f p99.9_us=%.2f max_us=%.1f "
	       "miss=%.4f k/s=%.1f\n", percentile(ns, nr, 0.5),
	       percentile(ns, nr, 0.99), percentile(ns, nr, 0.999),
	       percentile(ns, nr, 1), (double)nr / (double)all,
	       (double)all / b->seconds * 1e-3);
	free(ns);
}

struct worker {
	struct bench *b;
	uint64_t seed;
	unsigned write_pct;
	bool share;
	uint64_t until_ns;
	uint64_t done;
	uint64_t wrong;
	pthread_t thread;
};

static void *zipf_run(void *arg)
{
	struct worker *w = arg;
	struct records *r = &w->b->rec;

	while (now_ns() < w->until_ns) {
		for (int n = 0; n < STEP; n++) {
			size_t p = zipf_page(w->b, &w->seed);
			uint64_t dice = next(&w->seed);
			unsigned i = dice % PER_PAGE;

			if (w->share)
				page_lock(r, p);
			if ((dice >> 32) % 100 < w->write_pct)
				record_write(r, p, i);
			else
				w->wrong += !record_check(r, p, i);
			if (w->share)
				page_unlock(r, p);
		}
		w->done += STEP;
	}
	return NULL;
}

static void zipf_for(struct bench *b, struct worker *w, int threads,
		     double seconds)
{
	uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);

	for (int k = 0; k < threads; k++) {
		w[k].until_ns = until;
		if (k)
			pthread_create(&w[k].thread, NULL, zipf_run, &w[k]);
	}
	zipf_run(&w[0]);
	for (int k = 1; k < threads; k++)
		pthread_join(w[k].thread, NULL);
	for (int k = 0; k < threads; k++)
		b->wrong += w[k].wrong;
}

/* Half of the time to settle, then measure. */
static void phase_zipf(struct bench *b, const char *name, int threads,
		       unsigned write_pct)
{
	struct worker w[2] = { { 0 }, { 0 } };
	uint64_t t = begin(name);
	uint64_t done = 0;
	double misses;

	for (int k = 0; k < threads; k++)
		w[k] = (struct worker){ .b = b, .seed = 77 + (uint64_t)k,
					.write_pct = write_pct,
					.share = threads > 1 };
	zipf_for(b, w, threads, b->seconds / 2);
	for (int k = 0; k < threads; k++)
		w[k].done = w[k].wrong = 0;
	t = now_ns();
	misses = waited();
	zipf_for(b, w, threads, b->seconds);
	for (int k = 0; k < threads; k++)
		done += w[k].done;
	printf("end %s M/s=%.4f miss=%.4f\n", name,
	       (double)done / since(t) * 1e-6,
	       (waited() - misses) / (double)done);
}

/* Records at random from NR pages at FIRST; operations in each window. */
static size_t use_set(struct bench *b, size_t first, size_t nr,
		      double seconds, uint32_t *window)
{
	uint64_t seed = first + 1;
	uint64_t start = now_ns();
	uint64_t length = (uint64_t)(seconds * 1e9);
	size_t last = 0;

	memset(window, 0, WINDOWS * sizeof(*window));
	for (;;) {
		size_t at = (size_t)((now_ns() - start) /
				     (WINDOW_MS * 1000000u));

		if (at >= WINDOWS || now_ns() - start >= length)
			return last;
		for (int n = 0; n < STEP; n++) {
			size_t p = first + below(&seed, nr);

			b->wrong += !record_check(&b->rec, p,
						  seed % PER_PAGE);
		}
		window[at] += STEP;
		last = at;
	}
}

static double speed(const uint32_t *window, size_t from, size_t to)
{
	double n = 0;

	for (size_t i = from; i < to; i++)
		n += window[i];
	return n / ((double)(to - from) * WINDOW_MS) * 1e-3;
}

static void phase_hot(struct bench *b)
{
	static uint32_t window[WINDOWS];
	size_t nr = b->rec.nr_pages * b->hot_pct / 100;
	size_t n;

	begin("hot");
	n = use_set(b, 0, nr, 1.5 * b->seconds, window);
	printf("end hot M/s=%.4f\n", speed(window, n / 3, n));
}

/* Settled: from here on, a fifth of a second at 95 % of the last quarter. */
static void phase_move(struct bench *b)
{
	static uint32_t window[WINDOWS];
	size_t nr = b->rec.nr_pages * b->hot_pct / 100;
	size_t n;
	size_t i;
	double steady;

	begin("move");
	use_set(b, 0, nr, b->seconds, window);
	n = use_set(b, b->rec.nr_pages - nr, nr, 1.5 * b->seconds, window);
	steady = speed(window, n - n / 4, n);
	for (i = 0; i + 10 < n; i++)
		if (speed(window, i, i + 10) >= 0.95 * steady)
			break;
	printf("end move settle_s=%.2f steady_M/s=%.4f\n",
	       (double)i * WINDOW_MS * 1e-3, steady);
}

static void phase_fork(struct bench *b)
{
	uint64_t t = begin("fork");
	int status = 0;
	pid_t child = fork();

	if (!child) {
		b->wrong = 0;
		check_all(b);
		_exit(b->wrong != 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		b->wrong++;
	printf("end fork s=%.3f\n", since(t));
}

static bool run_phase(struct bench *b, const char *name)
{
	if (!strcmp(name, "fill"))
		phase_fill(b);
	else if (!strcmp(name, "scan"))
		phase_scan(b);
	else if (!strcmp(name, "touch"))
		phase_touch(b);
	else if (!strcmp(name, "zipf"))
		phase_zipf(b, name, 1, 0);
	else if (!strcmp(name, "zipfrw"))
		phase_zipf(b, name, 1, 50);
	else if (!strcmp(name, "zipf2"))
		phase_zipf(b, name, 2, 0);
	else if (!strcmp(name, "zipfrw2"))
		phase_zipf(b, name, 2, 50);
	else if (!strcmp(name, "hot"))
		phase_hot(b);
	else if (!strcmp(name, "move"))
		phase_move(b);
	else if (!strcmp(name, "fork"))
		phase_fork(b);
	else if (!strcmp(name, "verify"))
		phase_verify(b);
	else
		return false;
	fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", 1, NULL, 'm' }, { "seconds", 1, NULL, 's' },
		{ "hot", 1, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	static struct bench b = { .seconds = 5, .hot_pct = 30 };
	size_t mib = 512;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'm': mib = strtoul(optarg, NULL, 10); break;
		case 's': b.seconds = strtod(optarg, NULL); break;
		case 'h': b.hot_pct = (unsigned)atoi(optarg); break;
		default: return 99;
		}
	}
	records_init(&b.rec, mib * (1048576 / PAGE));
	zipf_init(&b);
	for (; optind < argc; optind++) {
		if (!run_phase(&b, argv[optind])) {
			fprintf(stderr, "memory: what is %s?\n", argv[optind]);
			return 99;
		}
	}
	if (b.wrong)
		printf("WRONG %llu records\n", (unsigned long long)b.wrong);
	return b.wrong != 0;
}
