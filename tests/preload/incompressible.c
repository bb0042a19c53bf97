/* SPDX-License-Identifier: MIT */
/*
 * Data that does not compress at all, twice the limit: it cannot be kept, and
 * must be right all the same.
 *
 * run.sh: evicts=no
 */
#define _GNU_SOURCE
#include "pattern.h"

static void fill_random(uint64_t *w, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (size_t i = 0; i < WORDS; i++)
		w[i] = next_random(&state);
}

static void verify_random(const uint64_t *w, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (size_t i = 0; i < WORDS; i++)
		CHECK(w[i] == next_random(&state));
}

int main(void)
{
	char *p = map_pages(DATA_PAGES);

	for (int round = 0; round < 3; round++) {
		for (size_t n = 0; n < DATA_PAGES; n++)
			fill_random((void *)(p + n * PAGE), n + 1);
		for (size_t n = 0; n < DATA_PAGES; n++)
			verify_random((void *)(p + n * PAGE), n + 1);
	}
	/* what compresses now must be noticed, refused or not before */
	fill_all(p, DATA_PAGES, 0);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
