/* SPDX-License-Identifier: MIT */
/*
 * A chunk is busy when twice as much is asked for there as in the mean one;
 * not by few pages, not long after, and not while memory is crowded.
 */
#include "engine/busy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BASE	((uintptr_t)1 << 40)
#define CHUNKS	100u
#define EVEN	40u	/* pages of each chunk */
#define FEW	30u	/* the same: by themselves no busy one */

static struct arena arena;
static struct busy busy;

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 256 * MIB) ||
	       busy_init(&busy, &arena, 64 * MIB);
}

static uintptr_t chunk(unsigned i)
{
	return BASE + i * CHUNK_SIZE;
}

/* NR pages of each of the chunks from FIRST to LAST, in TICK. */
static void ask(unsigned first, unsigned last, unsigned nr, uint32_t tick)
{
	for (unsigned n = 0; n < nr; n++)
		for (unsigned i = first; i < last; i++)
			busy_asked(&busy, chunk(i) + n * PAGE_SIZE, tick,
				   CHUNKS);
}

static unsigned nr_busy(unsigned first, unsigned last, uint32_t tick)
{
	unsigned n = 0;

	for (unsigned i = first; i < last; i++)
		n += busy_is(&busy, chunk(i), tick, CHUNKS);
	return n;
}

static void test_nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(nr_busy(0, CHUNKS, 0), 0);
}

static void test_used_alike_none_is(void **state)
{
	(void)state;
	ask(0, CHUNKS, EVEN, 5);
	ask(0, CHUNKS, 1, 6);
	assert_int_equal(nr_busy(0, CHUNKS, 5), 0);
	assert_int_equal(nr_busy(0, CHUNKS, 6), 0);
}

static void test_where_work_moves_to(void **state)
{
	(void)state;
	ask(0, CHUNKS, EVEN, 5);
	ask(70, CHUNKS, EVEN, 6);
	assert_int_equal(nr_busy(0, 70, 6), 0);
	assert_int_equal(nr_busy(70, CHUNKS, 6), 0);
	ask(70, CHUNKS, EVEN, 6);
	assert_int_equal(nr_busy(0, 70, 6), 0);
	assert_int_equal(nr_busy(70, CHUNKS, 6), CHUNKS - 70);
}

static void test_all_of_the_chunk_is(void **state)
{
	(void)state;
	ask(3, 4, 2 * EVEN, 7);
	assert_int_equal(nr_busy(0, CHUNKS, 7), 1);
	assert_true(busy_is(&busy, chunk(3) + CHUNK_SIZE - 1, 7, CHUNKS));
}

static void test_few_are_chance(void **state)
{
	(void)state;
	ask(0, CHUNKS, FEW / 3, 7);
	ask(3, 4, EVEN, 7);
	assert_int_equal(nr_busy(0, CHUNKS, 7), 0);
}

/* Few are enough once most of what is asked for lies in such chunks. */
static void test_few_are_enough(void **state)
{
	(void)state;
	ask(0, CHUNKS, EVEN, 5);
	ask(70, CHUNKS, FEW, 9);
	assert_int_equal(nr_busy(0, CHUNKS, 9), 0);
	ask(70, CHUNKS, FEW, 9);
	assert_int_equal(nr_busy(0, 70, 9), 0);
	assert_int_equal(nr_busy(70, CHUNKS, 9), CHUNKS - 70);
}

/* What was busy stays so until others are, or it is too little. */
static void test_it_is_forgotten(void **state)
{
	(void)state;
	ask(0, 10, 4 * EVEN, UINT32_MAX - 1);
	assert_int_equal(nr_busy(0, 10, UINT32_MAX - 1), 10);
	assert_int_equal(nr_busy(0, 10, 2), 0);
	ask(0, 10, 4 * EVEN, 1);
	ask(20, CHUNKS, 2 * EVEN, 2);
	assert_int_equal(nr_busy(0, 10, 2), 0);
	assert_int_equal(nr_busy(0, 10, 200), 0);
}

static void test_none_while_memory_is_crowded(void **state)
{
	(void)state;
	ask(0, 10, 2 * EVEN, 4);
	busy_crowd(&busy, 4);
	assert_int_equal(nr_busy(0, 10, 4), 0);
	ask(0, 10, 4 * EVEN, 5);
	assert_int_equal(nr_busy(0, 10, 5), 0);
	assert_int_equal(nr_busy(0, 10, 6), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_is_known, setup),
		cmocka_unit_test_setup(test_used_alike_none_is, setup),
		cmocka_unit_test_setup(test_where_work_moves_to, setup),
		cmocka_unit_test_setup(test_all_of_the_chunk_is, setup),
		cmocka_unit_test_setup(test_few_are_chance, setup),
		cmocka_unit_test_setup(test_few_are_enough, setup),
		cmocka_unit_test_setup(test_it_is_forgotten, setup),
		cmocka_unit_test_setup(test_none_while_memory_is_crowded,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
