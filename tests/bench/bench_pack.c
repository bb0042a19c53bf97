/* SPDX-License-Identifier: MIT */
/*
 * How densely and how fast the store keeps pages.
 *
 *	bench_pack [-m MIB] [-c MILLIONS] [-r ROUNDS]
 *
 *	-m	pages of each kind, MiB (64)
 *	-c	random frees and stores, millions (10)
 *	-r	rounds of the timing, of which the median counts (7)
 *
 * Three tables: density of each kind and of the mix, in a pool of its own;
 * the mix's pool after churn and after freeing; time per page of packing
 * and storing, loading and unpacking, beside bare LZ4 on the same pages in
 * the same round.
 *
 * The objects of the churn are packed beforehand and go straight to the
 * pool, since it is the pool that is looked at.
 */
#include <getopt.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "store/store.h"
#include "tests/bench/corpus.h"

#define RESERVE		(16 * GIB)
#define ACCEPT_PCT	75
#define MAX_LEN		(PAGE_SIZE * ACCEPT_PCT / 100)
#define MAX_ROUNDS	99
#define COMPACT_EVERY	256	/* operations of the churn */
#define COMPACT_MOVES	64

static size_t kind_mib = 64;
static uint64_t churn_millions = 10;
static unsigned nr_rounds = 7;

/* Every page of the corpus and where it is kept. */
struct item {
	const char *page;
	struct store_ref ref;
};

static struct {
	char *pages;
	struct item *items;
	size_t nr;
	size_t first[CORPUS_NR + 1];	/* items by kind */
	struct store store;
	struct arena arena;
	struct codec *codec[2];
} b;

static void fail(const char *what)
{
	fprintf(stderr, "bench_pack: %s\n", what);
	exit(1);
}

/* An item is its own owner; nobody claims anything here. */
static bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	(void)ctx;
	if (b.items[owner].ref.bits != from.bits)
		fail("an object is not where it was");
	b.items[owner].ref = to;
	return true;
}

static void start_store(void)
{
	struct store_config cfg = {
		.arena = &b.arena,
		.reserve_len = RESERVE,
		.accept_pct = ACCEPT_PCT,
		.moved = moved,
	};

	if (store_start(&b.store, &cfg))
		fail("no address space");
}

/* Drop all and give all RAM back; a store can't be stopped. */
static void stop_store(void)
{
	struct store_usage u;

	for (size_t i = 0; i < b.nr; i++) {
		if (b.items[i].ref.bits)
			store_drop(&b.store, b.items[i].ref);
		b.items[i].ref.bits = 0;
	}
	slab_trim(&b.store.pool.slabs, true);
	store_usage(&b.store, &u);
	if (u.pages || u.packed || u.used)
		fail("an empty store is not empty");
}

static void make_corpus(void)
{
	size_t len = kind_mib * MIB;
	size_t at = 0;

	b.pages = aligned_alloc(PAGE_SIZE, CORPUS_NR * len);
	b.items = calloc(CORPUS_NR * len / PAGE_SIZE, sizeof(*b.items));
	if (!b.pages || !b.items)
		fail("no memory");
	for (unsigned k = 0; k < CORPUS_NR; k++) {
		size_t got = corpus_fill(k, b.pages + at, len);

		b.first[k] = at / PAGE_SIZE;
		at += round_down(got, PAGE_SIZE);
	}
	b.nr = b.first[CORPUS_NR] = at / PAGE_SIZE;
	for (size_t i = 0; i < b.nr; i++)
		b.items[i].page = b.pages + i * PAGE_SIZE;
}

/* --- density -------------------------------------------------------------- */

static size_t put_range(size_t first, size_t end)
{
	size_t refused = 0;

	for (size_t i = first; i < end; i++)
		refused += store_put(&b.store, &b.items[i].ref, b.codec[0], i,
				     b.items[i].page) != 0;
	return refused;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (double)MIB;
}

static double ratio(uint64_t a, uint64_t c)
{
	return c ? (double)a / (double)c : 0;
}

