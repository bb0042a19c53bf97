/* SPDX-License-Identifier: MIT */
/*
 * MADV_GUARD_INSTALL on memory that may be stored: what was there is gone, a
 * touch is a SIGSEGV, also of a system call (EFAULT); after
 * MADV_GUARD_REMOVE the pages are zeros.  Neighbours keep their content.
 */
#include <setjmp.h>
#include <signal.h>

#include "pattern.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102	/* Linux 6.13 */
#define MADV_GUARD_REMOVE	103
#endif

#define EVERY	64u	/* one page in so many is a guard */

static sigjmp_buf back;

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

static int faults(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return 1;
	*p = *p;
	return 0;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_fault };
	int pipes[2];
	char *p = map_data(0);

	CHECK(!pipe(pipes));
	CHECK(!sigaction(SIGSEGV, &sa, NULL));
	for (size_t n = 0; n < DATA_PAGES; n += EVERY)
		if (madvise(p + n * PAGE, PAGE, MADV_GUARD_INSTALL))
			SKIP("no guard pages in this kernel");
	for (size_t n = 0; n < DATA_PAGES; n++) {
		if (n % EVERY) {
			verify(p + n * PAGE, n);
			continue;
		}
		CHECK(faults(p + n * PAGE + n % PAGE));
		CHECK(write(pipes[1], p + n * PAGE, 1) == -1);
		CHECK(errno == EFAULT);
	}
	for (size_t n = 0; n < DATA_PAGES; n += EVERY)
		CHECK(!madvise(p + n * PAGE, PAGE, MADV_GUARD_REMOVE));
	for (size_t n = 0; n < DATA_PAGES; n++) {
		if (n % EVERY)
			verify(p + n * PAGE, n);
		else
			CHECK(is_zero(p + n * PAGE));
		fill(p + n * PAGE, n + 1);
	}
	verify_all(p, DATA_PAGES, 1);
	return 0;
}
