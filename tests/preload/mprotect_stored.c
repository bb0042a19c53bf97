/* SPDX-License-Identifier: MIT */
/*
 * mprotect on stored pages: PROT_NONE and back, PROT_READ and back, PROT_EXEC,
 * through libc and as a raw call.  Content survives, code runs; a protected
 * page gives the program its own SIGSEGV, stored or not.
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

/* int f(void) { return 42; } */
#if defined(__x86_64__)
static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
#elif defined(__aarch64__)
static const unsigned char code[] = { 0x40, 5, 0x80, 0x52,
				      0xc0, 3, 0x5f, 0xd6 };
#endif

/* Pages with a function each, called after they have left. */
static void run_code(char *p, size_t len)
{
	for (size_t at = 0; at < len; at += PAGE)
		memcpy(p + at, code, sizeof(code));
	__builtin___clear_cache(p, p + len);
	CHECK(!mprotect(p, len, PROT_READ | PROT_EXEC));
	verify_all(p + len, (DATA_LEN - len) / PAGE, len / PAGE);
	for (size_t at = 0; at < len; at += PAGE)
		CHECK(((int (*)(void))(void *)(p + at))() == 42);
	CHECK(!mprotect(p, len, PROT_READ | PROT_WRITE));
	fill_all(p, len / PAGE, 0);
}

int main(void)
{
	char *p = map_data(0);
	const size_t part = DATA_LEN / 4;

	run_code(p, part);
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
