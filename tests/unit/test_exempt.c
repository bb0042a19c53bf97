/* SPDX-License-Identifier: MIT */
/*
 * Memory to be left alone: what is added is there, for each reason
 * separately; what is cut is gone, in the middle too; it moves along with its
 * mapping; and more than fits is said to be.
 */
#include "space/exempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define P(n)		((uintptr_t)(n) * PAGE_SIZE)
#define MODEL_PAGES	64u
#define MODEL_STEPS	20000u

static struct exempt_set set;

static int setup(void **state)
{
	(void)state;
	memset(&set, 0, sizeof(set));
	return 0;
}

static void test_an_empty_set_has_nothing(void **state)
{
	(void)state;
	assert_false(exempt_has(&set, P(1), P(2)));
	assert_false(exempt_overlaps(&set, EXEMPT_ALL, 0, UINTPTR_MAX));
	exempt_cut(&set, EXEMPT_ALL, 0, UINTPTR_MAX);
	exempt_move(&set, P(1), P(5), P(100), P(5));
	assert_int_equal(set.high, 0);
}

static void test_all_of_it_must_be_in(void **state)
{
	(void)state;
	exempt_add(&set, EXEMPT_LOCKED, P(10), P(20));
	assert_true(exempt_has(&set, P(10), P(20)));
	assert_true(exempt_has(&set, P(12), P(13)));
	assert_false(exempt_has(&set, P(9), P(20)));
	assert_false(exempt_has(&set, P(10), P(21)));
	assert_true(exempt_overlaps(&set, EXEMPT_LOCKED, P(19), P(25)));
	assert_false(exempt_overlaps(&set, EXEMPT_NO_DUMP, P(19), P(25)));
	assert_false(exempt_overlaps(&set, EXEMPT_ALL, P(20), P(25)));
}

static void test_neighbours_count_together(void **state)
{
	(void)state;
	exempt_add(&set, EXEMPT_LOCKED, P(20), P(30));
	exempt_add(&set, EXEMPT_NO_DUMP, P(10), P(20));
	exempt_add(&set, EXEMPT_LOCKED, P(30), P(40));
	assert_true(exempt_has(&set, P(10), P(40)));
	exempt_cut(&set, EXEMPT_NO_DUMP, 0, UINTPTR_MAX);
	assert_false(exempt_has(&set, P(10), P(40)));
	assert_true(exempt_has(&set, P(20), P(40)));
}

static void test_each_reason_goes_by_itself(void **state)
{
	(void)state;
	exempt_add(&set, EXEMPT_LOCKED, P(10), P(20));
	exempt_add(&set, EXEMPT_NO_DUMP, P(10), P(20));
	exempt_cut(&set, EXEMPT_LOCKED, P(10), P(20));
	assert_true(exempt_has(&set, P(10), P(20)));
	exempt_cut(&set, EXEMPT_NO_DUMP, P(14), P(16));
	assert_true(exempt_has(&set, P(10), P(14)));
	assert_true(exempt_has(&set, P(16), P(20)));
	assert_false(exempt_overlaps(&set, EXEMPT_ALL, P(14), P(16)));
}

static void test_it_moves_with_its_mapping(void **state)
{
	(void)state;
	exempt_add(&set, EXEMPT_LOCKED, P(12), P(14));
	exempt_add(&set, EXEMPT_NO_DUMP, P(5), P(20));
	exempt_move(&set, P(10), P(10), P(100), P(15));
	assert_true(exempt_overlaps(&set, EXEMPT_LOCKED, P(102), P(104)));
	assert_false(exempt_overlaps(&set, EXEMPT_LOCKED, P(104), P(130)));
	/* what is of this kind up to its end stays so when it grows */
	assert_true(exempt_has(&set, P(100), P(115)));
	assert_true(exempt_has(&set, P(5), P(10)));
	assert_false(exempt_overlaps(&set, EXEMPT_ALL, P(10), P(20)));
	/* in place, and smaller */
	exempt_move(&set, P(100), P(15), P(100), P(3));
	assert_true(exempt_has(&set, P(100), P(103)));
	assert_false(exempt_overlaps(&set, EXEMPT_ALL, P(103), P(130)));
}

