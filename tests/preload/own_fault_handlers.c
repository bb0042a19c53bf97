/* SPDX-License-Identifier: MIT */
/*
 * A program's own SIGSEGV and SIGBUS handlers get its own faults and nothing
 * else: a null pointer, a read-only page, the end of a file; no fault of ours
 * ever shows up there.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

#include "pattern.h"

static sigjmp_buf back;
static volatile sig_atomic_t signo, code;
static void *volatile where;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signo = sig;
	code = info->si_code;
	where = info->si_addr;
	siglongjmp(back, 1);
}

static void expect(int sig, int want_code, char *p, int write)
{
	signo = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*(volatile char *)p = 1;
		else
			(void)*(volatile char *)p;
	}
	CHECK(signo == sig && where == p);
	CHECK(code == want_code);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
				.sa_flags = SA_SIGINFO };
	FILE *f = tmpfile();
	char *p;
	char *q;

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	CHECK(f && !ftruncate(fileno(f), (off_t)PAGE));
	q = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fileno(f), 0);
	CHECK(q != MAP_FAILED);
	p = map_data(0);
	CHECK(!mprotect(p + 99 * PAGE, PAGE, PROT_READ));
	CHECK(!munmap(p + 200 * PAGE, PAGE));
	for (int i = 0; i < 100; i++) {
		expect(SIGSEGV, SEGV_MAPERR, NULL, 0);
		expect(SIGSEGV, SEGV_ACCERR, p + 99 * PAGE, 1);
		expect(SIGSEGV, SEGV_MAPERR, p + 200 * PAGE, 0);
		expect(SIGBUS, BUS_ADRERR, q + PAGE, 0);
		verify_all(p + (size_t)i * 256 * PAGE + 300 * PAGE, 64,
			   (size_t)i * 256 + 300);
	}
	signo = 0;
	verify_all(p, 200, 0);
	verify_all(p + 201 * PAGE, DATA_PAGES - 201, 201);
	CHECK(!signo);
	return 0;
}
