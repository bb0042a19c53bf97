/* SPDX-License-Identifier: MIT */
/*
 * mremap of stored ranges: grow in place or by moving, shrink, move to a fixed
 * place over other stored pages, and move while the old place stays mapped
 * (DONTUNMAP).  The content goes with the pages, what is new reads as zeros.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "pattern.h"

#define LEN	(DATA_LEN / 2)
#define PAGES	(DATA_PAGES / 2)

static char *moved(void *p)
{
	CHECK(p != MAP_FAILED);
	return p;
}

int main(void)
{
	char *a = map_pages(PAGES);
	char *wall = map_pages(1);
	char *b = map_pages(PAGES);
	char *c;

	fill_all(a, PAGES, 1000000);
	fill_all(b, PAGES, 2000000);
	(void)wall;

	/* grow: it has to move, as B or the wall is in the way */
	a = moved(mremap(a, LEN, LEN + 64 * PAGE, MREMAP_MAYMOVE));
	verify_all(a, PAGES, 1000000);
	verify_zero(a + LEN, 64);

	/* shrink: the end goes, and comes back as zeros */
	fill_all(a + LEN, 64, 5);
	CHECK(mremap(a, LEN + 64 * PAGE, LEN - 32 * PAGE, 0) == a);
	a = moved(mremap(a, LEN - 32 * PAGE, LEN, MREMAP_MAYMOVE));
	verify_zero(a + LEN - 32 * PAGE, 32);
	verify_all(a, PAGES - 32, 1000000);

	/* a part of B over the front of A */
	c = moved(mremap(b + LEN / 2, LEN / 4, LEN / 4,
			 MREMAP_MAYMOVE | MREMAP_FIXED, a));
	CHECK(c == a);
	verify_all(a, PAGES / 4, 2000000 + PAGES / 2);
	verify_all(a + LEN / 4, PAGES / 2, 1000000 + PAGES / 4);
	verify_all(b, PAGES / 2, 2000000);
	verify_all(b + LEN / 4 * 3, PAGES / 4, 2000000 + PAGES / 4 * 3);

	/* the old place stays, empty */
	c = (char *)syscall(SYS_mremap, b, LEN / 2, LEN / 2,
			    MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	moved(c);
	verify_all(c, PAGES / 2, 2000000);
	verify_zero(b, PAGES / 2);
	fill_all(b, PAGES / 2, 3000000);
	verify_all(c, PAGES / 2, 2000000);
	verify_all(b, PAGES / 2, 3000000);
	return 0;
}
