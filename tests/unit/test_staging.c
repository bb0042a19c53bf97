/* SPDX-License-Identifier: MIT */
/*
 * Trays: opened, queued in order, taken, freed; sixteen in a row for a huge
 * page; none left is NULL; and the arithmetic of slots.
 */
#include "engine/staging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TRAYS	(2 * HUGE_TRAYS)

static struct arena arena;
static struct staging staging;

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 256 * MIB) ||
	       staging_init(&staging, &arena, TRAYS - 3);
}

static void test_the_area_is_whole_huge_pages(void **state)
{
	const size_t len = 2 * CHUNK_SIZE + STAGING_MORE_TRAYS * TRAY_LEN;

	(void)state;
	assert_int_equal(staging.nr_trays, TRAYS);
	assert_int_equal(staging.area % CHUNK_SIZE, 0);
	assert_int_equal(staging_len(&staging), len);
	assert_true(staging_has(&staging, staging.area));
	assert_true(staging_has(&staging, staging.area + len - 1));
	assert_false(staging_has(&staging, staging.area + len));
	assert_false(staging_has(&staging, staging.area - 1));
}

static void test_slots_name_trays_and_addresses(void **state)
{
	struct tray *t = &staging.trays[5];
	uint32_t slot = staging_slot(&staging, t, 7);

	(void)state;
	assert_int_equal(slot, 5 * TRAY_SLOTS + 7);
	assert_int_equal(staging_addr(&staging, slot),
			 staging.area + slot * PAGE_SIZE);
	assert_ptr_equal(staging_owner(&staging, slot), &t->owner[7]);
}

static void test_the_queue_keeps_the_order(void **state)
{
	struct tray *t[TRAYS];

	(void)state;
	/* three times round the ring */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < TRAYS; i++) {
			t[i] = staging_open(&staging);
			assert_non_null(t[i]);
			assert_int_equal(t[i]->state, TRAY_FILLING);
			assert_int_equal(t[i]->used, 0);
		}
		assert_null(staging_open(&staging));
		for (size_t i = 0; i < TRAYS; i++)
			staging_enqueue(&staging, t[TRAYS - 1 - i]);
		assert_int_equal(staging.nr_waiting, TRAYS);
		for (size_t i = 0; i < TRAYS; i++) {
			struct tray *next = staging_take(&staging);

			assert_ptr_equal(next, t[TRAYS - 1 - i]);
			assert_int_equal(next->state, TRAY_PACKING);
			staging_free(&staging, next);
		}
		assert_null(staging_take(&staging));
	}
}

static void test_what_is_not_finished_goes_to_the_end(void **state)
{
	struct tray *a = staging_open(&staging);
	struct tray *b = staging_open(&staging);

	(void)state;
	staging_enqueue(&staging, a);
	staging_enqueue(&staging, b);
	assert_ptr_equal(staging_take(&staging), a);
	staging_enqueue(&staging, a);
	assert_ptr_equal(staging_take(&staging), b);
	assert_ptr_equal(staging_take(&staging), a);
}

static void test_huge_needs_sixteen_in_a_row(void **state)
{
	struct tray *one = staging_open(&staging);
	struct tray *huge = staging_open_huge(&staging);

	(void)state;
	assert_non_null(one);
	assert_non_null(huge);
	assert_int_equal((uintptr_t)(huge - staging.trays) % HUGE_TRAYS, 0);
	for (size_t i = 0; i < HUGE_TRAYS; i++)
		assert_int_equal(huge[i].state, TRAY_FILLING);
	/* the other half has a hole in it */
	assert_null(staging_open_huge(&staging));
	staging_free(&staging, one);
	assert_non_null(staging_open_huge(&staging));
	assert_null(staging_open(&staging));
	for (size_t i = 0; i < HUGE_TRAYS; i++)
		staging_free(&staging, &huge[i]);
	assert_ptr_equal(staging_open_huge(&staging), huge);
}

static void test_only_some_trays_wait_to_be_emptied(void **state)
{
	struct tray *t[TRAYS_DEAD + 1];

	(void)state;
	assert_null(staging_dig(&staging));
	for (size_t i = 0; i <= TRAYS_DEAD; i++) {
		t[i] = staging_open(&staging);
		staging_enqueue(&staging, t[i]);
		assert_ptr_equal(staging_take(&staging), t[i]);
		assert_int_equal(staging_bury(&staging, t[i]), i < TRAYS_DEAD);
	}
	for (size_t i = TRAYS_DEAD; i--;) {
		assert_ptr_equal(staging_dig(&staging), t[i]);
		staging_free(&staging, t[i]);
	}
	assert_null(staging_dig(&staging));
	staging_free(&staging, t[TRAYS_DEAD]);
}

/* What they hold is in the child, too. */
static void test_a_child_empties_them_itself(void **state)
{
	struct tray *t = staging_open(&staging);

	(void)state;
	staging_enqueue(&staging, t);
	t = staging_take(&staging);
	assert_true(staging_bury(&staging, t));
	staging_fork_child(&staging);
	assert_null(staging_dig(&staging));
	assert_ptr_equal(staging_take(&staging), t);
	staging_free(&staging, t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_area_is_whole_huge_pages,
				       setup),
		cmocka_unit_test_setup(test_slots_name_trays_and_addresses,
				       setup),
		cmocka_unit_test_setup(test_the_queue_keeps_the_order, setup),
		cmocka_unit_test_setup(
			test_what_is_not_finished_goes_to_the_end, setup),
		cmocka_unit_test_setup(test_only_some_trays_wait_to_be_emptied,
				       setup),
		cmocka_unit_test_setup(test_a_child_empties_them_itself, setup),
		cmocka_unit_test_setup(test_huge_needs_sixteen_in_a_row,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