static void print_density(const char *name, size_t nr, size_t refused)
{
	struct store_usage u;

	store_usage(&b.store, &u);
	printf("%-10s %9.1f %9.1f %9.1f %9.1f %8.4f %9.2f %9.2f\n", name,
	       mib(nr * PAGE_SIZE), mib(refused * PAGE_SIZE), mib(u.packed),
	       mib(u.used), ratio(u.used, u.packed),
	       ratio((nr - refused) * PAGE_SIZE, u.used),
	       ratio(nr * PAGE_SIZE, u.used + refused * PAGE_SIZE));
}

static void show_density(void)
{
	printf("%-10s %9s %9s %9s %9s %8s %9s %9s\n", "fresh", "MiB",
	       "refused", "packed", "used", "us/pck", "ratio", "with ref.");
	for (unsigned k = 0; k < CORPUS_NR; k++) {
		size_t refused;

		start_store();
		refused = put_range(b.first[k], b.first[k + 1]);
		print_density(corpus_names[k], b.first[k + 1] - b.first[k],
			      refused);
		stop_store();
	}
	start_store();
	print_density("mix", b.nr, put_range(0, b.nr));
	stop_store();
}

/* --- churn ---------------------------------------------------------------- */

/* Objects packed beforehand, kinds apart. */
static struct {
	unsigned char *bytes;
	uint32_t *len;			/* of item, 0 not in the pool */
	size_t *at;			/* in bytes */
	double worst;			/* used / packed, highest seen */
	uint64_t compact_ns;		/* spent compacting */
	uint64_t moves;
} packed;

static void pack_all(void)
{
	size_t at = 0;

	packed.bytes = malloc(b.nr * MAX_LEN);
	packed.len = calloc(b.nr, sizeof(*packed.len));
	packed.at = calloc(b.nr, sizeof(*packed.at));
	if (!packed.bytes || !packed.len || !packed.at)
		fail("no memory");
	for (size_t i = 0; i < b.nr; i++) {
		const void *out;
		uint64_t word;
		long len;

		if (codec_is_same_filled(&word, b.items[i].page))
			continue;
		len = codec_pack(b.codec[0], &out, CODEC_LZ4,
				 b.items[i].page, MAX_LEN);
		if (len < 0)
			continue;
		memcpy(packed.bytes + at, out, (size_t)len);
		packed.at[i] = at;
		packed.len[i] = (uint32_t)len;
		at += (size_t)len;
	}
}

/* Owner I gets the packed bytes of item FROM. */
static void put_packed(size_t i, size_t from)
{
	struct pool_ref ref;

	if (pool_put(&b.store.pool, &ref, i, CODEC_LZ4,
		     packed.bytes + packed.at[from], packed.len[from]))
		fail("no room");
	b.items[i].ref.bits = ref.bits << 2 | 1;
}

static void drop_item(size_t i)
{
	if (b.items[i].ref.bits)
		store_drop(&b.store, b.items[i].ref);
	b.items[i].ref.bits = 0;
}

static void compact_some(bool look)
{
	uint64_t start = sys_cpu_ns();
	struct store_usage u;
	double r;

	packed.moves += store_compact(&b.store, COMPACT_MOVES);
	packed.compact_ns += sys_cpu_ns() - start;
	if (!look)
		return;
	store_usage(&b.store, &u);
	r = ratio(u.used, u.packed);
	if (r > packed.worst)
		packed.worst = r;
}

/* An item with packed bytes among those of kinds FIRST..LAST. */
static size_t pick(uint64_t *rand, size_t first, size_t end)
{
	size_t i;

	do
		i = first + corpus_random(rand) % (end - first);
	while (!packed.len[i]);
	return i;
}

static void churn_steps(uint64_t *rand, uint64_t nr, size_t first, size_t end)
{
	for (uint64_t n = 0; n < nr; n++) {
		size_t i = pick(rand, 0, b.nr);

		drop_item(i);
		put_packed(i, pick(rand, first, end));
		if (n % COMPACT_EVERY == 0)
			compact_some(n % (64 * COMPACT_EVERY) == 0);
	}
}

static void print_churn(const char *name, uint64_t cpu)
{
	struct store_usage u;

	store_usage(&b.store, &u);
	printf("%-24s %9.1f %9.1f %8.4f %8.4f %10llu %9.2f\n", name,
	       mib(u.packed), mib(u.used), ratio(u.used, u.packed),
	       packed.worst, (unsigned long long)packed.moves,
	       100 * ratio(packed.compact_ns, cpu));
	packed.worst = 0;
	packed.moves = 0;
	packed.compact_ns = 0;
}

