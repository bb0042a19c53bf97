/* SPDX-License-Identifier: MIT */
/*
 * How densely and how fast the store keeps pages.
 *
 *	bench_pack [-m MIB] [-c MILLIONS] [-r ROUNDS] [-t TABLES]
 *	           [-p CODECS]
 *
 *	-m	pages of each kind, MiB (64); 128 make a mix of 896 MiB
 *	-c	random frees and stores, millions (10)
 *	-r	rounds of the timing (7), see pack_time.c
 *
 *	-t	which tables, by their first letters (dpct; and eu)
 *	-p	pack again by these only, as lz4+zstd:15
 *
 * Four tables: *d*ensity of each kind and of the mix, in a pool of its own
 * and in zram; the mix *p*acked again by second codecs; the mix's pool after
 * *c*hurn and after freeing; *t*ime per page of packing and storing, loading
 * and unpacking, beside bare LZ4 on the same pages in the same round.  Two
 * more: *e*qual pages that share their objects; and what the store does not
 * do, *u*nits of several pages.
 *
 * A seventh of the mix is random and stays resident, so that its ratio is
 * below 7 whatever the rest comes to; the second last column counts without
 * what is refused, the last one with it.
 *
 * The objects of the churn are packed beforehand and go straight to the
 * pool, since it is the pool that is looked at.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "store/store.h"
#include "tests/bench/pack_equal.h"
#include "tests/bench/pack_left_out.h"
#include "tests/bench/pack_shelf.h"
#include "tests/bench/zram_twin.h"

#define ACCEPT_PCT	75
#define MAX_LEN		(PAGE_SIZE * ACCEPT_PCT / 100)
#define COMPACT_EVERY	256	/* operations of the churn */
#define COMPACT_MOVES	64	/* at least so many objects at a time */

static const struct codec_choice lz4 = { CODEC_LZ4, 1 };
static size_t kind_mib = 64;
static uint64_t churn_millions = 10;
static unsigned nr_rounds = 7;
static const char *tables = "dpct";
static const char *only;

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

static void print_zram(const char *name, size_t first, size_t end)
{
	struct zram_usage u;

	if (!zram_fill(&u, "lz4", b.pages + first * PAGE_SIZE, end - first)) {
		printf("%-10s no idle zram device\n", name);
		return;
	}
	printf("%-10s %9.1f %9s %9.1f %9.1f %8.4f %9s %9.2f\n", name,
	       mib((end - first) * PAGE_SIZE), "", mib(u.packed), mib(u.used),
	       ratio(u.used, u.packed), "",
	       ratio((end - first) * PAGE_SIZE, u.used));
}

/* The mix, by the first codec only. */
static void show_mix(const char *codecs)
{
	struct codec_pair pair;

	shelf_open(ACCEPT_PCT);
	if (codec_parse(&pair, codecs))
		shelf_fail("no such codecs");
	store_set_codecs(&b.store, pair);
	print_density(codecs, b.nr, put_range(0, b.nr));
	shelf_close();
}

static void show_density(void)
{
	printf("%-10s %9s %9s %9s %9s %8s %9s %9s\n", "fresh", "MiB",
	       "refused", "packed", "used", "us/pck", "ratio", "with ref.");
	for (unsigned k = 0; k < CORPUS_NR; k++) {
		size_t refused;

		shelf_open(ACCEPT_PCT);
		refused = put_range(b.first[k], b.first[k + 1]);
		print_density(corpus_names[k], b.first[k + 1] - b.first[k],
			      refused);
		shelf_close();
	}
	printf("the mix, by\n");
	show_mix("lz4");
	show_mix("lz4:3");
	show_mix("zstd:1");
	printf("zram, lz4\n");
	for (unsigned k = 0; k < CORPUS_NR; k++)
		print_zram(corpus_names[k], b.first[k], b.first[k + 1]);
	print_zram("mix", 0, b.nr);
}

/* --- churn ---------------------------------------------------------------- */

/* Objects packed beforehand, and what the churn has come to. */
static struct {
	unsigned char *bytes;
	uint32_t *len;			/* of item, 0 not in the pool */
	size_t *at;			/* in bytes */
	size_t budget;			/* moves of the next compaction */
	double worst;			/* used / packed, highest seen */
	uint64_t compact_ns;
	uint64_t moves;
	uint64_t ops;
} churn = { .budget = COMPACT_MOVES };

static void pack_all(void)
{
	size_t at = 0;

	churn.bytes = shelf_alloc(b.nr, MAX_LEN);
	churn.len = shelf_alloc(b.nr, sizeof(*churn.len));
	churn.at = shelf_alloc(b.nr, sizeof(*churn.at));
	for (size_t i = 0; i < b.nr; i++) {
		const void *out;
		uint64_t word;
		long len;

		if (codec_is_same_filled(&word, b.items[i].page))
			continue;
		len = codec_pack(b.codec[0], &out, lz4,
				 b.items[i].page, MAX_LEN);
		if (len < 0)
			continue;
		memcpy(churn.bytes + at, out, (size_t)len);
		churn.at[i] = at;
		churn.len[i] = (uint32_t)len;
		at += (size_t)len;
	}
}

