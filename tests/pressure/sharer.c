/* SPDX-License-Identifier: MIT */
/*
 * sharer.c - one of several programs in one group: fills memory, uses it, and
 * checks every byte it reads.
 *
 *	sharer MIB [HOT-PERCENT]
 *
 * MIB of pages that pack to about a third are written once.  Then pages are
 * read at random and one of eight written anew; with HOT-PERCENT only the
 * first so many percent are used, or none.  At the end of its standard input
 * all is read and checked once more.  Says "filled", "used N pages/s" and
 * "right" on standard output.
 *
 * Exit status: 0 right, 1 wrong bytes, 99 bad usage or no memory.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096u
#define RANDOM	1280u		/* bytes of a page that do not pack */
#define STEP	64

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void fill(unsigned char *page, uint64_t seed)
{
	memset(page, (int)(seed % 251), PAGE);
	memcpy(page, &seed, sizeof(seed));
	for (size_t i = 8; i < RANDOM; i += 8) {
		uint64_t r = mix(seed * 0x9e3779b97f4a7c15u + i);

		memcpy(page + i, &r, sizeof(r));
	}
}

static void check(const unsigned char *page, uint64_t seed)
{
	unsigned char right[PAGE];

	fill(right, seed);
	if (!memcmp(page, right, PAGE))
		return;
	printf("WRONG page %p\n", (const void *)page);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Is somebody there who wants us to go on? */
static int goes_on(int timeout_ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	return poll(&in, 1, timeout_ms) == 0;
}

int main(int argc, char **argv)
{
	uint64_t pages = argc > 1 ? strtoul(argv[1], NULL, 10) << 8 : 0;
	uint64_t hot = argc > 2 ? pages * strtoul(argv[2], NULL, 10) / 100
				: pages;
	uint64_t seed = (uint64_t)getpid() << 32;
	uint64_t used = 0;
	uint8_t *version = calloc(pages ? pages : 1, 1);
	unsigned char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double begun;

	if (!pages || !version || p == MAP_FAILED) {
		fprintf(stderr, "usage: sharer MIB [HOT-PERCENT]\n");
		return 99;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t n = 0; n < pages; n++)
		fill(p + n * PAGE, seed + n);
	puts("filled");
	begun = now();
	while (goes_on(hot ? 0 : -1)) {
		for (int i = 0; i < STEP; i++) {
			uint64_t n = mix(++used + seed) % hot;

			check(p + n * PAGE, seed + n + pages * version[n]);
			if (used % 8)
				continue;
			version[n]++;
			fill(p + n * PAGE, seed + n + pages * version[n]);
		}
	}
	printf("used %.0f pages/s\n", (double)used / (now() - begun));
	for (uint64_t n = 0; n < pages; n++)
		check(p + n * PAGE, seed + n + pages * version[n]);
	puts("right");
	return 0;
}
