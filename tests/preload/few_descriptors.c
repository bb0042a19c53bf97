/* SPDX-License-Identifier: MIT */
/*
 * However few descriptors a program allows itself, it runs: with the library
 * at work or without, but never aborted half way.  Each number is tried in a
 * process of its own, executed anew.
 *
 * run.sh: evicts=no
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/wait.h>

#include "pattern.h"

#define LEAST	5	/* to load a program with a library or two */
#define MOST	26

static int with_few(void)
{
	char *p = map_data(0);

	verify_all(p, DATA_PAGES, 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return with_few();
	for (rlim_t n = LEAST; n < MOST; n += 2) {
		struct rlimit few = { n, n };
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			CHECK(!setrlimit(RLIMIT_NOFILE, &few));
			execl("/proc/self/exe", argv[0], "few", NULL);
			_exit(1);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		if (status)
			fprintf(stderr, "with %d descriptors\n", (int)n);
		CHECK(status == 0);
	}
	return 0;
}
