/* SPDX-License-Identifier: MIT */
/*
 * The pool over a long time: objects of drifting sizes come and go, some
 * short-lived and some old, while another thread compacts as the first
 * evictor does (engine/upkeep.c).
 *
 *	bench_churn [-s SECONDS] [-o OPERATIONS]
 *
 *	-s	how long (60); 1800 for the whole
 *	-o	frees and stores a second (100000: 400 MB/s of pages)
 *
 * Says how much RAM the pool had for what was packed in it, at worst and for
 * how long it was above 1.08, and what compaction took of a CPU: by the pool's
 * own books a hundred times a second, and once a second by mincore(2).
 */
#define _DEFAULT_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "store/pool.h"
#include "tests/bench/corpus.h"

#define NR_ITEMS	(128u << 10)
#define HOT_PART	5	/* nine frees of ten are in a fifth of them */
#define DRIFT_NS	(30 * NS_PER_S)
#define TICK_NS		(20 * NS_PER_MS)
#define MOVES		64
#define LIMIT		1.08

static struct {
	struct arena arena;
	struct pool pool;
	_Atomic uint64_t refs[NR_ITEMS];	/* 0: none */
	_Atomic bool ending;
	uint64_t compact_ns;
	uint64_t moves;
} c;

static unsigned char bytes[POOL_MAX_LEN];

static void fail(const char *what)
{
	fprintf(stderr, "bench_churn: %s\n", what);
	exit(1);
}

static bool moved(void *ctx, uint64_t owner, struct pool_ref from,
		  struct pool_ref to)
{
	uint64_t old = from.bits;

	(void)ctx;
	return atomic_compare_exchange_strong(&c.refs[owner], &old, to.bits);
}

static void *compact(void *arg)
{
	uint64_t since = sys_now_ns();

	(void)arg;
	while (!atomic_load(&c.ending)) {
		uint64_t now = sys_now_ns();
		uint64_t start = sys_cpu_ns();
		uint64_t most = (now - since) / 4;
		size_t nr = MOVES;

		since = now;
		while (nr >= MOVES && sys_cpu_ns() - start < most) {
			nr = pool_compact(&c.pool, MOVES);
			c.moves += nr;
		}
		c.compact_ns += sys_cpu_ns() - start;
		sys_nanosleep(TICK_NS);
	}
	return NULL;
}

/* Lengths of a range that wanders between 150 and 2950 bytes. */
static size_t next_len(uint64_t *rand, uint64_t now_ns)
{
	uint64_t place = now_ns % (2 * DRIFT_NS);
	uint64_t r = corpus_random(rand) >> 20;

	if (place > DRIFT_NS)
		place = 2 * DRIFT_NS - place;
	if (r % 8 == 0)
		return 150 + r / 8 % 2800;
	return 150 + place * 2000 / DRIFT_NS + r / 8 % 800;
}

static void replace(uint64_t *rand, uint64_t now_ns)
{
	uint64_t r = corpus_random(rand) >> 16;
	size_t i = r % 10 ? r / 10 % (NR_ITEMS / HOT_PART) : r / 10 % NR_ITEMS;
	struct pool_ref old = { atomic_exchange(&c.refs[i], 0) };
	struct pool_ref ref;

	if (old.bits)
		pool_drop(&c.pool, old);
	if (pool_put(&c.pool, &ref, i, 1, bytes, next_len(rand, now_ns)))
		fail("no room");
	atomic_store(&c.refs[i], ref.bits);
}

/* RAM for each packed byte over time, and how it is found out. */
struct gauge {
	const char *name;
	double (*read)(void);
	double sum;
	double worst;
	unsigned looks;
	uint64_t below_ns;		/* the last look within the limit */
	uint64_t longest_ns;		/* time above it at once, at most */
};

static double by_books(void)
{
	struct pool_usage u;

	pool_usage(&c.pool, &u);
	return (double)u.used / (double)u.packed;
}

static double by_kernel(void)
{
	static unsigned char here[GIB / PAGE_SIZE];
	size_t len = (size_t)c.pool.slabs.next_page * PAGE_SIZE;
	struct pool_usage u;
	size_t nr = 0;

	if (mincore(c.pool.slabs.base, len, here))
		fail("mincore");
	for (size_t i = 0; i < len / PAGE_SIZE; i++)
		nr += here[i] & 1;
	pool_usage(&c.pool, &u);
	return (double)(nr * PAGE_SIZE) / (double)u.packed;
}

static void look(struct gauge *g)
{
	double loose = g->read();
	uint64_t now = sys_now_ns();

	g->sum += loose;
	g->looks++;
	g->worst = loose > g->worst ? loose : g->worst;
	if (loose <= LIMIT || !g->below_ns)
		g->below_ns = now;
	else if (now - g->below_ns > g->longest_ns)
		g->longest_ns = now - g->below_ns;
}

static void print(const struct gauge *g)
{
	printf("%-10s used/packed %.4f on average, %.4f at worst, longest "
	       "above %.2f: %.2f s\n", g->name, g->sum / g->looks, g->worst,
	       LIMIT, (double)g->longest_ns / NS_PER_S);
}

static void churn(unsigned seconds, unsigned rate)
{
	struct gauge books = { .name = "books", .read = by_books };
	struct gauge kernel = { .name = "mincore", .read = by_kernel };
	uint64_t rand = 88172645463325252u;
	uint64_t begin = sys_now_ns();
	uint64_t nr = 0;
	uint64_t took;
	uint64_t now;

	while ((now = sys_now_ns()) - begin < seconds * NS_PER_S) {
		for (unsigned i = 0; i < rate / 100; i++, nr++)
			replace(&rand, now - begin);
		look(&books);
		if (books.looks % 100 == 0)
			look(&kernel);
		took = sys_now_ns() - now;
		if (took < NS_PER_S / 100)
			sys_nanosleep(NS_PER_S / 100 - took);
	}
	now -= begin;
	printf("%.0f s, %.0f operations a second, %llu objects moved\n",
	       (double)now / NS_PER_S, (double)nr * NS_PER_S / (double)now,
	       (unsigned long long)c.moves);
	print(&books);
	print(&kernel);
	printf("compaction %.2f %% of a CPU\n",
	       100 * (double)c.compact_ns / (double)now);
}

int main(int argc, char **argv)
{
	struct pool_config cfg = {
		.arena = &c.arena, .reserve_len = GIB, .moved = moved,
	};
	unsigned seconds = 60;
	unsigned rate = 100000;
	uint64_t rand = 7;
	pthread_t thread;
	int opt;

	while ((opt = getopt(argc, argv, "s:o:")) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (opt == 's' && n)
			seconds = (unsigned)n;
		else if (opt == 'o' && n >= 100)
			rate = (unsigned)n;
		else
			fail("usage: bench_churn [-s SECONDS] [-o OPERATIONS]");
	}
	if (arena_start(&c.arena, 4 * GIB) || pool_start(&c.pool, &cfg))
		fail("no address space");
	for (unsigned i = 0; i < 8 * NR_ITEMS; i++)
		replace(&rand, 0);
	if (pthread_create(&thread, NULL, compact, NULL))
		fail("no thread");
	churn(seconds, rate);
	atomic_store(&c.ending, true);
	pthread_join(thread, NULL);
	return pool_is_valid(&c.pool) ? 0 : 1;
}
