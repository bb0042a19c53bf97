/* SPDX-License-Identifier: MIT */
/*
 * The sum sees damage: any bit, any two bits that are the same of their words,
 * the length, the order; in those of its bits that the pool keeps, too.
 */
#include "store/sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEN	4096u

static unsigned char bytes[LEN];

static void fill(void)
{
	uint64_t r = 88172645463325252u;

	for (size_t i = 0; i < LEN; i++) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		bytes[i] = (unsigned char)(r >> 32);
	}
}

static void test_any_changed_bit_is_seen(void **state)
{
	uint64_t whole;

	(void)state;
	fill();
	for (size_t len = 1; len <= LEN; len += len < 100 ? 1 : 999) {
		whole = sum_bytes(bytes, len, 1);
		for (size_t i = 0; i < len * 8; i++) {
			bytes[i / 8] ^= (unsigned char)(1 << i % 8);
			assert_int_not_equal((uint32_t)whole,
				(uint32_t)sum_bytes(bytes, len, 1));
			bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		}
		assert_int_equal(whole, sum_bytes(bytes, len, 1));
	}
}

/* As bytes of a dictionary are, which come up at several places of a page. */
static void test_two_bits_do_not_cancel_each_other(void **state)
{
	unsigned long nr = 0;
	unsigned long nr_13 = 0;
	uint64_t whole;

	(void)state;
	fill();
	whole = sum_bytes(bytes, LEN, 0);
	for (size_t i = 0; i < LEN; i += 5) {
		unsigned char bit = (unsigned char)(1 << i / 5 % 8);

		for (size_t j = i + 8; j < LEN; j += 24) {
			uint64_t sum;

			bytes[i] ^= bit;
			bytes[j] ^= bit;
			sum = sum_bytes(bytes, LEN, 0);
			assert_int_not_equal((uint32_t)sum, (uint32_t)whole);
			nr_13 += sum >> 51 == whole >> 51;
			nr++;
			bytes[i] ^= bit;
			bytes[j] ^= bit;
		}
	}
	/* by chance one in 8192 */
	assert_in_range(nr_13, 1, nr / 4096);
}

static void test_length_order_and_seed_count(void **state)
{
	static const unsigned char zeros[64];
	uint64_t whole;

	(void)state;
	for (size_t len = 1; len < sizeof(zeros); len++)
		assert_int_not_equal(sum_bytes(zeros, len, 0),
				     sum_bytes(zeros, len + 1, 0));
	fill();
	whole = sum_bytes(bytes, LEN, 0);
	assert_int_not_equal(whole, sum_bytes(bytes, LEN, 1));
	for (size_t i = 0; i + 72 < LEN; i += 8) {
		uint64_t a;
		uint64_t b;

		memcpy(&a, bytes + i, 8);
		memcpy(&b, bytes + i + 64, 8);
		memcpy(bytes + i, &b, 8);
		memcpy(bytes + i + 64, &a, 8);
		assert_int_not_equal((uint32_t)whole,
				     (uint32_t)sum_bytes(bytes, LEN, 0));
		memcpy(bytes + i, &a, 8);
		memcpy(bytes + i + 64, &b, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_changed_bit_is_seen),
		cmocka_unit_test(test_two_bits_do_not_cancel_each_other),
		cmocka_unit_test(test_length_order_and_seed_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
