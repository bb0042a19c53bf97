/* SPDX-License-Identifier: MIT */
/*
 * run.sh: status=137
 *
 * SIGKILL in a process whose threads fault as fast as they can.  Nothing runs
 * on the way out; but who watches its statistics page still has it, and there
 * the counters close (run.sh).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "pattern.h"

#define THREADS	2

static char *data;

static void *reader(void *arg)
{
	uint64_t random = (size_t)arg + 1;

	for (;;) {
		size_t n = next_random(&random) % DATA_PAGES;

		verify(data + n * PAGE, n);
	}
	return NULL;
}

int main(void)
{
	pthread_t t;

	data = map_data(0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t, NULL, reader, (void *)i));
	sleep_ms(700);
	raise(SIGKILL);
	return 1;
}