static void free_part(uint64_t *rand, unsigned pct)
{
	char name[64];
	uint64_t cpu = sys_cpu_ns();

	for (size_t i = 0; i < b.nr; i++)
		if (corpus_random(rand) % 100 < pct)
			drop_item(i);
	snprintf(name, sizeof(name), "freed %u %%", pct);
	print_churn(name, sys_cpu_ns() - cpu);
	cpu = sys_cpu_ns();
	for (size_t n = 1; n;) {
		uint64_t start = sys_cpu_ns();

		n = store_compact(&b.store, COMPACT_MOVES);
		packed.moves += n;
		packed.compact_ns += sys_cpu_ns() - start;
	}
	printf("  compacted in %.1f ms\n", (double)(sys_cpu_ns() - cpu) / 1e6);
	print_churn("  then compacted", sys_cpu_ns() - cpu);
}

static void show_churn(void)
{
	uint64_t rand = 1234567;
	uint64_t cpu;

	printf("\n%-24s %9s %9s %8s %8s %10s %9s\n", "pool of the mix",
	       "packed", "used", "us/pck", "worst", "moves", "cpu %");
	start_store();
	for (size_t i = 0; i < b.nr; i++)
		if (packed.len[i])
			put_packed(i, i);
	print_churn("fresh", 1);
	cpu = sys_cpu_ns();
	churn_steps(&rand, churn_millions * 1000000, 0, b.nr);
	print_churn("churn, steady", sys_cpu_ns() - cpu);
	/* sizes drift: only one kind comes in, then another */
	for (unsigned k = 0; k <= CORPUS_POINTERS; k++) {
		cpu = sys_cpu_ns();
		churn_steps(&rand, 2 * b.nr, b.first[k], b.first[k + 1]);
		print_churn(corpus_names[k], sys_cpu_ns() - cpu);
	}
	churn_steps(&rand, 4 * b.nr, 0, b.nr);
	packed.worst = 0;
	free_part(&rand, 50);
	free_part(&rand, 80);
	stop_store();
}

/* --- time ----------------------------------------------------------------- */

enum job { BARE_PACK, BARE_UNPACK, PUT, LOAD, DROP, NR_JOBS };

static const char *const job_names[NR_JOBS] = {
	"lz4 pack", "lz4 unpack", "store_put", "store_load", "store_drop",
};

/* A share of the items that pay, of one thread. */
struct share {
	size_t *items;
	size_t nr;
	struct codec *codec;
	LZ4_stream_t state;
	char *bare;			/* packed by bare LZ4 */
	int *bare_len;
	char page[PAGE_SIZE];
	enum job job;
	uint64_t cpu_ns;		/* of the last job */
};

static void run_job(struct share *s)
{
	uint64_t start = sys_cpu_ns();
	char *bare = s->bare;
	int ret = 0;

	for (size_t n = 0; n < s->nr; n++, bare += PAGE_SIZE) {
		struct item *it = &b.items[s->items[n]];

		switch (s->job) {
		case BARE_PACK:
			s->bare_len[n] = LZ4_compress_fast_extState(&s->state,
				it->page, bare, (int)PAGE_SIZE,
				(int)PAGE_SIZE, 1);
			break;
		case BARE_UNPACK:
			ret |= LZ4_decompress_safe(bare, s->page,
				s->bare_len[n], (int)PAGE_SIZE) < 0;
			break;
		case PUT:
			ret |= store_put(&b.store, &it->ref, s->codec,
					 s->items[n], it->page);
			break;
		case LOAD:
			ret |= store_load(&b.store, s->codec, it->ref,
					  s->page);
			break;
		case DROP:
			drop_item(s->items[n]);
			break;
		case NR_JOBS:
			break;
		}
	}
	s->cpu_ns = sys_cpu_ns() - start;
	if (ret)
		fail("a page was refused or damaged");
}

static void *run_thread(void *share)
{
	run_job(share);
	return NULL;
}

/* Nanoseconds, of all threads together: by the clock, and *CPU. */
static double time_job(struct share *s, double *cpu, unsigned nr_threads,
		       enum job job)
{
	pthread_t t;
	uint64_t start;

