/* SPDX-License-Identifier: MIT */
/*
 * Threads that read map_data()'s pages at random, for good, as fast as they
 * can: they fault all the time.
 */
#ifndef UZ_TESTS_READERS_H
#define UZ_TESTS_READERS_H

#include <pthread.h>

#include "pattern.h"

#define READERS	2

struct reader {
	const char *data;
	uint64_t random;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	for (;;) {
		size_t n = next_random(&r->random) % DATA_PAGES;

		verify(r->data + n * PAGE, n);
	}
	return NULL;
}

static void start_readers(const char *data)
{
	static struct reader readers[READERS];
	pthread_t t;

	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ data, i + 1 };
		CHECK(!pthread_create(&t, NULL, reader_run, &readers[i]));
	}
}

#endif