static void test_places_are_used_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10 * EXEMPT_MAX; i++) {
		exempt_add(&set, EXEMPT_LOCKED, P(10 + 2 * i), P(11 + 2 * i));
		exempt_cut(&set, EXEMPT_LOCKED, P(10 + 2 * i), P(11 + 2 * i));
	}
	assert_int_equal(set.full, 0);
	assert_int_equal(set.high, 1);
	/* one after the other is one */
	for (unsigned i = 0; i < 10 * EXEMPT_MAX; i++)
		exempt_add(&set, EXEMPT_LOCKED, P(10 + i), P(11 + i));
	assert_int_equal(set.high, 1);
	assert_true(exempt_has(&set, P(10), P(10 + 10 * EXEMPT_MAX)));
}

static void test_too_many_are_said_to_be(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EXEMPT_MAX; i++)
		exempt_add(&set, EXEMPT_LOCKED, P(10 + 2 * i), P(11 + 2 * i));
	assert_int_equal(set.full, 0);
	exempt_add(&set, EXEMPT_LOCKED, P(2), P(3));
	assert_int_equal(set.full, 1);
	assert_int_equal(set.high, EXEMPT_MAX);
}

/* --- against a naive twin: a byte of reasons per page -------------------- */

static uint8_t twin[2 * MODEL_PAGES];

static unsigned random_below(unsigned n)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x % n);
}

static void compare(void)
{
	for (unsigned i = 0; i < 2 * MODEL_PAGES; i++)
		for (unsigned why = 1; why <= EXEMPT_ALL; why <<= 1)
			assert_int_equal(exempt_overlaps(&set, why, P(i),
							 P(i + 1)),
					 !!(twin[i] & why));
}

static void move_twin(unsigned from, unsigned to, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		twin[to + i] = twin[from + i];
		twin[from + i] = 0;
	}
}

static void test_like_the_twin(void **state)
{
	(void)state;
	memset(twin, 0, sizeof(twin));
	for (unsigned n = 0; n < MODEL_STEPS; n++) {
		unsigned start = random_below(MODEL_PAGES);
		unsigned end = start + 1 + random_below(MODEL_PAGES - start);
		unsigned why = 1u << random_below(5);

		switch (random_below(4)) {
		case 0:
		case 1:
			exempt_add(&set, why, P(start), P(end));
			for (unsigned i = start; i < end; i++)
				twin[i] |= (uint8_t)why;
			break;
		case 2:
			exempt_cut(&set, why, P(start), P(end));
			for (unsigned i = start; i < end; i++)
				twin[i] &= (uint8_t)~why;
			break;
		case 3:
			/* there, and back again, over nothing */
			exempt_cut(&set, EXEMPT_ALL, P(MODEL_PAGES),
				   P(2 * MODEL_PAGES));
			memset(twin + MODEL_PAGES, 0, MODEL_PAGES);
			end = start + 1 + random_below(4);
			if (end > MODEL_PAGES)
				end = MODEL_PAGES;
			exempt_move(&set, P(start), P(end - start),
				    P(MODEL_PAGES + start), P(end - start));
			move_twin(start, MODEL_PAGES + start, end - start);
			break;
		}
		compare();
		if (set.full)		/* then it is the kernel's turn */
			break;
	}
	assert_int_equal(set.full, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_an_empty_set_has_nothing, setup),
		cmocka_unit_test_setup(test_all_of_it_must_be_in, setup),
		cmocka_unit_test_setup(test_neighbours_count_together, setup),
		cmocka_unit_test_setup(test_each_reason_goes_by_itself, setup),
		cmocka_unit_test_setup(test_it_moves_with_its_mapping, setup),
		cmocka_unit_test_setup(test_places_are_used_again, setup),
		cmocka_unit_test_setup(test_too_many_are_said_to_be, setup),
		cmocka_unit_test_setup(test_like_the_twin, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
