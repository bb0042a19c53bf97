/* SPDX-License-Identifier: MIT */
/*
 * A process whose threads fault as fast as they can executes a program: itself,
 * which makes and reads its own data.  The page of the first life closes as
 * that of a killed process does (run.sh); the second life has one of its own.
 */
#define _GNU_SOURCE
#include <pthread.h>

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

int main(int argc, char **argv)
{
	pthread_t t;

	data = map_data((uint64_t)argc - 1);
	if (argc > 1) {
		verify_all(data, DATA_PAGES, (uint64_t)argc - 1);
		return 0;
	}
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t, NULL, reader, (void *)i));
	sleep_ms(700);
	execl("/proc/self/exe", argv[0], "again", NULL);
	return 1;
}
