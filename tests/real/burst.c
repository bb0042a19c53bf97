/* SPDX-License-Identifier: MIT */
/*
 * burst.c - allocate as fast as the machine can write, then check all of it.
 *
 *	burst MIB [RANDOM-BYTES-PER-PAGE]
 *
 * One malloc of MIB; each page in turn is set to a byte of its own, gets its
 * number and (default) 256 pseudo-random bytes.  No two pages are alike and
 * none is of one repeated word, but all compress well: the point is how fast
 * they come.  Then every byte of every page is compared, twice: forwards, and
 * backwards in order of pages.
 *
 * Prints rates and the peak of the process's resident memory (VmHWM).
 * REAL_HOLD=FILE: see arenas.c.  Exit status: 0 right, 1 wrong bytes, 99
 * bad usage or no memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096

static size_t random_bytes = 256;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void page_fill(unsigned char *p, uint64_t number)
{
	uint64_t r = number * 0x9e3779b97f4a7c15u + 0x853c49e6748fea9bu;

	memset(p, (int)(number * 37 % 251), PAGE);
	memcpy(p, &number, sizeof(number));
	for (size_t i = 8; i < 8 + random_bytes; i += 8) {
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		memcpy(p + i, &r, sizeof(r));
	}
}

static int page_check(const unsigned char *p, uint64_t number)
{
	unsigned char right[PAGE];
	size_t i = 0;

	page_fill(right, number);
	if (!memcmp(p, right, PAGE))
		return 0;
	while (p[i] == right[i])
		i++;
	printf("WRONG page %llu at offset %zu: %02x for %02x\n",
	       (unsigned long long)number, i, p[i], right[i]);
	return 1;
}

static long peak_mib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

static void hold(void)
{
	const char *path = getenv("REAL_HOLD");
	FILE *f;

	if (!path)
		return;
	f = fopen(path, "w");
	if (f)
		fclose(f);
	for (int i = 0; i < 300 && !access(path, F_OK); i++)
		usleep(100000);
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t pages = (uint64_t)mib << 8;
	uint64_t wrong = 0;
	unsigned char *p;
	double t0, t1, t2, t3;

	if (argc > 2)
		random_bytes = strtoul(argv[2], NULL, 10) / 8 * 8;
	if (!mib || random_bytes > PAGE - 16) {
		fprintf(stderr, "usage: burst MIB [RANDOM-BYTES-PER-PAGE]\n");
		return 99;
	}
	p = malloc(mib << 20);
	if (!p) {
		perror("burst: malloc");
		return 99;
	}
	t0 = now();
	for (uint64_t i = 0; i < pages; i++)
		page_fill(p + i * PAGE, i);
	t1 = now();
	for (uint64_t i = 0; i < pages && wrong < 5; i++)
		wrong += (uint64_t)page_check(p + i * PAGE, i);
	t2 = now();
	for (uint64_t i = pages; i-- > 0 && wrong < 5;)
		wrong += (uint64_t)page_check(p + i * PAGE, i);
	t3 = now();
	printf("burst %zu MiB: write %.1f s (%.0f MiB/s), verify %.1f s "
	       "(%.0f MiB/s), backwards %.1f s, VmHWM %ld MiB, %llu wrong\n",
	       mib, t1 - t0, (double)mib / (t1 - t0), t2 - t1,
	       (double)mib / (t2 - t1), t3 - t2, peak_mib(),
	       (unsigned long long)wrong);
	fflush(stdout);
	hold();
	return wrong != 0;
}
