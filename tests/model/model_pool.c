/* SPDX-License-Identifier: MIT */
/*
 * The store against a naive twin: an array of page words, each with the seed
 * of the page it stands for.  Every load is compared byte by byte with what
 * the seed makes.
 *
 * A word is claimed as the engine claims a page: by a compare-and-swap to
 * BUSY, so that moved() says no.  The same operations run on one thread with
 * the structure checked all the time, and on several threads with compaction
 * and packing again racing them; and all of it with few different pages, which
 * share objects.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/count.h"
#include "store/store.h"

#define NR_OWNERS	6000
#define BUSY		UINT64_MAX
#define NR_THREADS	3

static struct {
	struct arena arena;
	struct store store;
	_Atomic uint64_t words[NR_OWNERS];	/* 0, BUSY or a ref */
	uint32_t seeds[NR_OWNERS];		/* of whoever made it BUSY */
	_Atomic uint32_t nr_refused;		/* moved() said no */
	_Atomic uint32_t nr_moved;
	_Atomic bool stop;
	unsigned nr_ops;			/* per thread */
	unsigned nr_owners;			/* of the words in use */
	unsigned nr_seeds;			/* kinds of pages, 0 any */
} twin;

struct worker {
	struct codec *codec;
	uint32_t rand;
	uint64_t page[PAGE_SIZE / 8];
	uint64_t want[PAGE_SIZE / 8];
	uint64_t nr_put;
};

static uint32_t roll(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Pages of any packed length, and some that are same-filled. */
static void fill(uint64_t *page, uint32_t seed)
{
	uint32_t r = seed * 2654435761u | 1;
	unsigned random_words = roll(&r) % 460;
	unsigned kind = roll(&r) % 16;

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		page[i] = seed;
	if (kind == 0)
		return;
	if (kind == 1) {
		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			page[i] = (uint64_t)seed << 32 | ~seed;
		return;
	}
	for (unsigned i = 0; i < random_words; i++)
		page[i] = ((uint64_t)roll(&r) << 32 | roll(&r)) &
			  0x3f3f3f3f3f3f3f3f;	/* zstd makes less of it */
}

static bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	uint64_t old = from.bits;

	(void)ctx;
	if (owner < NR_OWNERS &&
	    atomic_compare_exchange_strong(&twin.words[owner], &old,
					   to.bits)) {
		atomic_fetch_add(&twin.nr_moved, 1);
		return true;
	}
	atomic_fetch_add(&twin.nr_refused, 1);
	return false;
}

static uint64_t claim(unsigned owner)
{
	uint64_t old = atomic_load(&twin.words[owner]);

	while (old == BUSY ||
	       !atomic_compare_exchange_weak(&twin.words[owner], &old, BUSY)) {
		sched_yield();
		old = atomic_load(&twin.words[owner]);
	}
	return old;
}

static void put(struct worker *w, unsigned owner)
{
	struct store_ref ref;
	uint32_t seed = roll(&w->rand);
	int ret;

	if (twin.nr_seeds)
		seed %= twin.nr_seeds;

	twin.seeds[owner] = seed;
	fill(w->want, seed);
	ret = store_put(&twin.store, &ref, w->codec, owner, w->want);
	if (ret)
		assert_int_equal(ref.bits, 0);
	assert_int_equal(ref.bits >> STORE_REF_BITS, 0);
	w->nr_put += !ret;
	atomic_store(&twin.words[owner], ref.bits);
}

static void check(struct worker *w, unsigned owner, uint64_t word)
{
	struct store_ref ref = { word };

	memset(w->page, 0xa5, PAGE_SIZE);
	assert_int_equal(store_load(&twin.store, w->codec, ref, w->page), 0);
	fill(w->want, twin.seeds[owner]);
	assert_memory_equal(w->page, w->want, PAGE_SIZE);
}

