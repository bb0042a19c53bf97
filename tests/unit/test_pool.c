/* SPDX-License-Identifier: MIT */
/*
 * The pool: objects of every length, damage, the cap, memory given back, and
 * each race of compaction forced once, from inside moved().
 */
#include "store/pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define RESERVE		(64 * MIB)
#define NR_MOST		20000
#define CODEC		5

static struct arena arena;
static struct pool pool;

/* Where the object of owner I is and what it should be. */
static struct pool_ref refs[NR_MOST];
static size_t lens[NR_MOST];
static unsigned char bytes[POOL_MAX_LEN];

/* What moved() does; tests point it at one of the functions below. */
static bool (*react)(uint64_t owner, struct pool_ref from,
		     struct pool_ref to);
static unsigned nr_moved;

static bool moved(void *ctx, uint64_t owner, struct pool_ref from,
		  struct pool_ref to)
{
	assert_ptr_equal(ctx, &pool);
	assert_true(owner < NR_MOST);
	nr_moved++;
	return react(owner, from, to);
}

static bool agree(uint64_t owner, struct pool_ref from, struct pool_ref to)
{
	if (refs[owner].bits != from.bits)
		return false;
	refs[owner] = to;
	return true;
}

static void start_with(uint64_t max, size_t reserve)
{
	struct pool_config cfg = {
		.arena = &arena,
		.reserve_len = reserve,
		.max = max,
		.moved = moved,
		.moved_ctx = &pool,
	};

	assert_int_equal(arena_start(&arena, 2 * reserve + 64 * MIB), 0);
	assert_int_equal(pool_start(&pool, &cfg), 0);
	memset(refs, 0, sizeof(refs));
	react = agree;
	nr_moved = 0;
}

static int start(void **state)
{
	(void)state;
	start_with(0, RESERVE);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	assert_true(pool_is_valid(&pool));
	munmap((void *)arena.base, arena.end - arena.base);
	return 0;
}

/* The bytes of owner I's object: they say whose they are. */
static const void *bytes_of(uint64_t owner, size_t len)
{
	uint32_t r = (uint32_t)owner * 2654435761u + (uint32_t)len;

	for (size_t i = 0; i < len; i++) {
		r = r * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(r >> 24);
	}
	return bytes;
}

static int put(uint64_t owner, size_t len)
{
	lens[owner] = len;
	return pool_put(&pool, &refs[owner], owner, CODEC,
			bytes_of(owner, len), len);
}

static void check(uint64_t owner)
{
	struct pool_object o;

	assert_int_equal(pool_find(&pool, &o, refs[owner]), 0);
	assert_int_equal(o.len, lens[owner]);
	assert_int_equal(o.codec, CODEC);
	assert_memory_equal(o.buf, bytes_of(owner, lens[owner]), o.len);
}

static void drop(uint64_t owner)
{
	pool_drop(&pool, refs[owner]);
	refs[owner].bits = 0;
}

static struct pool_usage usage(void)
{
	struct pool_usage u;

	pool_usage(&pool, &u);
	return u;
}

/* Bytes of the pool's range that the kernel has pages for. */
static size_t resident(void)
{
	static unsigned char map[RESERVE / PAGE_SIZE];
	size_t nr = 0;

	assert_int_equal(mincore(pool.slabs.base, RESERVE, map), 0);
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		nr += map[i] & 1;
	return nr * PAGE_SIZE;
}

static void compact_all(void)
{
	for (int i = 0; i < 1000; i++)
		if (!pool_compact(&pool, 1000))
			return;
	fail_msg("compaction does not end");
}

/* NR objects of LEN bytes and of every third only the object left. */
static void put_and_drop_most(unsigned nr, size_t len)
{
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(put(i, len), 0);
	for (unsigned i = 0; i < nr; i++)
		if (i % 3)
			drop(i);
}

static void check_rest(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (refs[i].bits)
			check(i);
	assert_true(pool_is_valid(&pool));
}

/* --- in and out ----------------------------------------------------------- */

static void test_objects_of_every_length_come_back(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (size_t len = 1; len <= POOL_MAX_LEN; len++) {
		assert_int_equal(put(len, len), 0);
		assert_int_equal(refs[len].bits >> POOL_REF_BITS, 0);
		sum += len;
	}
	assert_int_equal(usage().objects, POOL_MAX_LEN);
	assert_int_equal(usage().packed, sum);
	for (size_t len = 1; len <= POOL_MAX_LEN; len++)
		check(len);
	for (size_t len = 1; len <= POOL_MAX_LEN; len++)
		drop(len);
	assert_int_equal(usage().objects, 0);
	assert_int_equal(usage().packed, 0);
}

