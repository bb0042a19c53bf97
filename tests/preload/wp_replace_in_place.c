/* SPDX-License-Identifier: MIT */
/*
 * Mappings that go and come at the same address, in four threads, each by a
 * way of its own: munmap and mmap there, mmap(MAP_FIXED) over it, a block of
 * malloc's that glibc maps and unmaps by itself, the block grown by realloc.
 * What is new reads as zeros (malloc's is written first), what was written
 * stays as it was while other memory presses.
 *
 * Engine wp takes whatever is mapped at an address at that moment, so with it
 * this is the difficult part.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <time.h>

#include "pattern.h"

#define PAGES	1024		/* per thread, 4 MiB */
#define SECONDS	5

static time_t end_at;

static void *map_at(void *at, int flags)
{
	void *p = mmap(at, PAGES * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Write it in one go, read it after a while. */
static void use(char *p, uint64_t seed)
{
	fill_all(p, PAGES, seed);
	for (int i = 0; i < 3; i++) {
		sleep_ms(2);
		verify_all(p, PAGES, seed);
	}
}

static void *by_munmap(void *arg)
{
	char *p = map_at(NULL, 0);

	(void)arg;
	for (uint64_t n = 1; time(NULL) < end_at; n++) {
		use(p, n << 8 | 1);
		CHECK(!munmap(p, PAGES * PAGE));
		p = map_at(p, 0);
		verify_zero(p, PAGES);
	}
	return NULL;
}

static void *by_map_fixed(void *arg)
{
	char *p = map_at(NULL, 0);

	(void)arg;
	for (uint64_t n = 1; time(NULL) < end_at; n++) {
		use(p, n << 8 | 2);
		CHECK(map_at(p, MAP_FIXED) == p);
		verify_zero(p, PAGES);
	}
	return NULL;
}

static void *by_malloc(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; time(NULL) < end_at; n++) {
		char *p = malloc((PAGES + 1) * PAGE);

		CHECK(p);
		use((char *)(((uintptr_t)p + PAGE - 1) / PAGE * PAGE),
		    n << 8 | 3);
		free(p);
	}
	return NULL;
}

static void *by_realloc(void *arg)
{
	(void)arg;
	for (uint64_t n = 1; time(NULL) < end_at; n++) {
		size_t *p = malloc(PAGES * PAGE);

		CHECK(p);
		for (size_t i = 0; i < PAGES * PAGE / sizeof(*p); i++)
			p[i] = i ^ n;
		for (size_t more = 2; more < 5; more++) {
			p = realloc(p, more * PAGES * PAGE);
			CHECK(p);
			for (size_t i = 0; i < PAGES * PAGE / sizeof(*p); i++)
				CHECK(p[i] == (i ^ n));
		}
		free(p);
	}
	return NULL;
}

int main(void)
{
	static void *(*const ways[])(void *arg) = {
		by_munmap, by_map_fixed, by_malloc, by_realloc,
	};
	pthread_t threads[4];
	char *p = map_data(0);	/* the pressure */

	end_at = time(NULL) + SECONDS;
	for (size_t i = 0; i < 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, ways[i], NULL));
	while (time(NULL) < end_at)
		verify_all(p, DATA_PAGES, 0);
	for (size_t i = 0; i < 4; i++)
		CHECK(!pthread_join(threads[i], NULL));
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