/* Owner I gets the packed bytes of item FROM. */
static void put_packed(size_t i, size_t from)
{
	struct pool_ref ref;

	if (pool_put(&b.store.pool, &ref, i, CODEC_LZ4,
		     churn.bytes + churn.at[from], churn.len[from]))
		shelf_fail("no room");
	b.items[i].ref.bits = ref.bits << 2 | 1;
}

/* As a worker does: more next time if this was not enough. */
static size_t compact_some(void)
{
	uint64_t start = sys_cpu_ns();
	size_t moved = store_compact(&b.store, churn.budget);

	churn.budget = moved < churn.budget ? COMPACT_MOVES
					    : min_size(2 * moved, 1024);
	churn.moves += moved;
	churn.compact_ns += sys_cpu_ns() - start;
	return moved;
}

static void note_worst(void)
{
	struct store_usage u;

	store_usage(&b.store, &u);
	if (ratio(u.used, u.packed) > churn.worst)
		churn.worst = ratio(u.used, u.packed);
}

/* An item that has packed bytes. */
static size_t pick(uint64_t *rand, size_t first, size_t end)
{
	size_t i;

	do
		i = first + corpus_random(rand) % (end - first);
	while (!churn.len[i]);
	return i;
}

static void churn_steps(uint64_t *rand, uint64_t nr, size_t first, size_t end)
{
	for (uint64_t n = 0; n < nr; n++) {
		size_t i = pick(rand, 0, b.nr);

		shelf_drop(i);
		put_packed(i, pick(rand, first, end));
		if (n % COMPACT_EVERY == 0)
			compact_some();
		if (n % (16 * COMPACT_EVERY) == 0)
			note_worst();
	}
	churn.ops = nr;
}

static void print_churn(const char *name)
{
	struct store_usage u;

	store_usage(&b.store, &u);
	printf("%-24s %9.1f %9.1f %8.4f %8.4f %10llu %9.3f\n", name,
	       mib(u.packed), mib(u.used), ratio(u.used, u.packed),
	       churn.worst, (unsigned long long)churn.moves,
	       ratio(churn.compact_ns, churn.ops) / 1000);
	churn.worst = 0;
	churn.moves = 0;
	churn.compact_ns = 0;
	churn.ops = 0;
}

static void free_part(uint64_t *rand, unsigned pct, const char *name)
{
	for (size_t i = 0; i < b.nr; i++)
		if (corpus_random(rand) % 100 < pct && b.items[i].ref.bits) {
			shelf_drop(i);
			churn.ops++;
		}
	note_worst();
	while (compact_some())
		;
	print_churn(name);
}

static void show_churn(void)
{
	uint64_t rand = 1234567;

	printf("\n%-24s %9s %9s %8s %8s %10s %9s\n", "pool of the mix",
	       "packed", "used", "us/pck", "worst", "moves", "us/op");
	shelf_open(ACCEPT_PCT);
	for (size_t i = 0; i < b.nr; i++)
		if (churn.len[i])
			put_packed(i, i);
	print_churn("fresh");
	churn_steps(&rand, churn_millions * 1000000, 0, b.nr);
	print_churn("random frees and stores");
	/* sizes drift: only one kind comes in, then another */
	for (unsigned k = 0; k <= CORPUS_DATABASE; k++) {
		churn_steps(&rand, 2 * b.nr, b.first[k], b.first[k + 1]);
		print_churn(corpus_names[k]);
	}
	churn_steps(&rand, 4 * b.nr, 0, b.nr);
	print_churn("mix again");
	free_part(&rand, 50, "50 % freed");
	free_part(&rand, 80, "90 % freed");
	free_part(&rand, 90, "99 % freed");
	shelf_close();
}

/* --- packed again --------------------------------------------------------- */

static void train(void)
{
	struct dict_trainer t;
	uint64_t rand = 99;
	void *to;

	if (dict_trainer_init(&t, &b.arena))
		return;
	dict_trainer_reset(&t, &b.arena, store_nr_first(&b.store));
	while ((to = dict_trainer_next(&t))) {
		size_t i = corpus_random(&rand) % b.nr;

		if (!store_peek(&b.store, b.codec[0], b.items[i].ref, to))
			dict_trainer_undo(&t);
	}
	if (store_train(&b.store, b.codec[0], &t))
		printf("(a dictionary gains too little)\n");
	dict_trainer_reset(&t, &b.arena, 0);
}

