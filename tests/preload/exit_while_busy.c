/* SPDX-License-Identifier: MIT */
/*
 * exit, _exit, abort, a fatal signal and exec in a process whose threads
 * fault as fast as they can, many times over.  The status must be the
 * expected one, at once: no hang, no crash on the way out.  exit handlers
 * read stored pages.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "readers.h"

#define ROUNDS	20

static char *data;

static void at_exit(void)
{
	verify_all(data, 512, 0);
}

static void end(int how)
{
	start_readers(data);
	atexit(at_exit);
	sleep_ms(how * 3);
	switch (how % 5) {
	case 0:
		exit(3);
	case 1:
		_exit(3);
	case 2:
		abort();
	case 3:
		raise(SIGTERM);
		break;
	case 4:
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
	}
	_exit(1);
}

int main(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	data = map_data(0);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid)
			end(i);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (i % 5 == 2)
			CHECK(WTERMSIG(status) == SIGABRT);
		else if (i % 5 == 3)
			CHECK(WTERMSIG(status) == SIGTERM);
		else
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
