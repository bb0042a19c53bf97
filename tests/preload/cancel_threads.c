/* SPDX-License-Identifier: MIT */
/*
 * pthread_cancel, deferred and asynchronous, of threads that wait for stored
 * pages; their clean-up handlers run and read stored pages themselves, and the
 * join returns.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define ROUNDS	400

static char *data;
static _Atomic unsigned cleaned;
static _Atomic int ready;

static void clean(void *arg)
{
	verify(data + (size_t)arg * PAGE, (size_t)arg);
	cleaned++;
}

static void touch_for_ever(uint64_t random)
{
	for (;;) {
		size_t n = next_random(&random) % DATA_PAGES;
		const volatile char *p = data + n * PAGE;

		(void)*p;
		pthread_testcancel();
	}
}

static void *victim(void *arg)
{
	int old;

	pthread_cleanup_push(clean, (void *)((size_t)arg * 101 % DATA_PAGES));
	pthread_setcanceltype((size_t)arg % 2 ? PTHREAD_CANCEL_ASYNCHRONOUS
					      : PTHREAD_CANCEL_DEFERRED, &old);
	ready = 1;
	touch_for_ever((size_t)arg + 1);
	pthread_cleanup_pop(0);
	return NULL;
}

int main(void)
{
	data = map_data(0);
	for (size_t i = 0; i < ROUNDS; i++) {
		pthread_t t;
		void *back;

		ready = 0;
		CHECK(!pthread_create(&t, NULL, victim, (void *)i));
		while (!ready)
			sleep_ms(1);
		sleep_ms((long)(i % 5));
		CHECK(!pthread_cancel(t));
		CHECK(!pthread_join(t, &back));
		CHECK(back == PTHREAD_CANCELED);
	}
	CHECK(cleaned == ROUNDS);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
