/* SPDX-License-Identifier: MIT */
/*
 * The main thread ends by pthread_exit while others go on; the process lives on
 * in them, allocates, forks, and ends with the last one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "pattern.h"

static pthread_t main_thread;

static void *go_on(void *arg)
{
	char *p = arg;
	char *q;
	int status;
	pid_t pid;

	pthread_join(main_thread, NULL);
	verify_all(p, DATA_PAGES, 0);
	q = map_data(7);
	verify_all(p, DATA_PAGES, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		verify_all(p, DATA_PAGES, 0);
		verify_all(q, DATA_PAGES, 7);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(q, DATA_PAGES, 7);
	exit(0);
}

int main(void)
{
	char *p = map_data(0);
	pthread_t t;

	main_thread = pthread_self();
	CHECK(!pthread_create(&t, NULL, go_on, p));
	pthread_exit(NULL);
}
