/* SPDX-License-Identifier: MIT */
/*
 * Several threads want the same few pages over and over while they are
 * evicted again and again: of the faults queued for one page all but the
 * first are stale when they are answered, and by then the page may be on its
 * way out once more.  (Answering such a fault used to unmark the page while
 * it was being moved: its content was lost.)
 */
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define THREADS	3
#define HOT	64
#define ROUNDS	300

static char *hot;
static _Atomic int stop;

static void *reader(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg + 77;

	while (!atomic_load(&stop)) {
		size_t n = next_random(&state) % HOT;

		verify(hot + n * PAGE, 5000 + n);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	char *cold = map_pages(DATA_PAGES);

	hot = map_pages(HOT);
	fill_all(hot, HOT, 5000);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, reader, (void *)i));
	for (size_t i = 0; i < ROUNDS; i++)
		fill_all(cold + i * 97 % (DATA_PAGES / 256) * 256 * PAGE, 256,
			 i);
	atomic_store(&stop, 1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	verify_all(hot, HOT, 5000);
	return 0;
}
