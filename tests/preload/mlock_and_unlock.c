/* SPDX-License-Identifier: MIT */
/*
 * Memory that was locked for a moment, a page here and a page there as
 * libraries for secrets do, or all of it by mlockall, is like any other
 * afterwards: it can be stored again.  All the data lies in memory that was
 * locked once, so nothing would be, were that remembered for ever.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "pattern.h"

static void lock_here_and_there(char *p)
{
	for (size_t n = 0; n < DATA_PAGES; n += 16) {
		if (n % 3)
			CHECK(!mlock(p + n * PAGE, 100));
		else
			CHECK(!syscall(SYS_mlock, p + n * PAGE, 100));
	}
	for (size_t n = 0; n < DATA_PAGES; n += 16)
		CHECK(!munlock(p + n * PAGE, PAGE));
}

int main(void)
{
	char *p = map_pages(DATA_PAGES);

	if (mlock(p, PAGE))
		SKIP("memory cannot be locked by this user");
	CHECK(!munlock(p, PAGE));
	CHECK(!mlockall(MCL_CURRENT));
	fill_all(p, 64, 0);
	CHECK(!munlockall());
	CHECK(!mlockall(MCL_FUTURE));
	CHECK(!munlockall());
	lock_here_and_there(p);
	fill_all(p, DATA_PAGES, 0);
	verify_all(p, DATA_PAGES, 0);
	lock_here_and_there(p);
	verify_all(p, DATA_PAGES, 0);
	wait_until_some_left(p, DATA_PAGES);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