	for (unsigned i = 0; i < nr_threads; i++)
		s[i].job = job;
	start = sys_now_ns();
	if (nr_threads > 1 && pthread_create(&t, NULL, run_thread, &s[1]))
		fail("no thread");
	run_job(&s[0]);
	if (nr_threads > 1)
		pthread_join(t, NULL);
	*cpu = 0;
	for (unsigned i = 0; i < nr_threads; i++)
		*cpu += (double)s[i].cpu_ns;
	return (double)(sys_now_ns() - start);
}

static int by_value(const void *a, const void *c)
{
	double x = *(const double *)a;
	double y = *(const double *)c;

	return (x > y) - (x < y);
}

/* Items that pay, dealt out in random order to NR_SHARES. */
static void deal(struct share *s, unsigned nr_shares)
{
	uint64_t rand = 42;
	size_t *all = calloc(b.nr, sizeof(*all));
	size_t nr = 0;

	for (size_t i = 0; i < b.nr; i++)
		if (packed.len[i])
			all[nr++] = i;
	for (size_t i = nr; i > 1; i--) {
		size_t j = corpus_random(&rand) % i;
		size_t t = all[i - 1];

		all[i - 1] = all[j];
		all[j] = t;
	}
	for (unsigned i = 0; i < nr_shares; i++) {
		s[i].nr = nr / nr_shares;
		s[i].items = all + i * s[i].nr;
		s[i].codec = b.codec[i];
		s[i].bare = malloc(s[i].nr * PAGE_SIZE);
		s[i].bare_len = calloc(s[i].nr, sizeof(int));
		if (!s[i].bare || !s[i].bare_len)
			fail("no memory");
	}
}

static double median(double *ns)
{
	qsort(ns, nr_rounds, sizeof(*ns), by_value);
	return ns[nr_rounds / 2];
}

/* CPU time is for comparing, as the machine may be busy with other things. */
static void show_time(unsigned nr_threads)
{
	static double ns[NR_JOBS][MAX_ROUNDS];
	static double cpu[NR_JOBS][MAX_ROUNDS];
	struct share *s = calloc(nr_threads, sizeof(*s));
	double per[NR_JOBS];
	double nr;

	if (!s)
		fail("no memory");
	deal(s, nr_threads);
	nr = (double)s[0].nr * nr_threads;
	start_store();
	for (unsigned r = 0; r < nr_rounds; r++)
		for (unsigned j = 0; j < NR_JOBS; j++)
			ns[j][r] = time_job(s, &cpu[j][r], nr_threads,
					    (enum job)j);
	printf("\n%u thread%-3s  %12s %12s %10s\n", nr_threads,
	       nr_threads > 1 ? "s" : "", "cpu us/page", "us/page", "MB/s");
	for (unsigned j = 0; j < NR_JOBS; j++) {
		double clock = median(ns[j]) / nr;

		per[j] = median(cpu[j]) / nr;
		printf("%-12s %12.3f %12.3f %10.0f\n", job_names[j],
		       per[j] / 1000, clock / 1000,
		       PAGE_SIZE / clock * 1000);
	}
	printf("throughput of bare LZ4: put %.3f, load %.3f of it\n",
	       per[BARE_PACK] / per[PUT], per[BARE_UNPACK] / per[LOAD]);
	stop_store();
	for (unsigned i = 0; i < nr_threads; i++) {
		free(s[i].bare);
		free(s[i].bare_len);
	}
	free(s[0].items);
	free(s);
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "m:c:r:")) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (opt == 'm' && n)
			kind_mib = n;
		else if (opt == 'c')
			churn_millions = n;
		else if (opt == 'r' && n && n <= MAX_ROUNDS)
			nr_rounds = (unsigned)n;
		else
			fail("usage: bench_pack [-m MIB] [-c MILLIONS] "
			     "[-r ROUNDS]");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (arena_start(&b.arena, 1024 * GIB))
		fail("no address space");
	for (int i = 0; i < 2; i++)
		if (!(b.codec[i] = codec_new(&b.arena)))
			fail("no memory");
	make_corpus();
	show_density();
	pack_all();
	show_churn();
	show_time(1);
	show_time(2);
	return 0;
}
