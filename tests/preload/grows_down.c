/* SPDX-License-Identifier: MIT */
/*
 * A MAP_GROWSDOWN mapping, as old programs use for stacks: it grows when the
 * page below is touched, is zero there, and keeps its content while the rest
 * of memory comes and goes.
 */
#include "pattern.h"

#define ROOM	(64 * MIB)	/* for it to grow into */
#define START	16u		/* pages to begin with */
#define PAGES	600u		/* and in the end */

int main(void)
{
	char *room = mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			  MAP_NORESERVE, -1, 0);
	char *top = room + ROOM;
	char *p;
	char *q;

	CHECK(room != MAP_FAILED);
	CHECK(!munmap(room, ROOM));
	p = mmap(top - START * PAGE, START * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1,
		 0);
	CHECK(p != MAP_FAILED);
	for (size_t n = 1; n <= PAGES; n++) {
		CHECK(is_zero(top - n * PAGE));
		fill(top - n * PAGE, n);
	}
	q = map_data(0);
	for (size_t n = 1; n <= PAGES; n++)
		verify(top - n * PAGE, n);
	verify_all(q, DATA_PAGES, 0);
	for (size_t n = 1; n <= PAGES; n++)
		verify(top - n * PAGE, n);
	return 0;
}
