/* SPDX-License-Identifier: MIT */
/*
 * How the times are taken: each round does every job once on all pages.  Of
 * CPU time the median round counts; it is for comparing, as the machine may be
 * busy with other things.  Time by the clock shows what threads are good for,
 * and of it the best round counts, since other work only ever adds to it: many
 * short rounds find a moment without.  The clock runs from when all threads
 * are there to when the last has done its share, so that neither the making of
 * threads nor waking one up is in it.
 *
 * Dropping everything gives the pool's RAM back, so that each put pays for
 * fresh memory, as it does while a pool grows.
 */
#include "tests/bench/pack_time.h"

#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/sys.h"

enum job { BARE_PACK, BARE_UNPACK, PUT, LOAD, DROP, NR_JOBS };

static const char *const job_names[NR_JOBS] = {
	"lz4 pack", "lz4 unpack", "store_put", "store_load", "store_drop",
};

/* What one thread works on. */
struct share {
	struct store *store;
	struct codec *codec;
	const char *const *pages;
	size_t nr;
	struct store_ref *refs;		/* of each page */
	char *bare;			/* each packed by bare LZ4 */
	int *bare_len;
	LZ4_stream_t state;
	char page[PAGE_SIZE];
	enum job job;
	uint64_t cpu_ns;		/* of the last job */
	uint64_t end_ns;		/* when it was done */
	int failed;			/* ever */
} CACHE_ALIGNED;

static int do_one(struct share *s, size_t i)
{
	char *bare = s->bare + i * PAGE_SIZE;

	switch (s->job) {
	case BARE_PACK:
		s->bare_len[i] = LZ4_compress_fast_extState(&s->state,
			s->pages[i], bare, (int)PAGE_SIZE, (int)PAGE_SIZE, 1);
		return s->bare_len[i] <= 0;
	case BARE_UNPACK:
		return LZ4_decompress_safe(bare, s->page, s->bare_len[i],
					   (int)PAGE_SIZE) < 0;
	case PUT:
		return store_put(s->store, &s->refs[i], s->codec, i,
				 s->pages[i]);
	case LOAD:
		return store_load(s->store, s->codec, s->refs[i], s->page);
	case DROP:
		store_drop(s->store, s->refs[i]);
		break;
	case NR_JOBS:
		break;
	}
	return 0;
}

static void do_share(struct share *s)
{
	uint64_t start = sys_cpu_ns();

	for (size_t i = 0; i < s->nr && !s->failed; i++)
		s->failed |= do_one(s, i);
	s->cpu_ns = sys_cpu_ns() - start;
	s->end_ns = sys_now_ns();
}

static _Atomic unsigned nr_ready;
static _Atomic bool go;

static void *wait_and_do(void *share)
{
	atomic_fetch_add(&nr_ready, 1);
	while (!atomic_load(&go))
		;
	do_share(share);
	return NULL;
}

/* Nanoseconds, of all threads together: by the clock, and *CPU. */
static double time_job(struct share *s, double *cpu, unsigned nr_threads,
		       enum job job)
{
	pthread_t threads[PACK_TIME_THREADS];
	uint64_t start;
	uint64_t end = 0;

