/* SPDX-License-Identifier: MIT */
/*
 * Four threads read and write pages at random for ten seconds, each its own
 * share, and verify every one they meet.  Most of what they meet is stored or
 * on its way out at that very moment.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "pattern.h"

#define THREADS	4
#define SECONDS	10

static char *data;
static uint32_t version[DATA_PAGES];

static uint64_t seed_of(size_t n)
{
	return n + ((uint64_t)version[n] << 32);
}

static void *run(void *arg)
{
	size_t me = (size_t)arg;
	uint64_t random = me * 77 + 1;
	double end = now() + SECONDS;

	while (now() < end) {
		uint64_t r = next_random(&random);
		size_t n = r % (DATA_PAGES / THREADS) * THREADS + me;

		verify(data + n * PAGE, seed_of(n));
		if (r >> 40 & 1) {
			version[n]++;
			fill(data + n * PAGE, seed_of(n));
		}
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];

	data = map_data(0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(data + n * PAGE, seed_of(n));
	return 0;
}