/* Microseconds of loading one page, at random. */
static double load_us(void)
{
	static char page[PAGE_SIZE];
	uint64_t rand = 5;
	uint64_t start = sys_cpu_ns();
	unsigned nr = 20000;

	for (unsigned n = 0; n < nr; n++) {
		size_t i = pick(&rand, 0, b.nr);

		if (store_load(&b.store, b.codec[0], b.items[i].ref, page) ||
		    memcmp(page, b.items[i].page, PAGE_SIZE))
			shelf_fail("a page is not what was put");
	}
	return (double)(sys_cpu_ns() - start) / 1000 / nr;
}

static void show_repacked(const char *codecs, bool dictionary)
{
	struct codec_pair pair;
	size_t refused;
	uint64_t start;
	size_t nr = 0;

	shelf_open(ACCEPT_PCT);
	if (codec_parse(&pair, codecs))
		shelf_fail("no such codecs");
	store_set_codecs(&b.store, pair);
	refused = put_range(0, b.nr);
	if (dictionary)
		train();
	start = sys_cpu_ns();
	for (size_t i = 0; i < b.nr; i++) {
		size_t saved;

		nr += store_repack(&b.store, b.codec[0], b.items[i].ref,
				   &saved) == STORE_REPACKED;
	}
	start = sys_cpu_ns() - start;
	store_compact(&b.store, b.nr);
	print_density(dictionary ? "mix, dict" : "mix", b.nr, refused);
	printf("           %zu packed again, %.1f us each; %.2f us to load\n",
	       nr, ratio(start, nr) / 1000, load_us());
	shelf_close();
}

static void show_second(void)
{
	/* with a dictionary only, where without takes long and gains little */
	static const struct {
		const char *codecs;
		bool without;
	} jobs[] = {
		{ "lz4+lz4:9", true }, { "lz4+zstd:3", true },
		{ "lz4+zstd:9", true }, { "lz4+zstd:15", false },
	};

	if (only)
		show_repacked(only, true);
	for (unsigned i = 0; !only && i < ARRAY_SIZE(jobs); i++) {
		printf("%s\n", jobs[i].codecs);
		if (jobs[i].without)
			show_repacked(jobs[i].codecs, false);
		show_repacked(jobs[i].codecs, true);
	}
}

/* --- time ----------------------------------------------------------------- */

/* The pages that pay, in random order. */
static void show_time(void)
{
	const char **pages = shelf_alloc(b.nr, sizeof(*pages));
	uint64_t rand = 42;
	size_t nr = 0;

	for (size_t i = 0; i < b.nr; i++)
		if (churn.len[i])
			pages[nr++] = b.items[i].page;
	for (size_t i = nr; i > 1; i--) {
		size_t j = corpus_random(&rand) % i;
		const char *t = pages[i - 1];

		pages[i - 1] = pages[j];
		pages[j] = t;
	}
	for (unsigned n = 1; n <= PACK_TIME_THREADS; n++) {
		shelf_open(ACCEPT_PCT);
		if (pack_time(&b.store, b.codec, n, nr_rounds, pages, nr))
			shelf_fail("a page was refused or damaged");
		shelf_close();
	}
	free(pages);
}

/* What random pages cost that are refused, again and again. */
static void show_refused(const char *codecs)
{
	const unsigned nr = 20000;
	struct store_ref ref;
	struct codec_pair pair;
	uint64_t start;

	shelf_open(ACCEPT_PCT);
	if (codec_parse(&pair, codecs))
		shelf_fail("no such codecs");
	store_set_codecs(&b.store, pair);
	start = sys_cpu_ns();
	for (unsigned n = 0; n < nr; n++) {
		size_t all = b.first[CORPUS_NR] - b.first[CORPUS_RANDOM];
		size_t i = b.first[CORPUS_RANDOM] + n % all;

		if (!store_put(&b.store, &ref, b.codec[0], 0, b.items[i].page))
			shelf_fail("a random page was taken");
	}
	printf("refusing a random page by %s: %.3f us\n", codecs,
	       ratio(sys_cpu_ns() - start, nr) / 1000);
	shelf_close();
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "m:c:r:t:p:")) != -1) {
		unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (opt == 'm' && n)
			kind_mib = n;
		else if (opt == 'c')
			churn_millions = n;
		else if (opt == 'r' && n && n <= PACK_TIME_ROUNDS)
			nr_rounds = (unsigned)n;
		else if (opt == 't')
			tables = optarg;
		else if (opt == 'p')
			only = optarg;
		else
			shelf_fail("usage: bench_pack [-m MIB] [-c MILLIONS] "
			     "[-r ROUNDS] [-t TABLES] [-p CODECS]");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	shelf_make(kind_mib);
	pack_all();
	if (strchr(tables, 'd'))
		show_density();
	if (strchr(tables, 'p'))
		show_second();
	if (strchr(tables, 'c'))
		show_churn();
	if (strchr(tables, 'e'))
		pack_equal();
	if (strchr(tables, 'u'))
		pack_units();
	if (strchr(tables, 't')) {
		show_time();
		show_refused("lz4");
		show_refused("lz4+zstd:3");
	}
	return 0;
}