static void test_any_damaged_bit_is_noticed(void **state)
{
	struct pool_object o;
	unsigned missed = 0;

	(void)state;
	assert_int_equal(put(1, 777), 0);
	assert_int_equal(pool_find(&pool, &o, refs[1]), 0);
	for (size_t i = 0; i < 777 * 8; i++) {
		unsigned char *at = (unsigned char *)o.buf + i / 8;
		struct pool_object again;

		*at ^= (unsigned char)(1 << i % 8);
		missed += pool_find(&pool, &again, refs[1]) != -EBADMSG;
		*at ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(missed, 0);
	check(1);
}

/* In the header are 13 bits of the sum; alone they would miss 24 or so. */
static void test_other_objects_in_its_place_are_noticed(void **state)
{
	const unsigned len = 778;	/* leaves 4 bytes of its slot */
	const unsigned tries = 200000;
	struct pool_object o;
	unsigned missed = 0;
	uint64_t r = 99;

	(void)state;
	assert_int_equal(put(1, len), 0);
	assert_int_equal(pool_find(&pool, &o, refs[1]), 0);
	for (unsigned i = 0; i < tries; i++) {
		unsigned char *at = (unsigned char *)o.buf;
		struct pool_object again;

		r = r * 6364136223846793005u + 1442695040888963407u;
		memcpy(at + (r >> 40) % (len - sizeof(r)), &r, sizeof(r));
		missed += pool_find(&pool, &again, refs[1]) != -EBADMSG;
	}
	assert_int_equal(missed, 0);
	drop(1);
}

static void test_wild_refs_find_nothing(void **state)
{
	uint64_t r = 88172645463325252ull;
	struct pool_object o;

	(void)state;
	assert_int_equal(put(1, 1000), 0);
	for (int i = 0; i < 100000; i++) {
		struct pool_ref ref;

		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		ref.bits = r >> (r % 60);
		if (ref.bits != refs[1].bits)
			assert_int_equal(pool_find(&pool, &o, ref), -EBADMSG);
	}
	o.len = 1;
	assert_int_equal(pool_find(&pool, &o, (struct pool_ref){ 0 }),
			 -EBADMSG);
	assert_int_equal(o.len, 0);
}

/* --- memory --------------------------------------------------------------- */

static void test_used_is_what_the_kernel_has_pages_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		assert_int_equal(put(i, 1 + i * 7 % POOL_MAX_LEN), 0);
		if (i % 500 == 0)
			assert_int_equal(usage().used, resident());
	}
	for (unsigned i = 0; i < 3000; i++)
		if (i % 10)
			drop(i);
	assert_int_equal(usage().used, resident());
	compact_all();
	assert_int_equal(usage().used, resident());
	check_rest(3000);
	for (unsigned i = 0; i < 3000; i += 10)
		drop(i);
	slab_trim(&pool.slabs, 0);
	assert_int_equal(usage().used, 0);
	assert_int_equal(resident(), 0);
}

static void test_freed_objects_free_their_pages(void **state)
{
	uint64_t before;

	(void)state;
	put_and_drop_most(12000, 1900);
	before = usage().used;
	compact_all();
	assert_true(usage().used < before / 2);
	assert_true(usage().used < usage().packed * 105 / 100);
	check_rest(12000);
}

/* Drop PCT % of the first NR objects, picked at random. */
static void drop_at_random(unsigned nr, unsigned pct)
{
	uint64_t r = 7;

	for (unsigned i = 0; i < nr; i++) {
		r = r * 6364136223846793005u + 1442695040888963407u;
		if (refs[i].bits && (r >> 33) % 100 < pct)
			drop(i);
	}
}

static void test_memory_follows_what_is_freed_at_random(void **state)
{
	const unsigned nr = 16000;
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(put(i, 200 + i * 7919ul % 2800), 0);
	before = resident();
	for (unsigned pct = 50; pct < 100; pct += 40) {
		drop_at_random(nr, pct);
		compact_all();
		/* each class may have a page that is hardly used */
		assert_true(resident() < usage().packed * 105 / 100 +
			    pool.classes.nr * PAGE_SIZE);
		assert_true(resident() < before * (110 - pct) / 100);
		check_rest(nr);
	}
}

static void test_free_slabs_are_used_again(void **state)
{
	uint32_t nr;

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(put(i, 3000), 0);
		if (round == 0)
			nr = atomic_load(&pool.slabs.nr);
		for (unsigned i = 0; i < 500; i++)
			check(i);
		for (unsigned i = 0; i < 500; i++)
			drop(i);
		if (round % 2)
			slab_trim(&pool.slabs, 0);
	}
	assert_int_equal(atomic_load(&pool.slabs.nr), nr);
}

static void test_the_cap_holds_until_3_percent_are_free(void **state)
{
	unsigned nr = 0;
	unsigned i = 0;

	stop(state);
	start_with(4 * MIB, RESERVE);
	while (put(nr, 2000) == 0)
		nr++;
	assert_in_range(usage().used, 4 * MIB * 98 / 100, 4 * MIB);
	assert_int_equal(refs[nr].bits, 0);
	assert_true(pool_is_full(&pool));
	for (; i < nr / 100; i++)
		drop(i);
	pool_compact(&pool, 1000);
	assert_int_equal(put(nr, 2000), -ENOSPC);
	for (; i < nr / 10; i++)
		drop(i);
	while (pool_compact(&pool, 1000))
		;
	assert_int_equal(put(nr, 2000), 0);
	check_rest(nr + 1);
	pool_set_max(&pool, 0);
	for (unsigned j = 0; j < nr; j++)
		if (!refs[j].bits)
			assert_int_equal(put(j, 2000), 0);
}

