/* SPDX-License-Identifier: MIT */
/*
 * When a server takes out pages itself.  The engine has no memory here: that
 * it looks is seen by the hand, which comes round at once.
 */
#include "engine/near.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/count.h"
#include "engine/engine.h"

#define LIMIT	(300 * MIB)
#define MANY	64	/* pages given: enough for any batch */
#define TOO_MANY 1000	/* to wait for anybody */

static struct engine e;
static struct helper h;

/* ROOM pages up to the target, and evictors asleep or not. */
static void set(int64_t room, unsigned asleep)
{
	reclaim_update(&e.reclaim, LIMIT, (int64_t)LIMIT, 0, 1);
	atomic_store(&e.reclaim.room, room);
	atomic_store(&e.reclaim.asleep, asleep);
}

static int setup(void **state)
{
	(void)state;
	e.use_move = true;
	e.nr_evictors = 1;
	atomic_store(&e.stopping, 0);
	h = (struct helper){ .engine = &e, .server = true };
	set(1, 1);
	return 0;
}

/* Does the server look for pages after NR single ones? */
static bool looks(unsigned nr, bool bound)
{
	const uint64_t before = count_get(UZSWAP_COUNT_sweeps);

	while (nr--)
		near_gave(&h, 1);
	near_take(&h, bound ? 0 : -1);
	return count_get(UZSWAP_COUNT_sweeps) > before;
}

static void test_takes_when_some_were_given(void **state)
{
	(void)state;
	assert_false(looks(0, true));
	assert_false(looks(1, true));
	assert_true(looks(MANY, true));
	for (int n = 0; n < MANY; n++)
		looks(0, true);
	assert_false(looks(0, true));
}

/* A thread waits for each: so a few at a time. */
static void test_takes_a_few_at_a_time(void **state)
{
	(void)state;
	assert_true(looks(MANY, true));
	assert_in_range(h.lone, MANY / 2, MANY - 1);
}

static void test_takes_nothing_while_there_is_room(void **state)
{
	(void)state;
	set(e.reclaim.high, 1);
	assert_false(looks(MANY, true));
	/* nor later, what was given then */
	set(1, 1);
	assert_false(looks(0, true));
}

static void test_waits_a_while_for_evictors_to_sleep(void **state)
{
	(void)state;
	set(1, 0);
	assert_false(looks(MANY / 2, true));
	assert_int_equal(atomic_load(&e.reclaim.pause), 0);
	assert_false(looks(MANY, true));
	assert_int_equal(atomic_load(&e.reclaim.pause), 1);
	set(1, 1);
	assert_true(looks(0, true));
	set(1, 0);
	assert_true(looks(TOO_MANY, true));
}

/* Evictors go on when what was owed has been taken. */
static void test_wakes_whom_it_made_sleep(void **state)
{
	(void)state;
	set(1, 0);
	looks(MANY, true);
	set(1, 1);
	for (int n = 0; n < MANY; n++)
		looks(0, true);
	assert_int_equal(atomic_load(&e.reclaim.pause), 0);
}

static void test_takes_nothing_elsewhere_or_with_engine_b(void **state)
{
	(void)state;
	assert_false(looks(MANY, false));
	e.use_move = false;
	assert_false(looks(MANY, true));
	e.use_move = true;
	atomic_store(&e.stopping, 1);
	assert_false(looks(MANY, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_takes_when_some_were_given, setup),
		cmocka_unit_test_setup(test_takes_a_few_at_a_time, setup),
		cmocka_unit_test_setup(test_wakes_whom_it_made_sleep, setup),
		cmocka_unit_test_setup(test_takes_nothing_while_there_is_room,
				       setup),
		cmocka_unit_test_setup(
			test_waits_a_while_for_evictors_to_sleep, setup),
		cmocka_unit_test_setup(
			test_takes_nothing_elsewhere_or_with_engine_b, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
