/* SPDX-License-Identifier: MIT */
/*
 * churn.c - map, touch and unmap memory at about 1 GiB/s.
 *
 *	churn MIB [lines]
 *
 * What an allocator with large objects does all day: mappings of 256 KiB ..
 * 8 MiB, a few tens of them alive at a time, each page of a new one written
 * once, the oldest unmapped.  MIB is the sum of all mappings made.  Prints
 * the rate; the time is what bench/overhead.sh compares.  With `lines` it
 * makes so many for each line it reads, as long as there are any.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define LIVE	32
#define PAGE	4096

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Make mappings of WANT bytes in all; the bytes made. */
static size_t churn(size_t want)
{
	static struct { unsigned char *p; size_t size; } live[LIVE];
	static uint64_t r = 88172645463325252u;
	static unsigned n;
	size_t done = 0;

	for (; done < want; n = (n + 1) % LIVE) {
		size_t size;

		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		size = ((256u << 10) << (r % 6)) / PAGE * PAGE;
		if (live[n].p)
			munmap(live[n].p, live[n].size);
		live[n].p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (live[n].p == MAP_FAILED) {
			perror("churn: mmap");
			exit(1);
		}
		live[n].size = size;
		for (size_t i = 0; i < size; i += PAGE)
			live[n].p[i] = (unsigned char)n;
		done += size;
	}
	return done;
}

int main(int argc, char **argv)
{
	size_t want = argc >= 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	size_t done;
	double t;

	if (!want) {
		fprintf(stderr, "usage: churn MIB [lines]\n");
		return 99;
	}
	if (argc == 2) {
		t = now();
		done = churn(want);
		printf("churn %zu MiB, %.0f MiB/s\n", done >> 20,
		       (double)(done >> 20) / (now() - t));
		return 0;
	}
	while (getchar() == '\n') {
		printf("%zu\n", churn(want));
		fflush(stdout);
	}
	return 0;
}