	atomic_store(&nr_ready, 1);
	atomic_store(&go, false);
	for (unsigned i = 0; i < nr_threads; i++) {
		s[i].job = job;
		if (i && pthread_create(&threads[i], NULL, wait_and_do, &s[i]))
			exit(99);
	}
	while (atomic_load(&nr_ready) < nr_threads)
		;
	start = sys_now_ns();
	atomic_store(&go, true);
	do_share(&s[0]);
	*cpu = 0;
	for (unsigned i = 0; i < nr_threads; i++) {
		if (i)
			pthread_join(threads[i], NULL);
		*cpu += (double)s[i].cpu_ns;
		end = max_size(end, s[i].end_ns);
	}
	return (double)(end - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All rounds; nanoseconds per job and page in CPU and CLOCK. */
static void measure(struct share *s, double *cpu, double *wall,
		    unsigned nr_threads, unsigned nr_rounds)
{
	static double c[NR_JOBS][PACK_TIME_ROUNDS];
	static double w[NR_JOBS][PACK_TIME_ROUNDS];
	double nr = (double)s[0].nr * nr_threads;

	for (unsigned r = 0; r < nr_rounds; r++)
		for (unsigned j = 0; j < NR_JOBS; j++)
			w[j][r] = time_job(s, &c[j][r], nr_threads,
					   (enum job)j);
	for (unsigned j = 0; j < NR_JOBS; j++) {
		qsort(c[j], nr_rounds, sizeof(c[j][0]), by_value);
		qsort(w[j], nr_rounds, sizeof(w[j][0]), by_value);
		cpu[j] = c[j][nr_rounds / 2] / nr;
		wall[j] = w[j][0] / nr;
	}
}

static void print(const double *cpu, const double *wall, unsigned nr_threads,
		  uint64_t waits)
{
	static double alone[NR_JOBS];	/* of one thread, by the clock */
	static double alone_cpu[NR_JOBS];

	printf("\n%u thread%-3s  %12s %12s %10s\n", nr_threads,
	       nr_threads > 1 ? "s" : "", "cpu us/page", "us/page", "MB/s");
	for (unsigned j = 0; j < NR_JOBS; j++)
		printf("%-12s %12.3f %12.3f %10.0f\n", job_names[j],
		       cpu[j] / 1000, wall[j] / 1000,
		       (double)PAGE_SIZE / wall[j] * 1000);
	printf("throughput of bare LZ4: put %.3f, load %.3f of it\n",
	       cpu[BARE_PACK] / cpu[PUT], cpu[BARE_UNPACK] / cpu[LOAD]);
	if (nr_threads == 1) {
		memcpy(alone, wall, sizeof(alone));
		memcpy(alone_cpu, cpu, sizeof(alone_cpu));
		return;
	}
	printf("as fast as one thread: lz4 pack x%.2f, store_put x%.2f, "
	       "lz4 unpack x%.2f, store_load x%.2f\n",
	       alone[BARE_PACK] / wall[BARE_PACK], alone[PUT] / wall[PUT],
	       alone[BARE_UNPACK] / wall[BARE_UNPACK],
	       alone[LOAD] / wall[LOAD]);
	/* what the clock would say on as many idle CPUs */
	printf("by CPU time: store_put x%.2f, store_load x%.2f; "
	       "%llu waits for a lock in all\n",
	       nr_threads * alone_cpu[PUT] / cpu[PUT],
	       nr_threads * alone_cpu[LOAD] / cpu[LOAD],
	       (unsigned long long)waits);
}

int pack_time(struct store *store, struct codec *const *codec,
	      unsigned nr_threads, unsigned nr_rounds,
	      const char *const *pages, size_t nr)
{
	struct share *s = aligned_alloc(CACHE_LINE, nr_threads * sizeof(*s));
	double cpu[NR_JOBS];
	double wall[NR_JOBS];
	uint64_t waits = count_get(UZSWAP_COUNT_lock_waits);
	int failed = !s;

	for (unsigned i = 0; s && i < nr_threads; i++) {
		s[i] = (struct share){ .store = store, .codec = codec[i] };
		s[i].nr = nr / nr_threads;
		s[i].pages = pages + i * s[i].nr;
		s[i].refs = calloc(s[i].nr, sizeof(*s[i].refs));
		s[i].bare = malloc(s[i].nr * PAGE_SIZE);
		s[i].bare_len = calloc(s[i].nr, sizeof(*s[i].bare_len));
		failed |= !s[i].refs || !s[i].bare || !s[i].bare_len;
	}
	if (!failed)
		measure(s, cpu, wall, nr_threads, nr_rounds);
	for (unsigned i = 0; s && i < nr_threads; i++) {
		failed |= s[i].failed;
		free(s[i].refs);
		free(s[i].bare);
		free(s[i].bare_len);
	}
	free(s);
	if (!failed)
		print(cpu, wall, nr_threads,
		      count_get(UZSWAP_COUNT_lock_waits) - waits);
	return failed ? -1 : 0;
}
