/* SPDX-License-Identifier: MIT */
/* How much is cold, when not every watched page was looked at in time. */
#include "tools/profile_cold.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COLD_MS	10000u

#define assert_near(a, b)	assert_true(fabs((a) - (b)) < 1e-9)

/* Seen in use so long ago; never taken out if it was never USED. */
static struct profile_point in(bool used, uint64_t ago_ms)
{
	return (struct profile_point){
		.state = UZSWAP_POINT_USED, .slack_ms = ago_ms, .uses = used,
	};
}

/* Out for IDLE_MS; in use SLACK_MS before that, or never: 0. */
static struct profile_point out(uint64_t idle_ms, uint64_t slack_ms)
{
	return (struct profile_point){
		.state = UZSWAP_POINT_OUT, .idle_ms = idle_ms,
		.slack_ms = slack_ms, .uses = slack_ms > 0,
	};
}

static double chance(struct profile_point pt)
{
	return profile_cold_chance(&pt, COLD_MS);
}

static void add(struct profile_cold *c, unsigned nr, struct profile_point pt)
{
	while (nr--)
		profile_cold_add(c, &pt, COLD_MS, 1);
}

static void test_chance(void **state)
{
	(void)state;
	assert_near(chance(out(10000, 0)), 1);
	assert_near(chance(out(9999, 0)), 0);
	assert_near(chance(out(6000, 4000)), 0);
	assert_near(chance(out(6000, 16000)), 0.75);
	assert_near(chance(out(20, 9000)), 0);
	assert_near(chance(out(20, 43000)), -1);
	assert_near(chance(out(10000, 8000)), 1);
	assert_near(chance(in(true, 9999)), 0);
	assert_near(chance(in(true, 10000)), -1);
	assert_near(chance(in(false, 20000)), -1);
	/* there for a moment only */
	assert_near(chance(in(false, 500)), 0);
	assert_near(chance((struct profile_point){
				.state = UZSWAP_POINT_STUCK,
				.slack_ms = 20000 }), 0);
}

/* Those never looked at are like those that were. */
static void test_fresh(void **state)
{
	struct profile_cold c = { 0 };

	(void)state;
	add(&c, 30, out(20000, 0));
	add(&c, 10, in(true, 1000));
	add(&c, 60, in(false, 20000));
	assert_near(profile_cold_sum(&c), 75);
}

/* What is always used is looked at less often, and is not left out for it. */
static void test_seldom_looked_at(void **state)
{
	struct profile_cold c = { 0 };

	(void)state;
	add(&c, 50, out(20000, 0));
	add(&c, 10, in(true, 1000));
	add(&c, 40, in(true, 15000));
	assert_near(profile_cold_sum(&c), 50);
}

/* Not in use any more: those that were looked at again tell of the others. */
static void test_went_cold(void **state)
{
	struct profile_cold c = { 0 };

	(void)state;
	add(&c, 15, out(12000, 9000));
	add(&c, 5, in(true, 1000));
	add(&c, 80, in(true, 15000));
	assert_near(profile_cold_sum(&c), 75);
}

static void test_nobody_looked(void **state)
{
	struct profile_cold c = { 0 };

	(void)state;
	assert_near(profile_cold_sum(&c), 0);
	assert_near(profile_cold_error(&c), 0);
	add(&c, 8, in(false, 20000));
	assert_near(profile_cold_sum(&c), 0);
	/* it may as well be all */
	assert_true(profile_cold_error(&c) > 8 * 0.25);
	/* in use when last seen */
	add(&c, 8, in(true, 20000));
	assert_near(profile_cold_sum(&c), 0);
}

/* Four times as many pages, half of the error; one alone says little. */
static void test_error(void **state)
{
	struct profile_cold few = { 0 };
	struct profile_cold many = { 0 };
	struct profile_cold one = { 0 };

	(void)state;
	add(&few, 49, out(20000, 0));
	add(&few, 49, in(true, 1000));
	add(&many, 199, out(20000, 0));
	add(&many, 199, in(true, 1000));
	assert_near(profile_cold_error(&few) / 98, 0.05);
	assert_near(profile_cold_error(&many) / 398, 0.025);
	add(&one, 1, out(20000, 0));
	assert_near(profile_cold_sum(&one), 1);
	assert_true(profile_cold_error(&one) > 0.25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_seldom_looked_at),
		cmocka_unit_test(test_went_cold),
		cmocka_unit_test(test_nobody_looked),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
