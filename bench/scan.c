/* SPDX-License-Identifier: MIT */
/*
 * scan.c - read and rewrite a large array from front to back.
 *
 *	scan MIB PASSES
 *
 * Fills MIB with data that LZ4 packs about 2.1:1 (records of numbers, text and
 * some noise), then reads all of it PASSES times, checking a sum, and once
 * more writing one word per page.  Prints MiB/s of the median reading pass,
 * of the writing pass, and of filling.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES_MAX	100

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* One record of eight words; returns their sum. */
static uint64_t fill(uint64_t *p, uint64_t i)
{
	static const char text[17] = "state=ready; id=";
	uint64_t r = mix64(i);
	uint64_t sum = 0;

	p[0] = i;
	p[1] = r & 0xffff;
	memcpy(p + 2, text, 16);
	p[4] = mix64(r) >> 44;
	p[5] = 0x00007f0000001000u + (r >> 40 & 0xff0);
	p[6] = (r & 3) ? 0 : mix64(r + 1);
	p[7] = r >> 56;
	for (int k = 0; k < 8; k++)
		sum += p[k];
	return sum;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int passes = argc > 2 ? atoi(argv[2]) : 3;
	size_t words = mib << 17;
	uint64_t right = 0, sum;
	double pass[PASSES_MAX], t, filled, written;
	uint64_t *p = malloc(mib << 20);

	if (!mib || !p || passes < 1 || passes > PASSES_MAX) {
		fprintf(stderr, "usage: scan MIB PASSES\n");
		return 99;
	}
	t = now();
	for (size_t i = 0; i < words; i += 8)
		right += fill(p + i, i);
	filled = now() - t;
	for (int k = 0; k < passes; k++) {
		t = now();
		sum = 0;
		for (size_t i = 0; i < words; i++)
			sum += p[i];
		pass[k] = now() - t;
		if (sum != right) {
			printf("WRONG sum in pass %d\n", k);
			return 1;
		}
	}
	t = now();
	for (size_t i = 0; i < words; i += 512)
		p[i]++;
	written = now() - t;
	qsort(pass, (size_t)passes, sizeof(*pass), order);
	printf("scan %zu MiB: read %.0f MiB/s, write %.0f MiB/s, "
	       "fill %.0f MiB/s\n", mib, (double)mib / pass[passes / 2],
	       (double)mib / written, (double)mib / filled);
	return 0;
}
