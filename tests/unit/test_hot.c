/* SPDX-License-Identifier: MIT */
/* For how many rounds a block that was in use is passed over. */
#include "engine/hot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/arena.h"

#define AT	((uintptr_t)0x7f0000000000)

static struct arena arena;
static struct hot h;

static int setup(void **state)
{
	(void)state;
	return hot_init(&h, &arena);
}

static unsigned rounds_passed(uintptr_t start)
{
	unsigned n = 0;

	while (hot_passes(&h, start))
		n++;
	return n;
}

static void test_unknown_blocks_are_tried(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4096; i++)
		assert_false(hot_passes(&h, AT + i * HOT_BLOCK));
}

static void test_longer_each_time_and_seven_rounds_at_most(void **state)
{
	static const unsigned rounds[] = { 1, 3, 7, 7, 7 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rounds); i++) {
		hot_note(&h, AT);
		assert_int_equal(rounds_passed(AT), rounds[i]);
	}
}

static void test_once_idle_it_begins_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		hot_note(&h, AT);
	hot_forget(&h, AT);
	assert_int_equal(rounds_passed(AT), 0);
	hot_note(&h, AT);
	assert_int_equal(rounds_passed(AT), 1);
}

static void test_neighbours_have_notes_of_their_own(void **state)
{
	unsigned passed = 0;

	(void)state;
	for (unsigned i = 0; i < 64; i += 2)
		hot_note(&h, AT + i * HOT_BLOCK);
	for (unsigned i = 1; i < 64; i += 2)
		passed += hot_passes(&h, AT + i * HOT_BLOCK);
	assert_int_equal(passed, 0);
}

static int start(void **state)
{
	(void)state;
	return arena_start(&arena, 64 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unknown_blocks_are_tried,
						setup, NULL),
		cmocka_unit_test_setup_teardown(
			test_longer_each_time_and_seven_rounds_at_most,
			setup, NULL),
		cmocka_unit_test_setup_teardown(test_once_idle_it_begins_anew,
						setup, NULL),
		cmocka_unit_test_setup_teardown(
			test_neighbours_have_notes_of_their_own,
			setup, NULL),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
