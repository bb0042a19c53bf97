/* SPDX-License-Identifier: MIT */
/*
 * Many threads allocate, write, verify, resize and free blocks of all sizes;
 * glibc gives each an arena of its own, grown by mprotect inside a reservation
 * and shrunk by madvise, all behind every hook's back.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "pattern.h"

#define THREADS	8
#define BLOCKS	600
#define SECONDS	10

struct block {
	char *p;
	size_t len;
	uint64_t seed;
};

static void put(struct block *b, uint64_t seed)
{
	b->seed = seed;
	for (size_t i = 0; i + PAGE <= b->len; i += PAGE)
		fill(b->p + i, seed + i);
	memset(b->p + b->len / PAGE * PAGE, (int)seed, b->len % PAGE);
}

static void look(const struct block *b, size_t len)
{
	for (size_t i = 0; i + PAGE <= len; i += PAGE)
		verify(b->p + i, b->seed + i);
	if (len == b->len)
		for (size_t i = len / PAGE * PAGE; i < len; i++)
			CHECK(b->p[i] == (char)b->seed);
}

static void *run(void *arg)
{
	struct block all[BLOCKS] = { { 0 } };
	uint64_t random = (size_t)arg + 1;
	double end = now() + SECONDS;

	while (now() < end) {
		uint64_t r = next_random(&random);
		struct block *b = &all[r % BLOCKS];
		size_t len = (r >> 20) % (r >> 60 ? 40000 : 400000) + 16;

		look(b, b->len);
		if (r >> 50 & 1) {
			b->p = realloc(b->p, len);
			CHECK(b->p);
			look(b, len < b->len ? len : b->len);
		} else {
			free(b->p);
			b->p = malloc(len);
			CHECK(b->p);
		}
		b->len = len;
		put(b, r);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		look(&all[i], all[i].len);
		free(all[i].p);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	return 0;
}
