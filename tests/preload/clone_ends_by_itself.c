/* SPDX-License-Identifier: MIT */
/*
 * Processes whose only thread ends without ending the process: the function
 * given to clone() returns, or exit is called as a bare thread's system call.
 * The parent gets their status, and is not left waiting.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pattern.h"

#define STACK_LEN	(256 * 1024)
#define RETURNED	7
#define EXITED		5

static char *data;

static int child(void *arg)
{
	(void)arg;
	return is_filled(data + 3 * PAGE, 3) ? RETURNED : 1;
}

static void check_status(pid_t pid, int want)
{
	int status;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == want);
}

int main(void)
{
	char *stack = malloc(STACK_LEN);
	pid_t pid;

	data = map_data(0);
	for (int i = 0; i < 5; i++)
		check_status(clone(child, stack + STACK_LEN, SIGCHLD, NULL),
			     RETURNED);
	pid = fork();
	if (!pid) {
		verify_all(data, 100, 0);
		syscall(SYS_exit, EXITED);
	}
	check_status(pid, EXITED);
	verify_all(data, DATA_PAGES, 0);
	free(stack);
	return 0;
}
