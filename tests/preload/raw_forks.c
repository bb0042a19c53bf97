/* SPDX-License-Identifier: MIT */
/*
 * Forks that run no handlers: the system calls fork, clone without CLONE_VM
 * and clone3 by syscall(), and _Fork().  The child, which may use nothing of
 * libc that a fork has to prepare, reads everything; so does the parent, before
 * and after.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pattern.h"

static long raw_fork(int how)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	switch (how) {
	case 0:
		return syscall(SYS_fork);
	case 1:
		return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case 2:
		return syscall(SYS_clone3, &args, sizeof(args));
	default:
		return _Fork();
	}
}

int main(void)
{
	char *p = map_data(0);

	for (int how = 0; how < 4; how++) {
		pid_t pid = (pid_t)raw_fork(how);
		int status;

		if (pid < 0)	/* refused is allowed, wrong is not */
			continue;
		if (!pid) {
			size_t n;

			for (n = 0; n < DATA_PAGES; n++)
				if (differs(p + n * PAGE, n) != WORDS)
					break;
			syscall(SYS_exit_group, n < DATA_PAGES);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
		verify_all(p, DATA_PAGES, 0);
	}
	return 0;
}
