/* SPDX-License-Identifier: MIT */
/*
 * daemon(): the process forks, the parent ends at once, the child gets a new
 * session and no descriptors, reads everything and goes on working.  It tells
 * how it went through a pipe that the first process has left to its own
 * parent.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "pattern.h"

int main(void)
{
	char answer = 0;
	int pipes[2];
	char *p;
	pid_t pid;

	CHECK(!pipe(pipes));
	p = map_data(0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!daemon(1, 1));
		verify_all(p, DATA_PAGES, 0);
		fill_all(p, DATA_PAGES, 9);
		verify_all(p, DATA_PAGES, 9);
		CHECK(write(pipes[1], "y", 1) == 1);
		_exit(0);
	}
	close(pipes[1]);
	CHECK(read(pipes[0], &answer, 1) == 1);
	CHECK(answer == 'y');
	verify_all(p, DATA_PAGES, 0);
	CHECK(wait(NULL) == pid);
	return 0;
}
