/* SPDX-License-Identifier: MIT */
/*
 * One mapping stays one mapping: after a burst of memory use that is over, the
 * whole of a large range can still be moved, shrunk, locked and protected in
 * one call, as the kernel allows for a single mapping only.
 */
#define _GNU_SOURCE
#include "pattern.h"

int main(void)
{
	char *p = map_pages(DATA_PAGES);
	char *burst;
	char *q;

	fill_all(p, DATA_PAGES / 8, 0);
	burst = map_pages(DATA_PAGES);
	fill_all(burst, DATA_PAGES, 9);
	CHECK(!munmap(burst, DATA_LEN));
	verify_all(p, DATA_PAGES / 8, 0);
	sleep(8);	/* with memory to spare, things calm down */
	q = mremap(p, DATA_LEN, 2 * DATA_LEN, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	verify_all(q, DATA_PAGES / 8, 0);
	verify_zero(q + DATA_LEN / 8, DATA_PAGES / 64);
	CHECK(mremap(q, 2 * DATA_LEN, DATA_LEN, 0) == q);
	verify_all(q, DATA_PAGES / 8, 0);
	return 0;
}
