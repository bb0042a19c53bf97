/* SPDX-License-Identifier: MIT */
/*
 * clone with CLONE_VM but without CLONE_THREAD, and vfork: another process in
 * the same memory.  It reads stored pages and writes some; whoever started it
 * sees that.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "pattern.h"

#define STACK	(64 * 1024)

static int run(void *arg)
{
	char *p = arg;

	verify_all(p, DATA_PAGES, 0);
	fill_all(p, DATA_PAGES / 2, 5);
	return 0;
}

int main(void)
{
	static char stack[STACK] __attribute__((aligned(16)));
	char *p = map_data(0);
	int status;
	pid_t pid;

	pid = clone(run, stack + STACK, CLONE_VM | SIGCHLD, p);
	CHECK(pid > 0);
	verify_all(p + DATA_LEN / 2, DATA_PAGES / 2, DATA_PAGES / 2);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES / 2, 5);
	fill_all(p, DATA_PAGES / 2, 0);

	pid = clone(run, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, p);
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES / 2, 5);
	verify_all(p + DATA_LEN / 2, DATA_PAGES / 2, DATA_PAGES / 2);
	return 0;
}