static void test_without_address_space_a_longer_slab_serves(void **state)
{
	unsigned nr = 0;

	stop(state);
	start_with(0, MIB);
	while (put(nr, 3500) == 0)
		nr++;
	assert_true(nr > 200);
	check_rest(nr);
	for (unsigned i = 0; i < nr; i++)
		drop(i);
	/* slabs of 2720 bytes are 3/2: all the space is in longer ones */
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(put(i, 2720), 0);
	check_rest(20);
}

static void test_64_gib_of_addresses_cost_nothing(void **state)
{
	stop(state);
	start_with(0, 64 * GIB);
	assert_true(atomic_load(&arena.committed) < 64 * KIB);
	assert_true(usage().metadata < 64 * KIB);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(put(i, 2000), 0);
	/* a slab is 24 bytes for 20 to 64 KiB */
	assert_true(usage().metadata < 64 * KIB + usage().used / 800);
	check_rest(10000);
}

/* --- compaction ----------------------------------------------------------- */

static bool refuse(uint64_t owner, struct pool_ref from, struct pool_ref to)
{
	(void)owner;
	(void)from;
	(void)to;
	return false;
}

static void test_a_busy_owner_keeps_its_object(void **state)
{
	struct pool_usage before;

	(void)state;
	put_and_drop_most(300, 2000);
	before = usage();
	react = refuse;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pool_compact(&pool, 1000), 0);
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, before.objects);
	assert_int_equal(usage().packed, before.packed);
	check_rest(300);
	react = agree;
	assert_true(pool_compact(&pool, 1000) > 0);
	check_rest(300);
}

/* The program frees the page just now. */
static bool drop_it(uint64_t owner, struct pool_ref from, struct pool_ref to)
{
	(void)to;
	assert_int_equal(refs[owner].bits, from.bits);
	drop(owner);
	return false;
}

static void test_a_drop_while_moving_frees_both(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = drop_it;
	compact_all();
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100 - nr_moved);
	check_rest(300);
}

/* The page leaves again at once: its slot must not be the old one. */
static bool drop_and_put(uint64_t owner, struct pool_ref from,
			 struct pool_ref to)
{
	drop(owner);
	assert_int_equal(put(owner, lens[owner]), 0);
	assert_int_not_equal(refs[owner].bits, from.bits);
	assert_int_not_equal(refs[owner].bits, to.bits);
	return agree(owner, from, to);
}

static void test_a_slot_is_not_reused_while_moving(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = drop_and_put;
	for (int i = 0; i < 20; i++)
		pool_compact(&pool, 1000);
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100);
	check_rest(300);
}

/* Somebody claims the moved object and is done with it at once. */
static bool agree_and_drop(uint64_t owner, struct pool_ref from,
			   struct pool_ref to)
{
	bool yes = agree(owner, from, to);

	check(owner);
	drop(owner);
	return yes;
}

static void test_a_moved_object_may_be_dropped_at_once(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = agree_and_drop;
	compact_all();
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100 - nr_moved);
	check_rest(300);
}

static void test_the_new_owner_is_asked(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	for (unsigned i = 0; i < 300; i += 3) {
		pool_set_owner(&pool, refs[i], i + 1000);
		refs[i + 1000] = refs[i];
		refs[i].bits = 0;
	}
	compact_all();
	assert_true(nr_moved > 0);
	for (unsigned i = 0; i < 300; i += 3) {
		struct pool_object o;

		assert_int_equal(pool_find(&pool, &o, refs[i + 1000]), 0);
		assert_memory_equal(o.buf, bytes_of(i, 2000), 2000);
	}
}

static void test_the_child_of_a_fork_has_new_locks(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	lock_take(&pool.slabs.lock);
	for (uint32_t i = 0; i < pool.classes.nr; i++)
		lock_take(&pool.class[i].lock);
	pool_fork_child(&pool);
	compact_all();
	check_rest(300);
	assert_int_equal(put(300, 3000), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_objects_of_every_length_come_back),
		TEST(test_any_damaged_bit_is_noticed),
		TEST(test_other_objects_in_its_place_are_noticed),
		TEST(test_wild_refs_find_nothing),
		TEST(test_used_is_what_the_kernel_has_pages_for),
		TEST(test_freed_objects_free_their_pages),
		TEST(test_memory_follows_what_is_freed_at_random),
		TEST(test_free_slabs_are_used_again),
		TEST(test_the_cap_holds_until_3_percent_are_free),
		TEST(test_without_address_space_a_longer_slab_serves),
		TEST(test_64_gib_of_addresses_cost_nothing),
		TEST(test_a_busy_owner_keeps_its_object),
		TEST(test_a_drop_while_moving_frees_both),
		TEST(test_a_slot_is_not_reused_while_moving),
		TEST(test_a_moved_object_may_be_dropped_at_once),
		TEST(test_the_new_owner_is_asked),
		TEST(test_the_child_of_a_fork_has_new_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
