/* SPDX-License-Identifier: MIT */
/*
 * Numbers and text: what parses, what does not and why, and that formatters
 * never write past their buffer.
 */
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	int err;
	uint64_t value;
};

static void check_rows(const struct row *rows, size_t nr,
		       int (*parse)(uint64_t *out, const char *s))
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t n = 77;
		int err = parse(&n, rows[i].text);

		if (err != rows[i].err || n != rows[i].value)
			fail_msg("'%s' gives %d, %llu", rows[i].text, err,
				 (unsigned long long)n);
	}
}

static void test_whole_numbers(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "00012", 0, 12 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999999X", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-", -EINVAL, 0 },
		{ "12X", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), text_parse_u64);
}

static void test_sizes(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "4096B", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "4k", 0, 4096 },
		{ "4KB", 0, 4096 },
		{ "4KiB", 0, 4096 },
		{ "4Ki", 0, 4096 },
		{ "64M", 0, 64 * MIB },
		{ "1.5G", 0, 3 * GIB / 2 },
		{ "0.25g", 0, GIB / 4 },
		{ "0.3333333333333333333K", 0, 341 },
		{ "999999T", 0, (uint64_t)999999 << 40 },
		{ "16777215T", 0, (uint64_t)16777215 << 40 },
		{ "16777216T", -ERANGE, 0 },
		{ "99999999999999999999T", -ERANGE, 0 },
		{ "99999999999999999999Q", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "12X", -EINVAL, 0 },
		{ "12KK", -EINVAL, 0 },
		{ "12K ", -EINVAL, 0 },
		{ "12iB", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.G", -EINVAL, 0 },
		{ ".5G", -EINVAL, 0 },
		{ "1..5G", -EINVAL, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-1G", -ERANGE, 0 },
		{ "-G", -EINVAL, 0 },
		{ "1e9", -EINVAL, 0 },
		{ "25%", -EINVAL, 0 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), text_parse_size);
}

static void test_times(void **state)
{
	static const struct row rows[] = {
		{ "250", 0, 250 },
		{ "250ms", 0, 250 },
		{ "30s", 0, 30000 },
		{ "1.5s", 0, 1500 },
		{ "2m", 0, 120000 },
		{ "1h", 0, 3600000 },
		{ "1.5ms", -EINVAL, 0 },
		{ "30S", -EINVAL, 0 },
		{ "1d", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -ERANGE, 0 },
		{ "18446744073709551615h", -ERANGE, 0 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), text_parse_ms);
}

static void test_percentages(void **state)
{
	static const struct row rows[] = {
		{ "25", 0, 25 },
		{ "25%", 0, 25 },
		{ "1000%", 0, 1000 },
		{ "25%%", -EINVAL, 0 },
		{ "%", -EINVAL, 0 },
		{ "2.5%", -EINVAL, 0 },
		{ "-3%", -ERANGE, 0 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows), text_parse_percent);
}