/* Two owners swap their objects, as mremap does. */
static void swap(struct worker *w, unsigned a)
{
	unsigned b = roll(&w->rand) % twin.nr_owners;
	struct store_ref ra;
	struct store_ref rb;
	uint32_t seed;

	if (b == a)
		return;
	ra.bits = claim(a < b ? a : b);
	rb.bits = claim(a < b ? b : a);
	if (a > b) {
		unsigned t = a;

		a = b;
		b = t;
	}
	if (ra.bits)
		store_set_owner(&twin.store, ra, b);
	if (rb.bits)
		store_set_owner(&twin.store, rb, a);
	seed = twin.seeds[a];
	twin.seeds[a] = twin.seeds[b];
	twin.seeds[b] = seed;
	atomic_store(&twin.words[a], rb.bits);
	atomic_store(&twin.words[b], ra.bits);
}

static void step(struct worker *w)
{
	unsigned owner = roll(&w->rand) % twin.nr_owners;
	unsigned what = roll(&w->rand) % 16;
	struct store_ref ref;

	if (what == 0) {
		swap(w, owner);
		return;
	}
	ref.bits = claim(owner);
	if (!ref.bits) {
		put(w, owner);
		return;
	}
	check(w, owner, ref.bits);
	if (what < 8) {
		atomic_store(&twin.words[owner], ref.bits);
		return;
	}
	store_drop(&twin.store, ref);
	if (what < 12)
		put(w, owner);
	else
		atomic_store(&twin.words[owner], 0);
}

static void check_sums(void)
{
	struct store_usage u;
	uint64_t nr = 0;

	for (unsigned i = 0; i < NR_OWNERS; i++)
		nr += atomic_load(&twin.words[i]) != 0;
	store_usage(&twin.store, &u);
	assert_int_equal(u.pages, nr);
	assert_true(u.used >= u.packed);
	assert_true(pool_is_valid(&twin.store.pool));
}

static struct worker *worker_new(uint32_t seed)
{
	struct worker *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->codec = codec_new(&twin.arena, &twin.store.dicts);
	assert_non_null(w->codec);
	w->rand = seed;
	return w;
}

static void drop_all(struct worker *w)
{
	struct store_usage u;

	for (unsigned i = 0; i < NR_OWNERS; i++) {
		struct store_ref ref = { claim(i) };

		if (ref.bits) {
			check(w, i, ref.bits);
			store_drop(&twin.store, ref);
		}
		atomic_store(&twin.words[i], 0);
	}
	check_sums();
	store_usage(&twin.store, &u);
	assert_int_equal(u.pages, 0);
	assert_int_equal(u.packed, 0);
}

/* As when the process forks, and when its child is gone. */
static void seal_or_unseal(unsigned n)
{
	if (n % 3)
		store_seal(&twin.store);
	else
		store_unseal(&twin.store);
}

static int start_with(bool share_equal)
{
	struct store_config cfg = {
		.arena = &twin.arena,
		.reserve_len = 256 * MIB,
		.accept_pct = 80,
		.codecs = { { CODEC_LZ4, 1 }, { CODEC_ZSTD, 1 } },
		.share_equal = share_equal,
		.moved = moved,
	};

	memset(&twin, 0, sizeof(twin));
	twin.nr_owners = NR_OWNERS;
	if (arena_start(&twin.arena, 1 * GIB))
		return -1;
	return store_start(&twin.store, &cfg);
}

static int start(void **state)
{
	(void)state;
	return start_with(false);
}

static int start_sharing(void **state)
{
	int ret = start_with(true);

	(void)state;
	twin.nr_seeds = 2000;
	return ret;
}

/* One object, whoever has it. */
static bool repack_one(struct worker *w)
{
	struct store_ref ref = {
		atomic_load(&twin.words[roll(&w->rand) % twin.nr_owners])
	};
	size_t saved;

	return ref.bits && ref.bits != BUSY &&
	       store_repack(&twin.store, w->codec, ref, &saved) ==
	       STORE_REPACKED;
}

static void run_one_thread(void)
{
	struct worker *w = worker_new(1);

	for (unsigned i = 0; i < 60000; i++) {
		step(w);
		if (i % 512 == 0)
			store_compact(&twin.store, 64);
		if (i % 64 == 0)
			repack_one(w);
		if (i % 1536 == 0)
			seal_or_unseal(i / 1536);
		if (i % 4096 == 0)
			check_sums();
	}
	store_unseal(&twin.store);
	drop_all(w);
	free(w);
}

