/* SPDX-License-Identifier: MIT */
/*
 * A trail gives back what was added, oldest first and once; leaves the newest
 * alone; and forgets the oldest when it is full.
 */
#include "engine/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LEN	8u

static struct arena arena;
static struct trail trail;

static struct page_run run_of(uintptr_t nr, size_t pages)
{
	return (struct page_run){ .start = nr * MIB,
				  .end = nr * MIB + pages * PAGE_SIZE };
}

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 256 * MIB) ||
	       trail_init(&trail, &arena, LEN);
}

static int clear(void **state)
{
	(void)state;
	trail_clear(&trail);
	return 0;
}

static void assert_next(uintptr_t nr, size_t pages)
{
	const struct page_run want = run_of(nr, pages);
	struct page_run run = { .huge = true };

	assert_true(trail_next(&trail, 0, &run));
	assert_false(run.huge);
	assert_int_equal(run.start, want.start);
	assert_int_equal(run.end, want.end);
}

static void assert_no_more(uint32_t least)
{
	struct page_run run;

	assert_false(trail_next(&trail, least, &run));
}

static void test_oldest_first_and_once(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= 3 * LEN; i += 2) {
		trail_add(&trail, run_of(i, i));
		trail_add(&trail, run_of(i + 1, i + 1));
		assert_next(i, i);
		assert_next(i + 1, i + 1);
	}
	assert_no_more(0);
}

static void test_the_newest_stay(void **state)
{
	struct page_run run;

	(void)state;
	for (uintptr_t i = 1; i <= 4; i++)
		trail_add(&trail, run_of(i, 1));
	assert_no_more(4);
	assert_true(trail_next(&trail, 3, &run));
	assert_int_equal(run.start, MIB);
	assert_no_more(3);
	assert_next(2, 1);
}

static void test_a_full_one_forgets_the_oldest(void **state)
{
	(void)state;
	for (uintptr_t i = 1; i <= LEN + 3; i++)
		trail_add(&trail, run_of(i, 1));
	for (uintptr_t i = 4; i <= LEN + 3; i++)
		assert_next(i, 1);
	assert_no_more(0);
}

static void test_what_is_too_long_or_empty_is_left_out(void **state)
{
	(void)state;
	trail_add(&trail, run_of(1, 0));
	trail_add(&trail, run_of(2, PAGE_SIZE));
	trail_add(&trail, run_of(3, PAGE_SIZE - 1));
	assert_next(3, PAGE_SIZE - 1);
	assert_no_more(0);
}

static void test_cleared(void **state)
{
	(void)state;
	trail_add(&trail, run_of(1, 1));
	trail_clear(&trail);
	assert_no_more(0);
	trail_add(&trail, run_of(2, 1));
	assert_next(2, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_oldest_first_and_once, clear),
		cmocka_unit_test_setup(test_the_newest_stay, clear),
		cmocka_unit_test_setup(test_a_full_one_forgets_the_oldest,
				       clear),
		cmocka_unit_test_setup(
			test_what_is_too_long_or_empty_is_left_out, clear),
		cmocka_unit_test_setup(test_cleared, clear),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
