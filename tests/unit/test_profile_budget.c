/* SPDX-License-Identifier: MIT */
/* What a profile may cost: of the program, and of our own thread. */
#include "watch/profile_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS	((int64_t)NS_PER_MS)

static uint64_t grant(struct profile_budget *b, int64_t passed, int64_t used,
		      int64_t took)
{
	return profile_budget_grant(b, (uint64_t)(passed * MS),
				    (uint64_t)(used * MS),
				    (uint64_t)(took * MS), 1);
}

static void test_share_of_program(void **state)
{
	struct profile_budget b = { 0 };

	(void)state;
	assert_int_equal(grant(&b, 1000, 600, 0), 6 * MS);
	assert_int_equal(b.program_ns, 6 * MS);
	assert_int_equal(b.own_ns, 10 * MS);
	/* four threads: one CPU */
	grant(&b, 1000, 4000, 0);
	assert_int_equal(b.program_ns, 16 * MS);
	assert_int_equal(b.own_ns, 20 * MS);
}

static void test_sleeper(void **state)
{
	struct profile_budget b = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++)
		grant(&b, 100, 0, 0);
	assert_int_equal(b.program_ns, 5 * MS / 2);
	assert_int_equal(b.own_ns, 10 * MS);
	/* not saved up for ever */
	for (int i = 0; i < 100; i++)
		grant(&b, 10000, 0, 0);
	assert_int_equal(b.program_ns, 200 * MS);
	assert_int_equal(b.own_ns, 200 * MS);
}

static void test_call_stacks(void **state)
{
	struct profile_budget b = { 0 };

	(void)state;
	assert_int_equal(grant(&b, 1000, 1000, 3), 10 * MS);
	assert_int_equal(b.program_ns, 7 * MS);
	grant(&b, 1000, 1000, 900);
	assert_int_equal(b.program_ns, 12 * MS);
	assert_int_equal(b.own_ns, 20 * MS);
}

static void test_used_up(void **state)
{
	struct profile_budget b = { 0 };

	(void)state;
	assert_true(profile_budget_allows(&b));
	b.program_ns = -1;
	assert_false(profile_budget_allows(&b));
	b = (struct profile_budget){ .own_ns = -1 };
	assert_false(profile_budget_allows(&b));
}

static void test_lent(void **state)
{
	struct profile_budget b = { 0 };

	(void)state;
	assert_true(profile_budget_lends(&b, 1000));
	b.program_ns = -1;
	assert_true(profile_budget_lends(&b, 1));
	assert_false(profile_budget_lends(&b, 1000));
	b.own_ns = -1;
	assert_true(profile_budget_lends(&b, 1));
	b.own_ns = -1000 * MS;
	assert_false(profile_budget_lends(&b, 1));
	b = (struct profile_budget){ .program_ns = -1000 * MS };
	assert_false(profile_budget_lends(&b, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share_of_program),
		cmocka_unit_test(test_sleeper),
		cmocka_unit_test(test_call_stacks),
		cmocka_unit_test(test_used_up),
		cmocka_unit_test(test_lent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
