/* SPDX-License-Identifier: MIT */
/*
 * forking_thread - a child has the thread-local variables of the thread that
 * forked, libc's as well, though nobody has used them for a while.  They lie
 * some pages away from the thread's descriptor, as the program's own come
 * first.  Status 0 if so.
 */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKS	30
#define LEN	(5 * 4096)

static _Thread_local char own[LEN];

static int child(int n)
{
	if (errno != n)
		return 1;
	if (!isalpha('a') || tolower('A') != 'a')
		return 2;
	for (int i = 0; i < LEN; i++)
		if (own[i] != (char)n)
			return 3;
	return 0;
}

static void *fork_often(void *failed)
{
	for (int n = 1; n <= FORKS && !*(int *)failed; n++) {
		int status = 99;
		pid_t pid;

		memset(own, n, LEN);
		errno = n;
		usleep(20000);	/* not used for a while */
		pid = fork();
		if (!pid)
			_exit(child(n));
		if (pid > 0)
			waitpid(pid, &status, 0);
		if (status) {
			printf("fork %d: status %#x\n", n, status);
			*(int *)failed = 1;
		}
	}
	return NULL;
}

int main(void)
{
	int failed = 0;
	pthread_t thread;

	/* libc does more in a child once there are threads */
	if (pthread_create(&thread, NULL, fork_often, &failed))
		return 99;
	pthread_join(thread, NULL);
	if (!failed)
		fork_often(&failed);
	return failed;
}