static void test_one_thread_agrees_with_the_twin(void **state)
{
	(void)state;
	run_one_thread();
	assert_true(atomic_load(&twin.nr_moved) > 0);
}

static void test_one_sharing_thread_agrees_with_the_twin(void **state)
{
	uint64_t joined = count_get(UZSWAP_COUNT_shared);

	(void)state;
	run_one_thread();
	assert_true(count_get(UZSWAP_COUNT_shared) > joined);
}

static void test_freed_objects_free_their_pages(void **state)
{
	struct worker *w = worker_new(7);
	struct store_usage u;

	(void)state;
	for (unsigned i = 0; i < NR_OWNERS; i++)
		put(w, i);
	for (unsigned i = 0; i < NR_OWNERS; i++) {
		struct store_ref ref = { atomic_load(&twin.words[i]) };

		if (!ref.bits || i % 10 == 0)
			continue;
		store_drop(&twin.store, ref);
		atomic_store(&twin.words[i], 0);
	}
	while (store_compact(&twin.store, 1000))
		check_sums();
	store_usage(&twin.store, &u);
	/* headers, 1/32 of slack, and at most a page and a half per class */
	assert_true(u.used < u.packed * 105 / 100 +
			     twin.store.pool.classes.nr * PAGE_SIZE * 3 / 2);
	drop_all(w);
	while (store_compact(&twin.store, 1000))
		;
	store_usage(&twin.store, &u);
	assert_true(u.used <= 32 * PAGE_SIZE);
	free(w);
}

static void *churn(void *worker)
{
	struct worker *w = worker;

	for (unsigned i = 0; i < twin.nr_ops; i++)
		step(w);
	return NULL;
}

static void *compact(void *worker)
{
	struct worker *w = worker;

	while (!atomic_load(&twin.stop)) {
		store_compact(&twin.store, 256);
		w->nr_put += repack_one(w);
	}
	return NULL;
}

static void run_threads(void)
{
	struct worker *w[NR_THREADS + 1];
	pthread_t threads[NR_THREADS];
	pthread_t compactor;

	twin.nr_ops = 20000;
	for (unsigned i = 0; i <= NR_THREADS; i++)
		w[i] = worker_new(i + 11);
	pthread_create(&compactor, NULL, compact, w[NR_THREADS]);
	for (unsigned i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, churn, w[i]);
	for (unsigned i = 0; i < 50; i++) {
		seal_or_unseal(i);
		assert_true(pool_is_valid(&twin.store.pool));
	}
	store_unseal(&twin.store);
	for (unsigned i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&twin.stop, true);
	pthread_join(compactor, NULL);
	assert_true(w[NR_THREADS]->nr_put > 0);
	check_sums();
	drop_all(w[0]);
	for (unsigned i = 0; i <= NR_THREADS; i++)
		free(w[i]);
}

static void test_threads_and_compaction_agree_with_the_twin(void **state)
{
	(void)state;
	run_threads();
	assert_true(atomic_load(&twin.nr_moved) > 0);
}

/* Few pages: compaction often meets one that is claimed or dropped. */
static void test_threads_get_in_the_way_of_compaction(void **state)
{
	(void)state;
	twin.nr_owners = 200;
	run_threads();
	assert_true(atomic_load(&twin.nr_refused) > 0);
}

static void test_sharing_threads_agree_with_the_twin(void **state)
{
	uint64_t joined = count_get(UZSWAP_COUNT_shared);

	(void)state;
	run_threads();
	assert_true(count_get(UZSWAP_COUNT_shared) >
		    joined + twin.nr_ops / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_thread_agrees_with_the_twin,
				       start),
		cmocka_unit_test_setup(test_freed_objects_free_their_pages,
				       start),
		cmocka_unit_test_setup(
			test_threads_and_compaction_agree_with_the_twin,
			start),
		cmocka_unit_test_setup(
			test_threads_get_in_the_way_of_compaction, start),
		cmocka_unit_test_setup(
			test_one_sharing_thread_agrees_with_the_twin,
			start_sharing),
		cmocka_unit_test_setup(
			test_sharing_threads_agree_with_the_twin,
			start_sharing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
