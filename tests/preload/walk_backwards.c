/* SPDX-License-Identifier: MIT */
/*
 * run.sh: clean=yes
 *
 * A thread walks backwards through more than fits, time and again, and writes
 * here and there.  It reads nothing in order, so each page comes back alone,
 * long after it left; it keeps its packed copy until it leaves again, soon.
 * What was written meanwhile, or freed, must not come back as it was.
 */
#define _GNU_SOURCE
#include "pattern.h"

#define WALKS		3
#define WRITES		5	/* one page in so many */
#define FREES		64

static uint64_t seed[DATA_PAGES];

static void use(char *page, size_t n, uint64_t walk)
{
	uint64_t dice = n + walk;

	verify(page, seed[n]);
	if (dice % FREES == 0) {
		CHECK(!madvise(page, PAGE, MADV_DONTNEED));
		verify_zero(page, 1);
	}
	if (dice % FREES == 0 || dice % WRITES == 0) {
		seed[n] = n + (walk << 32);
		fill(page, seed[n]);
	}
}

int main(void)
{
	char *data = map_data(0);

	for (size_t n = 0; n < DATA_PAGES; n++)
		seed[n] = n;
	for (uint64_t walk = 1; walk <= WALKS; walk++)
		for (size_t n = DATA_PAGES; n--; )
			use(data + n * PAGE, n, walk);
	for (size_t n = DATA_PAGES; n--; )
		verify(data + n * PAGE, seed[n]);
	return 0;
}
