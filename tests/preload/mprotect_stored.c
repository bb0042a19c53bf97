/* SPDX-License-Identifier: MIT */
/*
 * mprotect on stored pages: PROT_NONE and back, PROT_READ and back, through
 * libc and as a raw call.  Content survives; a protected page gives the program
 * its own SIGSEGV, stored or not.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>

#include "pattern.h"

static sigjmp_buf back;
static volatile sig_atomic_t faults;

static void on_fault(int sig)
{
	(void)sig;
	faults++;
	siglongjmp(back, 1);
}

/* Does touching P raise SIGSEGV? */
static int raises(char *p, int write)
{
	if (sigsetjmp(back, 1))
		return 1;
	if (write)
		*(volatile char *)p = *(volatile char *)p;
	else
		(void)*(volatile char *)p;
	return 0;
}

int main(void)
{
	char *p = map_data(0);
	const size_t part = DATA_LEN / 4;

	signal(SIGSEGV, on_fault);
	CHECK(!mprotect(p, part, PROT_NONE));
	CHECK(syscall(SYS_mprotect, p + part, part, PROT_READ) == 0);
	for (size_t n = 0; n < part / PAGE; n += 101) {
		CHECK(raises(p + n * PAGE, 0));
		CHECK(raises(p + part + n * PAGE, 1));
		CHECK(!raises(p + part + n * PAGE, 0));
	}
	verify_all(p + part, 3 * part / PAGE, part / PAGE);
	CHECK(!mprotect(p, part, PROT_READ));
	verify_all(p, DATA_PAGES, 0);
	CHECK(!mprotect(p, 2 * part, PROT_READ | PROT_WRITE));
	for (size_t n = 0; n < DATA_PAGES; n += 2)
		fill(p + n * PAGE, n + 8000000);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, n % 2 ? n : n + 8000000);
	CHECK(faults);
	return 0;
}
