/* SPDX-License-Identifier: MIT */
/*
 * The memory of the pool: what the kernel has pages for is what is said, and
 * goes back when objects are freed; slabs are used again; the cap holds.
 */
#include "store/pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pool_owner.h"

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

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_used_is_what_the_kernel_has_pages_for),
		TEST(test_freed_objects_free_their_pages),
		TEST(test_memory_follows_what_is_freed_at_random),
		TEST(test_free_slabs_are_used_again),
		TEST(test_the_cap_holds_until_3_percent_are_free),
		TEST(test_without_address_space_a_longer_slab_serves),
		TEST(test_64_gib_of_addresses_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
