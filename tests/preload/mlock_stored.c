/* SPDX-License-Identifier: MIT */
/*
 * mlock, mlock2 and mlockall on ranges with stored pages: the calls succeed and
 * what they lock is in memory afterwards (mincore says so), with its content;
 * munlock and munlockall undo it.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "pattern.h"

#define PART	1024

static void all_here(char *p, size_t pages)
{
	unsigned char here[PART];

	CHECK(!mincore(p, pages * PAGE, here));
	for (size_t i = 0; i < pages; i++)
		CHECK(here[i] & 1);
}

int main(void)
{
	struct rlimit most;
	char *p;

	getrlimit(RLIMIT_MEMLOCK, &most);
	if (most.rlim_cur < 3 * PART * PAGE && geteuid())
		SKIP("may not lock as much memory");
	p = map_data(0);
	CHECK(!mlock(p, PART * PAGE));
	all_here(p, PART);
	verify_all(p, DATA_PAGES, 0);
	all_here(p, PART);
	CHECK(!mlock2(p + 2 * PART * PAGE, PART * PAGE, MLOCK_ONFAULT));
	verify_all(p, DATA_PAGES, 0);
	all_here(p + 2 * PART * PAGE, PART);
	CHECK(!munlock(p, 4 * PART * PAGE));
	verify_all(p, DATA_PAGES, 0);
	if (!mlockall(MCL_CURRENT))	/* else it is not allowed */
		for (size_t n = 0; n < DATA_PAGES; n += PART)
			all_here(p + n * PAGE, PART);
	verify_all(p, DATA_PAGES, 0);
	CHECK(!munlockall());
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
