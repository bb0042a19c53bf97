/* SPDX-License-Identifier: MIT */
/*
 * Pages that leave early do so too early when far more of them come back soon
 * than of the others; the answer is wrong now and then; what was is forgotten.
 */
#include "engine/early.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WINDOW	10000u
#define ASKED	1280u

static struct early early;

static int setup(void **state)
{
	(void)state;
	early_init(&early);
	return 0;
}

/* NR pages leave, and of a hundred BACK come back soon. */
static void leave(bool is_early, unsigned nr, unsigned back)
{
	for (unsigned i = 0; i < nr; i++) {
		early_left(&early, is_early, WINDOW);
		if (i % 100 < back)
			early_back(&early, is_early);
	}
}

static unsigned yes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ASKED; i++)
		n += early_is_too(&early);
	return n;
}

/* Most answers are yes, or no; but not all. */
static void assert_mostly(bool is)
{
	const unsigned n = is ? yes() : ASKED - yes();

	assert_in_range(n, ASKED - ASKED / 32, ASKED - 1);
}

static void test_nothing_is_known(void **state)
{
	(void)state;
	assert_mostly(false);
}

static void test_somewhat_more_is_not_too_early(void **state)
{
	(void)state;
	leave(false, 1000, 20);
	leave(true, 3000, 60);
	assert_mostly(false);
}

static void test_far_more_is(void **state)
{
	(void)state;
	leave(false, 1000, 5);
	leave(true, 3000, 60);
	assert_mostly(true);
}

static void test_it_is_forgotten(void **state)
{
	(void)state;
	leave(true, 3000, 60);
	assert_mostly(true);
	for (int i = 0; i < 20; i++) {
		leave(true, 3000, 15);
		leave(false, 1000, 30);
	}
	assert_mostly(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_is_known, setup),
		cmocka_unit_test_setup(test_somewhat_more_is_not_too_early,
				       setup),
		cmocka_unit_test_setup(test_far_more_is, setup),
		cmocka_unit_test_setup(test_it_is_forgotten, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
