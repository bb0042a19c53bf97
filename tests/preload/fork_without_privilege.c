/* SPDX-License-Identifier: MIT */
/*
 * A server drops its privileges after it has filled its memory, and then forks.
 * Parent and child go on as nobody; the child reads everything, and so does
 * the parent.  A second thread keeps changing pages meanwhile.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "pattern.h"

#define NOBODY	65534
#define STEADY	(DATA_PAGES / 4 * 3)

static char *data;
static _Atomic int stop;

static void *reader(void *arg)
{
	uint64_t random = 5;

	while (!stop) {
		size_t n = STEADY +
			   next_random(&random) % (DATA_PAGES - STEADY);

		verify(data + n * PAGE, n);
		*(uint64_t *)(void *)(data + n * PAGE) = pattern_word(n, 0);
	}
	return arg;
}

int main(void)
{
	pthread_t t;

	if (geteuid())
		SKIP("only root has privileges to drop");
	data = map_data(0);
	CHECK(!setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY));
	verify_all(data, DATA_PAGES, 0);
	CHECK(!pthread_create(&t, NULL, reader, NULL));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid) {
			verify_all(data, DATA_PAGES, 0);
			fill_all(data, DATA_PAGES, 3);
			verify_all(data, DATA_PAGES, 3);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	stop = 1;
	pthread_join(t, NULL);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
