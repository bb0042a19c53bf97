/* SPDX-License-Identifier: MIT */
/*
 * madvise(MADV_DONTNEED) on stored ranges, by one thread, while others write
 * and verify neighbouring pages.  What was given up reads as zeros from the
 * moment the call is back, and what is written there afterwards stays.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "pattern.h"

#define WRITERS	2
#define STRIPE	8	/* pages; every fourth stripe is given up by turns */
#define SECONDS	6

static char *data;
static _Atomic int stop;

static int is_dropped(size_t n)
{
	return n / STRIPE % 4 == 3;
}

static void *writer(void *arg)
{
	size_t me = (size_t)arg;
	uint64_t version = 0;

	while (!stop) {
		for (size_t n = me; n < DATA_PAGES && !stop; n += WRITERS) {
			if (is_dropped(n))
				continue;
			verify(data + n * PAGE, n + (version << 32));
			fill(data + n * PAGE, n + ((version + 1) << 32));
		}
		version++;
	}
	return NULL;
}

static void drop(size_t n, unsigned round)
{
	char *p = data + n * PAGE;
	size_t len = STRIPE * PAGE;

	CHECK((round & 1 ? (int)syscall(SYS_madvise, p, len, MADV_DONTNEED)
			 : madvise(p, len, MADV_DONTNEED)) == 0);
	for (size_t i = n % 3; i < STRIPE; i += 3)
		CHECK(is_zero(p + i * PAGE));
	fill_all(p, STRIPE, n + ((uint64_t)round << 40));
}

int main(void)
{
	pthread_t t[WRITERS];
	double end = now() + SECONDS;
	uint64_t random = 9;

	data = map_data(0);
	for (size_t i = 0; i < WRITERS; i++)
		CHECK(!pthread_create(&t[i], NULL, writer, (void *)i));
	for (unsigned round = 1; now() < end; round++) {
		for (int i = 0; i < 500; i++) {
			size_t n = next_random(&random) % DATA_PAGES;

			n = n / (4 * STRIPE) * 4 * STRIPE + 3 * STRIPE;
			drop(n, round);
			verify_all(data + n * PAGE, STRIPE,
				   n + ((uint64_t)round << 40));
		}
	}
	stop = 1;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
	return 0;
}
