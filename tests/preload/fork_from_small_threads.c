/* SPDX-License-Identifier: MIT */
/*
 * Two threads of a small program fork again and again.  Under torture their
 * stacks are most of what there is to be stored, so they are just being taken
 * at the very moment of a fork.
 *
 * run.sh: seconds=60 limit=16777216 evicts=no conf=torture:7
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "pattern.h"

#define THREADS		2
#define FORKS		60

static void *fork_often(void *arg)
{
	uint64_t page[WORDS];

	for (unsigned i = 0; i < FORKS; i++) {
		int status;
		pid_t pid;

		fill(page, i);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			verify(page, i);
			_exit(7);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		verify(page, i);
	}
	return arg;
}

int main(void)
{
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, fork_often, NULL));
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	return 0;
}
