/* SPDX-License-Identifier: MIT */
/*
 * How fast ageing goes: what is counted stands for what happens, and time is
 * told, not waited for.
 */
#include "engine/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/count.h"

#define MANAGED		GIB
#define STALL_MS	10

static struct pace p;
static uint64_t now_ns;

static int setup(void **state)
{
	(void)state;
	p = (struct pace){ .stall_seen_ns = count_get(UZSWAP_COUNT_fault_ns) };
	now_ns = 100 * NS_PER_S;
	p.aged_seen = count_get(UZSWAP_COUNT_aged);
	p.restored_seen = count_get(UZSWAP_COUNT_faults_stored);
	pace_init(&p);
	pace_set(&p, STALL_MS, 0);
	return 0;
}

static bool a_second(uint64_t harm_ns)
{
	count_add(UZSWAP_COUNT_fault_ns, harm_ns);
	now_ns += NS_PER_S;
	return pace_tick(&p, MANAGED, now_ns);
}

static void test_rate_grows_while_no_harm_is_done(void **state)
{
	uint64_t rate;

	(void)state;
	assert_true(a_second(0));
	assert_int_equal(p.rate, MANAGED / 64);
	assert_int_equal(p.budget, p.rate);
	rate = p.rate;
	assert_true(a_second(0));
	assert_int_equal(p.rate, rate + rate / 2);
	for (int i = 0; i < 20; i++)
		a_second(0);
	assert_int_equal(p.rate, MANAGED / 8);
}

static void test_harm_halves_it_and_is_forgotten(void **state)
{
	const uint64_t was = count_get(UZSWAP_COUNT_backoffs);
	uint64_t rate;

	(void)state;
	a_second(0);
	rate = p.rate;
	assert_false(pace_is_harmful(&p));
	assert_false(a_second(11 * NS_PER_MS));
	assert_int_equal(p.rate, rate / 2);
	assert_true(pace_is_harmful(&p));
	assert_true(p.backoff.is_on);
	assert_int_equal(p.backoff.since_ns, now_ns);
	assert_int_equal(p.backoff.stall_ns, 11 * NS_PER_MS);
	for (unsigned i = 1; i < PACE_SECONDS; i++)
		assert_false(a_second(0));
	assert_true(a_second(0));
	assert_false(p.backoff.is_on);
	/* one time, however long */
	assert_int_equal(count_get(UZSWAP_COUNT_backoffs), was + 1);
	assert_false(a_second(11 * NS_PER_MS));
	assert_int_equal(count_get(UZSWAP_COUNT_backoffs), was + 2);
	pace_rest(&p);
	assert_false(p.backoff.is_on);
}

static void test_what_comes_back_teaches_patience(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PACE_SECONDS; i++) {
		assert_int_equal(p.patience, 1);
		count_add(UZSWAP_COUNT_aged, 800);
		count_add(UZSWAP_COUNT_faults_stored, 200);
		a_second(0);
	}
	assert_int_equal(p.patience, 2);
	for (unsigned i = 0; i < PACE_SECONDS; i++) {
		count_add(UZSWAP_COUNT_aged, 800);
		a_second(0);
	}
	assert_int_equal(p.patience, 1);
}

static void test_share_of_a_cpu_bounds_what_is_stored(void **state)
{
	(void)state;
	/* all that was ever stored took 10 us a page: so will the next */
	count_add(UZSWAP_COUNT_aged, 100000);
	count_add(UZSWAP_COUNT_aged_cpu_ns,
		  count_get(UZSWAP_COUNT_aged) * 10 * NS_PER_US -
		  count_get(UZSWAP_COUNT_aged_cpu_ns));
	p.aged_seen = count_get(UZSWAP_COUNT_aged);
	pace_set(&p, STALL_MS, 1);
	a_second(0);
	/* 10 ms: a thousand pages, but for rounding */
	assert_in_range(p.budget, 999 * PAGE_SIZE, 1000 * PAGE_SIZE);
	/* more than there was: it is missing later */
	p.budget = -(int64_t)(300 * PAGE_SIZE);
	a_second(0);
	assert_in_range(p.budget, 699 * PAGE_SIZE, 700 * PAGE_SIZE);
	pace_set(&p, STALL_MS, 0);
	a_second(0);
	assert_int_equal(p.budget, p.rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rate_grows_while_no_harm_is_done,
				       setup),
		cmocka_unit_test_setup(test_harm_halves_it_and_is_forgotten,
				       setup),
		cmocka_unit_test_setup(test_what_comes_back_teaches_patience,
				       setup),
		cmocka_unit_test_setup(
			test_share_of_a_cpu_bounds_what_is_stored, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
