/* SPDX-License-Identifier: MIT */
/* What free() asks about each address: never a wrong no, and seldom a yes. */
#include "watch/profile_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"

#define FEW	512u
#define MANY	20000u
#define ASKED	100000u

static struct arena arena;
static struct profile_filter filter;

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 64 * MIB) ||
	       profile_filter_init(&filter, &arena);
}

static int clear(void **state)
{
	(void)state;
	profile_filter_clear(&filter);
	return 0;
}

/* As an allocator hands them out: near each other, multiples of 16. */
static uintptr_t addr_of(size_t i)
{
	return 0x7f1234000000 + i * 208;
}

static bool has(uintptr_t addr)
{
	return profile_filter_may(&filter, addr) &&
	       profile_filter_has(&filter, addr);
}

static void add(size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		profile_filter_add(&filter, addr_of(i * 97));
	for (size_t i = 0; i < nr; i++)
		assert_true(has(addr_of(i * 97)));
}

/* Of ASKED addresses that are not in it, how many look as if they were? */
static size_t count_wrong(void)
{
	size_t wrong = 0;

	for (size_t i = 0; i < ASKED; i++)
		wrong += has(addr_of(i * 97 + 1));
	return wrong;
}

static void test_few_are_found_and_others_are_not(void **state)
{
	(void)state;
	add(FEW);
	assert_in_range(count_wrong(), 0, ASKED / 150);
}

static void test_many_are_found_and_others_are_not(void **state)
{
	(void)state;
	add(MANY);
	assert_in_range(count_wrong(), 0, ASKED / 150);
}

static void test_what_was_dropped_leaves_nothing(void **state)
{
	(void)state;
	add(MANY);
	for (size_t i = 0; i < MANY; i++)
		profile_filter_drop(&filter, addr_of(i * 97));
	for (size_t i = 0; i < 1 << FILTER_SMALL_LOG; i++)
		assert_true(!filter.small[i]);
	for (size_t i = 0; i < 1 << FILTER_LARGE_LOG; i++)
		assert_true(!filter.large[i]);
}

static void test_the_same_address_twice_is_dropped_twice(void **state)
{
	(void)state;
	profile_filter_add(&filter, addr_of(1));
	profile_filter_add(&filter, addr_of(1));
	profile_filter_drop(&filter, addr_of(1));
	assert_true(has(addr_of(1)));
	profile_filter_drop(&filter, addr_of(1));
	assert_false(has(addr_of(1)));
}

/* With few in it the small one is enough, and the large one seldom asked. */
static void test_the_small_one_keeps_most_away(void **state)
{
	size_t wrong = 0;

	(void)state;
	add(FEW);
	for (size_t i = 0; i < ASKED; i++)
		wrong += profile_filter_may(&filter, addr_of(i * 97 + 1));
	assert_in_range(wrong, 0, ASKED / 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_few_are_found_and_others_are_not, clear),
		cmocka_unit_test_setup(
			test_many_are_found_and_others_are_not, clear),
		cmocka_unit_test_setup(
			test_what_was_dropped_leaves_nothing, clear),
		cmocka_unit_test_setup(
			test_the_same_address_twice_is_dropped_twice, clear),
		cmocka_unit_test_setup(
			test_the_small_one_keeps_most_away, clear),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
