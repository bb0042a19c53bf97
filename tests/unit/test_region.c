/* SPDX-License-Identifier: MIT */
/*
 * The set of regions: what is added is there, what touches is merged, what
 * is cut is gone, and the sum of bytes stays right.
 */
#include "space/region.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define P(n)	((uintptr_t)(n) * PAGE_SIZE)

static struct arena arena;
static struct region_set set;

static int setup(void **state)
{
	(void)state;
	if (arena_start(&arena, 256 * MIB) || region_init(&set, &arena))
		return -1;
	return 0;
}

/* The set is exactly the NR pairs of page numbers. */
static void check(size_t nr, const unsigned (*want)[2])
{
	struct region r;
	uintptr_t at = 0;
	size_t sum = 0;

	assert_true(region_is_valid(&set));
	for (size_t i = 0; i < nr; i++) {
		assert_true(region_next(&set, at, &r));
		assert_int_equal(r.start, P(want[i][0]));
		assert_int_equal(r.end, P(want[i][1]));
		sum += r.end - r.start;
		at = r.end;
	}
	assert_false(region_next(&set, at, &r));
	assert_int_equal(set.bytes, sum);
}

#define CHECK(...)						\
	do {							\
		const unsigned want_[][2] = { __VA_ARGS__ };	\
								\
		check(ARRAY_SIZE(want_), want_);		\
	} while (0)

static void add(unsigned start, unsigned end)
{
	assert_int_equal(region_add(&set, P(start), P(end)), 0);
}

static void test_an_empty_set_knows_nothing(void **state)
{
	struct region r;

	(void)state;
	check(0, NULL);
	assert_false(region_next(&set, 0, &r));
	assert_false(region_has(&set, P(1), P(2)));
	assert_int_equal(region_overlap(&set, 0, P(99)), 0);
	region_cut(&set, 0, P(99));
	check(0, NULL);
}

static void test_neighbours_merge(void **state)
{
	(void)state;
	add(10, 20);
	add(30, 40);
	CHECK({ 10, 20 }, { 30, 40 });
	add(20, 25);
	CHECK({ 10, 25 }, { 30, 40 });
	add(25, 30);
	CHECK({ 10, 40 });
	add(5, 10);
	CHECK({ 5, 40 });
}

static void test_a_larger_range_swallows_smaller_ones(void **state)
{
	(void)state;
	add(10, 11);
	add(20, 21);
	add(30, 31);
	add(60, 70);
	add(15, 50);
	CHECK({ 10, 11 }, { 15, 50 }, { 60, 70 });
	add(0, 65);
	CHECK({ 0, 70 });
	add(3, 4);
	CHECK({ 0, 70 });
}

static void test_cut_in_the_middle_leaves_two_regions(void **state)
{
	(void)state;
	add(10, 40);
	region_cut(&set, P(20), P(25));
	CHECK({ 10, 20 }, { 25, 40 });
	region_cut(&set, P(20), P(25));
	CHECK({ 10, 20 }, { 25, 40 });
	region_cut(&set, P(5), P(12));
	CHECK({ 12, 20 }, { 25, 40 });
	region_cut(&set, P(38), P(90));
	CHECK({ 12, 20 }, { 25, 38 });
	region_cut(&set, P(15), P(30));
	CHECK({ 12, 15 }, { 30, 38 });
	region_cut(&set, 0, P(100));
	check(0, NULL);
}

static void test_has_and_overlap_look_at_the_whole_range(void **state)
{
	(void)state;
	add(10, 20);
	add(30, 40);
	assert_true(region_has(&set, P(10), P(20)));
	assert_true(region_has(&set, P(12), P(13)));
	assert_false(region_has(&set, P(9), P(11)));
	assert_false(region_has(&set, P(19), P(21)));
	assert_false(region_has(&set, P(15), P(35)));
	assert_int_equal(region_overlap(&set, P(15), P(35)), P(10));
	assert_int_equal(region_overlap(&set, 0, P(99)), P(20));
	assert_int_equal(region_overlap(&set, P(20), P(30)), 0);
}

static void test_next_finds_the_region_around_an_address(void **state)
{
	struct region r;

	(void)state;
	add(10, 20);
	assert_true(region_next(&set, P(15), &r));
	assert_int_equal(r.start, P(10));
	assert_true(region_next(&set, P(19), &r));
	assert_false(region_next(&set, P(20), &r));
	assert_true(region_next(&set, 0, &r));
}

static void test_a_full_set_says_so_and_stays_valid(void **state)
{
	(void)state;
	for (unsigned i = 0; i < REGIONS_MAX; i++)
		assert_int_equal(region_add(&set, P(2 * i + 1), P(2 * i + 2)),
				 0);
	assert_int_equal(region_add(&set, P(9000000), P(9000001)), -ENOSPC);
	assert_true(region_is_valid(&set));
	/* what merges has room, and makes some */
	add(2, 3);
	assert_int_equal(region_add(&set, P(9000000), P(9000009)), 0);
	assert_true(region_is_valid(&set));
	/* a cut in the middle needs an entry more: the tail is let go */
	region_cut(&set, P(9000003), P(9000004));
	assert_true(region_is_valid(&set));
	assert_true(region_has(&set, P(9000000), P(9000003)));
	assert_false(region_has(&set, P(9000004), P(9000005)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_an_empty_set_knows_nothing, setup),
		cmocka_unit_test_setup(test_neighbours_merge, setup),
		cmocka_unit_test_setup(
			test_a_larger_range_swallows_smaller_ones, setup),
		cmocka_unit_test_setup(
			test_cut_in_the_middle_leaves_two_regions, setup),
		cmocka_unit_test_setup(
			test_has_and_overlap_look_at_the_whole_range, setup),
		cmocka_unit_test_setup(
			test_next_finds_the_region_around_an_address, setup),
		cmocka_unit_test_setup(
			test_a_full_set_says_so_and_stays_valid, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
