/* SPDX-License-Identifier: MIT */
/*
 * A program that limits itself: address space, descriptors, processes, stack.
 * It starts and stays correct; so do the children it forks.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/wait.h>

#include "pattern.h"

static void limit(int what, rlim_t to)
{
	struct rlimit r = { to, to };

	CHECK(!setrlimit(what, &r));
}

int main(void)
{
	char *p;
	int status;
	pid_t pid;

	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_STACK, 256 * 1024);
	p = map_data(0);
	limit(RLIMIT_AS, (rlim_t)1 << 40);
	limit(RLIMIT_DATA, (rlim_t)1 << 40);
	limit(RLIMIT_MEMLOCK, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		limit(RLIMIT_NOFILE, 3);
		verify_all(p, DATA_PAGES, 0);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			verify_all(p, DATA_PAGES, 0);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		_exit(status != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
