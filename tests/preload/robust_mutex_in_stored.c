/* SPDX-License-Identifier: MIT */
/*
 * Robust mutexes in memory that is stored when their owner ends without
 * unlocking them: the next one gets EOWNERDEAD, and nobody waits for ever.
 * The kernel looks for them while the thread is ending, when it asks nobody
 * for a missing page.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>

#include "pattern.h"

#define MUTEXES		64u
#define APART		(512u * 1024)	/* bytes: each among other data */
#define ROUNDS		3u

static char *mutexes;

static pthread_mutex_t *mutex(unsigned i)
{
	return (pthread_mutex_t *)(void *)(mutexes + i * APART);
}

static void *take_all_and_end(void *how)
{
	for (unsigned i = 0; i < MUTEXES; i++)
		CHECK(!pthread_mutex_lock(mutex(i)));
	/* all that was there before is stored now */
	munmap(map_data(1), DATA_LEN);
	sleep_ms(50);
	if (how)
		syscall(SYS_exit, 0);
	return NULL;
}

int main(void)
{
	pthread_mutexattr_t attr;

	mutexes = map_pages(MUTEXES * APART / PAGE);
	CHECK(!pthread_mutexattr_init(&attr));
	CHECK(!pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	for (unsigned i = 0; i < MUTEXES; i++)
		CHECK(!pthread_mutex_init(mutex(i), &attr));
	for (unsigned n = 0; n < ROUNDS; n++) {
		pthread_t t;

		CHECK(!pthread_create(&t, NULL, take_all_and_end,
				      n == 1 ? &attr : NULL));
		CHECK(!pthread_join(t, NULL));
		for (unsigned i = 0; i < MUTEXES; i++) {
			CHECK(pthread_mutex_lock(mutex(i)) == EOWNERDEAD);
			CHECK(!pthread_mutex_consistent(mutex(i)));
			CHECK(!pthread_mutex_unlock(mutex(i)));
		}
	}
	for (unsigned i = 0; i < MUTEXES; i++)
		CHECK(!pthread_mutex_destroy(mutex(i)));
	return 0;
}
