/* SPDX-License-Identifier: MIT */
/*
 * Sizes and times as zctl reads and writes them, at the edges of each unit.
 */
#include "tools/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define US	1000ull
#define MS	1000000ull
#define S	1000000000ull

struct row {
	const char *text;
	int err;
	uint64_t value;
};

static void check_size(const struct row *row)
{
	uint64_t n = 77;
	int err = units_parse_size(&n, row->text);

	if (err != row->err || (!err && n != row->value))
		fail_msg("'%s' gives %d, %llu", row->text, err,
			 (unsigned long long)n);
}

static void test_sizes_are_read(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "1K", 0, 1024 },
		{ "1k", 0, 1024 },
		{ "1KiB", 0, 1024 },
		{ "1.5G", 0, 3ull << 29 },
		{ "0.000001M", 0, 1 },
		{ "0.0000009999K", 0, 0 },
		{ "7P", 0, 7ull << 50 },
		{ "7E", 0, 7ull << 60 },
		{ "8E", -ERANGE, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5G", -EINVAL, 0 },
		{ "1GG", -EINVAL, 0 },
		{ "G", -EINVAL, 0 },
		{ "12X", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_size(&rows[i]);
}

static void test_times_are_read(void **state)
{
	uint64_t ms;

	(void)state;
	assert_int_equal(units_parse_time(&ms, "250", MS), 0);
	assert_int_equal(ms, 250);
	assert_int_equal(units_parse_time(&ms, "30s", MS), 0);
	assert_int_equal(ms, 30000);
	assert_int_equal(units_parse_time(&ms, "1h30m", MS), 0);
	assert_int_equal(ms, 5400000);
	assert_int_equal(units_parse_time(&ms, "0.5s", MS), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(units_parse_time(&ms, "1999us", MS), 0);
	assert_int_equal(ms, 1);
	assert_int_equal(units_parse_time(&ms, "", MS), -EINVAL);
	assert_int_equal(units_parse_time(&ms, "-1s", MS), -EINVAL);
	assert_int_equal(units_parse_time(&ms, "1x", MS), -EINVAL);
	assert_int_equal(units_parse_time(&ms, "1s2", MS), -EINVAL);
	assert_int_equal(units_parse_time(&ms, "9999999999h", MS), -ERANGE);
}

static void check_written(uint64_t bytes, const char *want)
{
	char buf[UNITS_BUF];

	assert_string_equal(units_size(buf, sizeof(buf), bytes, false), want);
}

static void test_sizes_are_written_with_four_digits_at_most(void **state)
{
	char buf[UNITS_BUF];

	(void)state;
	check_written(0, "0B");
	check_written(1023, "1023B");
	check_written(1024, "1.0K");
	check_written(1023 * 1024, "1023.0K");
	check_written(1024 * 1024 - 52, "1023.9K");
	check_written(1024 * 1024 - 51, "1.0M");
	check_written(3ull << 29, "1.5G");
	check_written(UINT64_MAX, "16.0E");
	assert_string_equal(units_size(buf, sizeof(buf), 3 << 20, true),
			    "3145728");
	assert_string_equal(units_signed_size(buf, sizeof(buf), -1536, false),
			    "-1.5K");
	assert_string_equal(units_signed_size(buf, sizeof(buf), INT64_MIN,
					      false), "-8.0E");
	assert_string_equal(units_size(buf, 3, 1 << 30, false), "1.");
}

static void test_latencies_and_durations_carry_their_unit(void **state)
{
	char buf[UNITS_BUF];

	(void)state;
	assert_string_equal(units_latency(buf, sizeof(buf), 0.25), "0.2us");
	assert_string_equal(units_latency(buf, sizeof(buf), 9.5), "9.5us");
	assert_string_equal(units_latency(buf, sizeof(buf), 38), "38us");
	assert_string_equal(units_latency(buf, sizeof(buf), 999.6), "1.0ms");
	assert_string_equal(units_latency(buf, sizeof(buf), 2.1e6), "2.1s");
	assert_string_equal(units_duration(buf, sizeof(buf), 999 * US),
			    "0ms");
	assert_string_equal(units_duration(buf, sizeof(buf), 250 * MS),
			    "250ms");
	assert_string_equal(units_duration(buf, sizeof(buf), 1500 * MS),
			    "1.5s");
	assert_string_equal(units_duration(buf, sizeof(buf), 30 * S), "30s");
	assert_string_equal(units_duration(buf, sizeof(buf), 94 * S),
			    "1m34s");
	assert_string_equal(units_duration(buf, sizeof(buf), 8040 * S),
			    "2h14m");
	assert_string_equal(units_duration(buf, sizeof(buf), 273600 * S),
			    "3d4h");
}

static void test_words_for_yes_and_no(void **state)
{
	bool yes;

	(void)state;
	assert_int_equal(units_parse_bool(&yes, "on"), 0);
	assert_true(yes);
	assert_int_equal(units_parse_bool(&yes, "No"), 0);
	assert_false(yes);
	assert_int_equal(units_parse_bool(&yes, "2"), -EINVAL);
	assert_int_equal(units_parse_bool(&yes, ""), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_are_read),
		cmocka_unit_test(test_times_are_read),
		cmocka_unit_test(
			test_sizes_are_written_with_four_digits_at_most),
		cmocka_unit_test(
			test_latencies_and_durations_carry_their_unit),
		cmocka_unit_test(test_words_for_yes_and_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
