/* SPDX-License-Identifier: MIT */
/*
 * What the programs of tests/preload share: pages filled by a seed and
 * verified word by word, so that a page that is lost, stale, torn or at the
 * wrong place is told from the right one.
 *
 * A page packs to about a sixth: it must be worth storing, but is never one
 * repeated word.  DATA_LEN is twice what run.sh allows a program, so that
 * filling it once stores most of it.
 *
 * A failed CHECK or verify says where and ends the program with 1.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE		((size_t)4096)
#define WORDS		(PAGE / sizeof(uint64_t))
#define MIB		((size_t)1 << 20)
#define DATA_LEN	(160 * MIB)
#define DATA_PAGES	(DATA_LEN / PAGE)
#define UNUSED		__attribute__((unused))

#define CHECK(x)							\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "%s:%d: %s failed: %s\n",	\
				__FILE__, __LINE__, #x,			\
				strerror(errno));			\
			_exit(1);					\
		}							\
	} while (0)

#define SKIP(why)							\
	do {								\
		printf("SKIP: %s\n", why);				\
		exit(77);						\
	} while (0)

static inline uint64_t pattern_word(uint64_t seed, size_t i)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + i % 61 + 1;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

static inline UNUSED void fill(void *page, uint64_t seed)
{
	uint64_t *w = page;

	for (size_t i = 0; i < WORDS; i++)
		w[i] = pattern_word(seed, i);
}

/* The first word that is not as filled, or WORDS. */
static inline UNUSED size_t differs(const void *page, uint64_t seed)
{
	const uint64_t *w = page;

	for (size_t i = 0; i < WORDS; i++)
		if (w[i] != pattern_word(seed, i))
			return i;
	return WORDS;
}

static inline UNUSED int is_filled(const void *page, uint64_t seed)
{
	return differs(page, seed) == WORDS;
}

static inline UNUSED int is_zero(const void *page)
{
	const uint64_t *w = page;

	for (size_t i = 0; i < WORDS; i++)
		if (w[i])
			return 0;
	return 1;
}

static UNUSED void verify(const void *page, uint64_t seed)
{
	const uint64_t *w = page;
	size_t i = differs(page, seed);

	if (i == WORDS)
		return;
	fprintf(stderr, "page %p, seed %#llx: word %zu is %#llx, not %#llx%s\n",
		page, (unsigned long long)seed, i, (unsigned long long)w[i],
		(unsigned long long)pattern_word(seed, i),
		is_zero(page) ? " (all zero)" : "");
	_exit(1);
}

/* Page number N of P gets seed SEED + N. */
static UNUSED void fill_all(char *p, size_t pages, uint64_t seed)
{
	for (size_t n = 0; n < pages; n++)
		fill(p + n * PAGE, seed + n);
}

static UNUSED void verify_all(const char *p, size_t pages, uint64_t seed)
{
	for (size_t n = 0; n < pages; n++)
		verify(p + n * PAGE, seed + n);
}

static UNUSED void verify_zero(const char *p, size_t pages)
{
	for (size_t n = 0; n < pages; n++)
		CHECK(is_zero(p + n * PAGE));
}

static UNUSED char *map_pages(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/*
 * DATA_PAGES pages filled from SEED on, twice what stays in memory: the ones
 * at the front have gone by the time the last are filled.
 */
static UNUSED char *map_data(uint64_t seed)
{
	char *p = map_pages(DATA_PAGES);

	fill_all(p, DATA_PAGES, seed);
	return p;
}

/* A small generator, so that runs are the same each time. */
static inline UNUSED uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline UNUSED double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static UNUSED void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/*
 * Until one of the pages has left memory, or two seconds: for what must not
 * depend on when threads of the library get to run.
 */
static UNUSED void wait_until_some_left(char *p, size_t pages)
{
	static unsigned char in[DATA_PAGES];

	CHECK(pages <= DATA_PAGES);
	for (double end = now() + 2; now() < end; sleep_ms(10)) {
		CHECK(!mincore(p, pages * PAGE, in));
		for (size_t n = 0; n < pages; n++)
			if (!(in[n] & 1))
				return;
	}
}

#endif
