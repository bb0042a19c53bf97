/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of classes: each length has one, slabs hold what they say,
 * and little is wasted.
 */
#include "store/pool_class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct pool_classes pc;

static int derive(void **state)
{
	(void)state;
	pool_class_derive(&pc);
	return 0;
}

static void test_each_length_has_the_smallest_class_that_fits(void **state)
{
	(void)state;
	for (size_t len = 1; len <= POOL_SLOT_MAX; len++) {
		unsigned i = pool_class_of(&pc, len);

		assert_true(i < pc.nr);
		assert_true(pc.shape[i].slot_len >= len);
		if (i)
			assert_true(pc.shape[i - 1].slot_len < len);
	}
}

static void test_classes_rise_and_are_aligned(void **state)
{
	(void)state;
	assert_in_range(pc.nr, 1, POOL_NR_CLASSES);
	assert_int_equal(pc.shape[pc.nr - 1].slot_len, POOL_SLOT_MAX);
	for (uint32_t i = 0; i < pc.nr; i++) {
		assert_int_equal(pc.shape[i].slot_len % POOL_SLOT_ALIGN, 0);
		if (i)
			assert_true(pc.shape[i].slot_len >
				    pc.shape[i - 1].slot_len);
	}
}

static void test_slabs_hold_their_slots_and_no_room_for_another(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < pc.nr; i++) {
		const struct pool_shape *s = &pc.shape[i];
		size_t len = s->nr_pages * PAGE_SIZE;

		assert_in_range(s->nr_pages, 1, POOL_SLAB_PAGES);
		assert_in_range(s->nr_slots, 1, 1023);
		assert_true((size_t)s->slot_len * s->nr_slots <= len);
		/* a short slab is a multiple of the best */
		assert_true((size_t)s->slot_len * (s->nr_slots + 8u) > len);
	}
}

static void test_little_is_wasted(void **state)
{
	double sum = 0;
	double used = 0;

	(void)state;
	for (size_t len = 256; len <= POOL_SLOT_MAX; len++) {
		const struct pool_shape *s =
			&pc.shape[pool_class_of(&pc, len)];
		double cost = (double)(s->nr_pages * PAGE_SIZE) / s->nr_slots;

		assert_true(cost < (double)len * 1.05);
		sum += (double)len;
		used += cost;
	}
	assert_true(used < sum * 1.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_each_length_has_the_smallest_class_that_fits),
		cmocka_unit_test(test_classes_rise_and_are_aligned),
		cmocka_unit_test(
			test_slabs_hold_their_slots_and_no_room_for_another),
		cmocka_unit_test(test_little_is_wasted),
	};

	return cmocka_run_group_tests(tests, derive, NULL);
}
