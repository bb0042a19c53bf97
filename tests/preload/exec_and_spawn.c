/* SPDX-License-Identifier: MIT */
/*
 * All the ways to start another program while most of our memory is stored:
 * fork and exec, vfork and exec, posix_spawn, system and popen; argument lists
 * and environment lie in stored pages, where the kernel has to fetch them.
 * Afterwards everything is still there.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <sys/wait.h>

#include "pattern.h"

static void wait_for(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
	char *args = map_pages(256);
	char *p;
	char **argv = (char **)(void *)args;
	char **envp = argv + 8;
	char line[64] = "";
	FILE *f;
	pid_t pid;

	argv[0] = strcpy(args + 20 * PAGE, "/bin/sh");
	argv[1] = strcpy(args + 40 * PAGE, "-c");
	argv[2] = strcpy(args + 60 * PAGE, "exit $SEVEN");
	envp[0] = strcpy(args + 80 * PAGE, "SEVEN=7");
	p = map_data(1);

	pid = fork();
	if (!pid)
		_exit(execve(argv[0], argv, envp));
	wait_for(pid);
	verify_all(p, DATA_PAGES, 1);

	pid = vfork();
	if (!pid)
		_exit(execve(argv[0], argv, envp));
	wait_for(pid);
	verify_all(p, DATA_PAGES, 1);

	CHECK(!posix_spawn(&pid, argv[0], NULL, NULL, argv, envp));
	wait_for(pid);
	verify_all(p, DATA_PAGES, 1);

	CHECK(WEXITSTATUS(system("exit 7")) == 7);
	f = popen("echo hello", "r");
	CHECK(f && fgets(line, sizeof(line), f));
	CHECK(!strcmp(line, "hello\n"));
	CHECK(pclose(f) == 0);
	verify_all(p, DATA_PAGES, 1);
	return 0;
}
