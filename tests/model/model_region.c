/* SPDX-License-Identifier: MIT */
/*
 * The region set against a naive twin: one byte per page, set when the page
 * is known.  Random ranges are added and cut; after each operation a random
 * question, and now and then all of them, must be answered alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "space/region.h"

#define PAGES	600u
#define OPS	30000u
#define P(n)	((uintptr_t)(n) * PAGE_SIZE)

static struct arena arena;
static struct region_set set;
static uint8_t known[PAGES];

static uint32_t roll(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static size_t count(unsigned start, unsigned end)
{
	size_t n = 0;

	for (unsigned i = start; i < end; i++)
		n += known[i];
	return n;
}

static void check_range(unsigned start, unsigned end)
{
	assert_int_equal(region_overlap(&set, P(start), P(end)),
			 P(count(start, end)));
	assert_int_equal(region_has(&set, P(start), P(end)),
			 count(start, end) == end - start);
}

/* Walk both from the first page to the last. */
static void check_all(void)
{
	unsigned at = 0;
	struct region r;

	assert_true(region_is_valid(&set));
	assert_int_equal(set.bytes, P(count(0, PAGES)));
	for (;;) {
		unsigned start = at;
		unsigned end;

		while (start < PAGES && !known[start])
			start++;
		for (end = start; end < PAGES && known[end]; end++)
			;
		if (start == PAGES) {
			assert_false(region_next(&set, P(at), &r));
			return;
		}
		assert_true(region_next(&set, P(at), &r));
		assert_int_equal(r.start, P(start));
		assert_int_equal(r.end, P(end));
		at = end;
	}
}

/* Ranges of up to LONGEST pages. */
static void run(uint32_t seed, uint32_t longest)
{
	uint32_t rand = seed;

	assert_int_equal(arena_start(&arena, 64 * MIB), 0);
	assert_int_equal(region_init(&set, &arena), 0);
	memset(known, 0, sizeof(known));
	for (unsigned i = 0; i < OPS; i++) {
		unsigned start = roll(&rand) % (PAGES - 1);
		unsigned end = start + 1 + roll(&rand) % longest;
		bool add = roll(&rand) % 2;

		if (end > PAGES)
			end = PAGES;
		memset(known + start, add, end - start);
		if (add)
			assert_int_equal(region_add(&set, P(start), P(end)),
					 0);
		else
			region_cut(&set, P(start), P(end));
		start = roll(&rand) % (PAGES - 1);
		end = start + 1 + roll(&rand) % (PAGES - start);
		check_range(start, end);
		if (i % 16 == 0)
			check_all();
	}
	check_all();
}

static void test_short_ranges(void **state)
{
	(void)state;
	run(1, 4);
}

static void test_middling_ranges(void **state)
{
	(void)state;
	run(2, 40);
}

static void test_long_ranges(void **state)
{
	(void)state;
	run(3, PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_ranges),
		cmocka_unit_test(test_middling_ranges),
		cmocka_unit_test(test_long_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
