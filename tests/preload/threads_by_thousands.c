/* SPDX-License-Identifier: MIT */
/*
 * Threads start and end by thousands while memory is short.  A thread's end
 * needs the kernel to write into its descriptor (the id that pthread_join
 * waits for), which lies on its stack; a join that never returns would show
 * that the kernel could not.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define AT_ONCE	16
#define SECONDS	10

static char *data;
static _Atomic int stop;

static void *brief(void *arg)
{
	size_t n = (size_t)arg % DATA_PAGES;
	char local[3 * PAGE];

	fill(local, n);
	fill(local + PAGE, n + 1);
	verify(data + n * PAGE, n);
	verify(local, n);
	verify(local + PAGE, n + 1);
	return arg;
}

static void *sweep(void *arg)
{
	for (size_t n = 0; !stop; n = (n + 1) % DATA_PAGES)
		verify(data + n * PAGE, n);
	return arg;
}

int main(void)
{
	pthread_t sweeper;
	pthread_t t[AT_ONCE];
	uint64_t random = 1;
	size_t started = 0;
	double end;

	data = map_data(0);
	CHECK(!pthread_create(&sweeper, NULL, sweep, NULL));
	for (end = now() + SECONDS; now() < end; started += AT_ONCE) {
		void *arg[AT_ONCE];
		void *back;

		for (size_t i = 0; i < AT_ONCE; i++) {
			arg[i] = (void *)next_random(&random);
			CHECK(!pthread_create(&t[i], NULL, brief, arg[i]));
		}
		for (size_t i = 0; i < AT_ONCE; i++) {
			CHECK(!pthread_join(t[i], &back));
			CHECK(back == arg[i]);
		}
	}
	CHECK(started > 1000);
	stop = 1;
	pthread_join(sweeper, NULL);
	return 0;
}