static void test_booleans(void **state)
{
	static const char *const yes[] = { "1", "yes", "TRUE", "On" };
	static const char *const no[] = { "0", "no", "False", "off" };
	static const char *const bad[] = { "", "2", "y", "onn", "tru", " 1" };
	bool b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		assert_int_equal(text_parse_bool(&b, yes[i]), 0);
		assert_true(b);
		assert_int_equal(text_parse_bool(&b, no[i]), 0);
		assert_false(b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(text_parse_bool(&b, bad[i]), -EINVAL);
}

static void check_size(uint64_t n, const char *rounded, const char *exact)
{
	char buf[TEXT_NUM];
	uint64_t back;

	assert_string_equal(text_size(buf, sizeof(buf), n), rounded);
	assert_string_equal(text_size_exact(buf, sizeof(buf), n), exact);
	assert_int_equal(text_parse_size(&back, buf), 0);
	assert_true(back == n);
}

static void test_formatted_sizes(void **state)
{
	(void)state;
	check_size(0, "0", "0");
	check_size(512, "512", "512");
	check_size(1023, "1023", "1023");
	check_size(1024, "1.0K", "1K");
	check_size(1536, "1.5K", "1536");
	check_size(1024 * 1024 - 1, "1.0M", "1048575");
	check_size(1023 * 1024 + 900, "1023.9K", "1048452");
	check_size(64 * MIB, "64.0M", "64M");
	check_size(3 * GIB / 2, "1.5G", "1536M");
	check_size((uint64_t)5 << 50, "5.0P", "5120T");
	check_size(UINT64_MAX, "16.0E", "18446744073709551615");
}

static void test_formatted_numbers(void **state)
{
	char buf[TEXT_NUM];

	(void)state;
	assert_string_equal(text_u64(buf, sizeof(buf), 0), "0");
	assert_string_equal(text_u64(buf, sizeof(buf), UINT64_MAX),
			    "18446744073709551615");
	assert_string_equal(text_hex(buf, sizeof(buf), 0xdeadbeef), "deadbeef");
	assert_string_equal(text_ms(buf, sizeof(buf), 0), "0ms");
	assert_string_equal(text_ms(buf, sizeof(buf), 250), "250ms");
	assert_string_equal(text_ms(buf, sizeof(buf), 30000), "30s");
	assert_string_equal(text_ms(buf, sizeof(buf), 120000), "2m");
	assert_string_equal(text_ms(buf, sizeof(buf), 7200000), "2h");
	assert_string_equal(text_errno(buf, sizeof(buf), EPERM), "EPERM");
	assert_string_equal(text_errno(buf, sizeof(buf), -ENAMETOOLONG),
			    "ENAMETOOLONG");
	assert_string_equal(text_errno(buf, sizeof(buf), -4000), "4000");
	assert_string_equal(text_errno(buf, sizeof(buf), INT_MIN),
			    "2147483648");
}

static void test_formatters_stay_in_their_buffer(void **state)
{
	char buf[8];

	(void)state;
	for (size_t len = 0; len < sizeof(buf); len++) {
		memset(buf, '#', sizeof(buf));
		text_u64(buf, len, UINT64_MAX);
		text_size(buf, len, UINT64_MAX / 3);
		text_size_exact(buf, len, UINT64_MAX);
		text_ms(buf, len, UINT64_MAX);
		text_errno(buf, len, EOPNOTSUPP);
		text_copy(buf, len, "longer than that");
		for (size_t i = len; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
		if (len)
			assert_true(memchr(buf, '\0', len) != NULL);
	}
}

static void test_append_fills_and_stops(void **state)
{
	char buf[8];
	char *end = buf;

	(void)state;
	buf[0] = '\0';
	text_append(&end, buf + sizeof(buf), "abc");
	assert_string_equal(buf, "abc");
	assert_ptr_equal(end, buf + 3);
	text_append(&end, buf + sizeof(buf), "defghi");
	assert_string_equal(buf, "abcdefg");
	text_append(&end, buf + sizeof(buf), "x");
	assert_string_equal(buf, "abcdefg");
	assert_ptr_equal(end, buf + 7);
}

static void test_take_numbers(void **state)
{
	const char *p = "7f00-ffffffffffffffff 1ffffffffffffffff 12 99999999999999999999x";

	(void)state;
	assert_int_equal(text_take_hex(&p), 0x7f00);
	assert_int_equal(*p++, '-');
	assert_true(text_take_hex(&p) == UINT64_MAX);
	p++;
	assert_true(text_take_hex(&p) == UINT64_MAX);
	p++;
	assert_int_equal(text_take_u64(&p), 12);
	p++;
	assert_true(text_take_u64(&p) == UINT64_MAX);
	assert_int_equal(text_take_u64(&p), 0);
	assert_string_equal(p, "x");
}

static void test_find_and_compare(void **state)
{
	const char *hay = "aab abc";

	(void)state;
	assert_ptr_equal(text_find(hay, "abc"), hay + 4);
	assert_ptr_equal(text_find(hay, ""), hay);
	assert_null(text_find(hay, "abcd"));
	assert_null(text_find("", "a"));
	assert_true(text_equal("a", "a"));
	assert_false(text_equal("a", "A"));
	assert_true(text_equal_nocase("aB", "Ab"));
	assert_false(text_equal_nocase("aB", "AbC"));
	assert_true(text_starts("UZSWAP_X", "UZSWAP_"));
	assert_false(text_starts("UZ", "UZSWAP_"));
}

static bool glob(const char *pattern, const char *s)
{
	return text_glob(pattern, strlen(pattern), s);
}

static void test_globs(void **state)
{
	(void)state;
	assert_true(glob("", ""));
	assert_false(glob("", "a"));
	assert_true(glob("*", ""));
	assert_true(glob("**", "abc"));
	assert_true(glob("java", "java"));
	assert_false(glob("java", "javac"));
	assert_true(glob("java*", "javac"));
	assert_true(glob("*python3.??", "python3.11"));
	assert_false(glob("?", ""));
	assert_true(glob("a*b*c", "aXbXbXc"));
	assert_false(glob("a*b*c", "aXbXbX"));
	assert_true(glob("*aab", "aaaab"));
	/* only LEN bytes of the pattern count */
	assert_true(text_glob("redis*,java", 6, "redis-server"));
	/* exponential for a matcher that recurses at every star */
	assert_false(glob("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
			  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void test_times_of_day(void **state)
{
	char buf[TEXT_NUM];

	(void)state;
	assert_string_equal(text_time(buf, sizeof(buf), 0),
			    "1970-01-01T00:00:00Z");
	assert_string_equal(text_time(buf, sizeof(buf), 951782399),
			    "2000-02-28T23:59:59Z");
	assert_string_equal(text_time(buf, sizeof(buf), 951782400),
			    "2000-02-29T00:00:00Z");
	assert_string_equal(text_time(buf, sizeof(buf), 1709251199),
			    "2024-02-29T23:59:59Z");
	assert_string_equal(text_time(buf, sizeof(buf), 1709251200),
			    "2024-03-01T00:00:00Z");
	assert_string_equal(text_time(buf, sizeof(buf), 4107542399),
			    "2100-02-28T23:59:59Z");
	assert_string_equal(text_time(buf, sizeof(buf), 4107542400),
			    "2100-03-01T00:00:00Z");
	assert_string_equal(text_time(buf, 5, 0), "1970");
	assert_string_equal(text_time(buf, 8, 0), "1970-01");
}

static void test_distance_counts_single_edits(void **state)
{
	char long_a[200];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("limit", "limit"), 0);
	assert_int_equal(text_distance("limt", "limit"), 1);
	assert_int_equal(text_distance("limit", "lomitt"), 2);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	memset(long_a, 'a', sizeof(long_a) - 1);
	long_a[sizeof(long_a) - 1] = '\0';
	assert_int_equal(text_distance(long_a, "b"), 47);
	assert_int_equal(text_distance(long_a, long_a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_numbers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_percentages),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_formatted_sizes),
		cmocka_unit_test(test_formatted_numbers),
		cmocka_unit_test(test_formatters_stay_in_their_buffer),
		cmocka_unit_test(test_append_fills_and_stops),
		cmocka_unit_test(test_take_numbers),
		cmocka_unit_test(test_find_and_compare),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_times_of_day),
		cmocka_unit_test(test_distance_counts_single_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
