/* SPDX-License-Identifier: MIT */
/*
 * Handlers that are left by longjmp, on an alternate stack in memory that may
 * be stored: for SIGSEGV on a protected page, and for a timer that strikes
 * anywhere, also while a thread waits for a stored page.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "pattern.h"

#define STACK_LEN	(64 * 1024)
#define JUMPS		400

static sigjmp_buf back;
static volatile sig_atomic_t armed;

static void jump(int sig)
{
	if (sig == SIGSEGV || armed) {
		armed = 0;
		siglongjmp(back, sig);
	}
}

static void protect_and_touch(char *p)
{
	for (volatile size_t n = 0; n < DATA_PAGES; n += 101) {
		CHECK(!mprotect(p + n * PAGE, PAGE, PROT_NONE));
		if (!sigsetjmp(back, 1)) {
			p[n * PAGE] = 1;
			CHECK(0);
		}
		CHECK(!mprotect(p + n * PAGE, PAGE, PROT_READ | PROT_WRITE));
		verify(p + n * PAGE, n);
	}
}

static void be_interrupted(char *p)
{
	struct itimerval soon = { .it_value = { 0, 1500 } };
	volatile size_t n = 0;

	for (volatile int i = 0; i < JUMPS; i++) {
		if (!sigsetjmp(back, 1)) {
			armed = 1;
			CHECK(!setitimer(ITIMER_REAL, &soon, NULL));
			for (;; n = (n + 37) % DATA_PAGES)
				verify(p + n * PAGE, n);
		}
	}
}

int main(void)
{
	struct sigaction sa = { .sa_handler = jump, .sa_flags = SA_ONSTACK };
	stack_t alt = { .ss_size = STACK_LEN };
	char *p;

	alt.ss_sp = map_pages(MIB / PAGE);
	CHECK(!sigaltstack(&alt, NULL));
	CHECK(!sigaction(SIGSEGV, &sa, NULL));
	CHECK(!sigaction(SIGALRM, &sa, NULL));
	p = map_data(0);
	protect_and_touch(p);
	be_interrupted(p);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
