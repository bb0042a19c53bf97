/* SPDX-License-Identifier: MIT */
/*
 * Engine B with almost no memory left: for how long a fault is held back.
 * What the evictors do is said, and time is told, not waited for.  And engine
 * A with nothing that could leave: how often a server looks for it.
 */
#include "engine/reclaim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/count.h"
#include "base/sys.h"
#include "engine/engine.h"

#define LIMIT	(300 * MIB)
#define LONGEST	(2 * NS_PER_S)	/* longer than any fault is held */

static struct engine e;

static void leave(int64_t bytes)
{
	reclaim_update(&e.reclaim, LIMIT, bytes, 0, 1);
}

static int setup(void **state)
{
	(void)state;
	e.use_move = false;
	atomic_store(&e.stopping, 0);
	atomic_store(&e.reclaim.stuck, 0);
	atomic_store(&e.reclaim.hopeless, 0);
	leave(MIB);
	return 0;
}

static bool held_since(uint64_t ago_ns)
{
	return reclaim_holds(&e, sys_now_ns() - ago_ns);
}

static void test_held_only_when_it_is_needed(void **state)
{
	(void)state;
	assert_true(held_since(0));
	leave(reclaim_reserve(LIMIT) * (int64_t)PAGE_SIZE);
	assert_false(held_since(0));
	leave(MIB);
	e.use_move = true;
	assert_false(held_since(0));
}

static void test_held_while_evictors_have_no_processor(void **state)
{
	(void)state;
	assert_true(held_since(NS_PER_S / 2));
	assert_false(held_since(LONGEST));
}

static void test_one_round_in_vain_lets_nobody_through(void **state)
{
	(void)state;
	atomic_store(&e.reclaim.stuck, 1);
	assert_true(held_since(0));
	atomic_store(&e.reclaim.stuck, 10);
	assert_false(held_since(0));
}

static void test_not_held_when_nothing_leaves(void **state)
{
	(void)state;
	atomic_store(&e.stopping, 1);
	assert_false(held_since(0));
	atomic_store(&e.stopping, 0);
	atomic_store(&e.reclaim.hopeless, 1);
	assert_false(held_since(0));
}

/* A server has given a page; does it look for one that could leave? */
static bool looks(struct helper *h)
{
	const uint64_t before = count_get(UZSWAP_COUNT_direct_reclaims);

	reclaim_owe(h, 0, 1);
	reclaim_direct(h);
	return count_get(UZSWAP_COUNT_direct_reclaims) > before;
}

static void test_no_search_for_each_page_in_vain(void **state)
{
	struct helper h = { .engine = &e, .server = true };
	int n = 0;

	(void)state;
	e.use_move = true;
	atomic_store(&e.reclaim.stuck, 1);
	assert_true(looks(&h));
	for (n = 0; n < 32; n++)
		assert_false(looks(&h));
	while (!looks(&h) && n < 1000)
		n++;
	assert_true(n < 1000);
	/* with room again, what was owed is forgotten */
	leave((int64_t)LIMIT);
	assert_false(looks(&h));
	leave(MIB);
	assert_true(looks(&h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_held_only_when_it_is_needed,
				       setup),
		cmocka_unit_test_setup(
			test_held_while_evictors_have_no_processor, setup),
		cmocka_unit_test_setup(
			test_one_round_in_vain_lets_nobody_through, setup),
		cmocka_unit_test_setup(test_not_held_when_nothing_leaves,
				       setup),
		cmocka_unit_test_setup(test_no_search_for_each_page_in_vain,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
