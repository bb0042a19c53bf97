/* SPDX-License-Identifier: MIT */
/*
 * A thread that is not the main one forks again and again, while other threads
 * fault and mutate.  In each child the pages that nobody changes must be as
 * they were.  A page under change is written from front to back, one version
 * after the other: the child must find a front of one version and a rest of
 * the version before, or all of one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "pattern.h"

#define WRITERS		3
#define FORKS		12
#define VERSIONS	8
#define STEADY		(DATA_PAGES / 2) /* pages from here on change */

static char *data;
static _Atomic int stop;
static unsigned version[DATA_PAGES];

static uint64_t seed_of(size_t n, unsigned v)
{
	return n + ((uint64_t)(v % VERSIONS) << 32);
}

static void *writer(void *arg)
{
	uint64_t random = (size_t)arg + 1;

	while (!stop) {
		uint64_t r = next_random(&random);
		size_t n = STEADY + r % (DATA_PAGES - STEADY);

		if (n % WRITERS == (size_t)arg) {
			verify(data + n * PAGE, seed_of(n, version[n]));
			fill(data + n * PAGE, seed_of(n, ++version[n]));
		}
		n = (r >> 32) % STEADY;
		verify(data + n * PAGE, n);
	}
	return NULL;
}

/* Words of one version, then words of the version before? */
static int is_in_order(size_t n, unsigned v)
{
	const uint64_t *w = (const void *)(data + n * PAGE);
	size_t i = differs(w, seed_of(n, v));

	while (i < WORDS && w[i] == pattern_word(seed_of(n, v - 1), i))
		i++;
	return i == WORDS;
}

static void child(void)
{
	verify_all(data, STEADY, 0);
	for (size_t n = STEADY; n < DATA_PAGES; n++) {
		unsigned v = VERSIONS;

		while (v < 2 * VERSIONS && !is_in_order(n, v))
			v++;
		if (v == 2 * VERSIONS)
			verify(data + n * PAGE, n);
	}
	_exit(0);
}

static void *forker(void *arg)
{
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid)
			child();
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	stop = 1;
	return arg;
}

int main(void)
{
	pthread_t t[WRITERS + 1];

	data = map_data(0);
	for (size_t i = 0; i < WRITERS; i++)
		CHECK(!pthread_create(&t[i], NULL, writer, (void *)i));
	CHECK(!pthread_create(&t[WRITERS], NULL, forker, NULL));
	for (size_t i = 0; i <= WRITERS; i++)
		pthread_join(t[i], NULL);
	return 0;
}
