/* SPDX-License-Identifier: MIT */
/*
 * Twenty times the limit, and it compresses six-fold: it can't be kept,
 * which is said on standard error, once, while everything stays right.
 *
 * run.sh: limit=8388608
 */
#define _GNU_SOURCE
#include "pattern.h"

#define ROUNDS_MOST	200
#define ROUND_PAGES	2000

static const char said[] = "the limit cannot be kept";

static int occurrences(int fd)
{
	static char text[65536];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	int nr = 0;

	CHECK(len >= 0);
	text[len] = '\0';
	for (char *at = text; (at = strstr(at, said)); at++)
		nr++;
	return nr;
}

int main(void)
{
	int wanted = !!getenv("UZSWAP_LIMIT_BYTES");
	int fd = memfd_create("stderr", 0);
	char *p = map_pages(DATA_PAGES);
	size_t n = 0;

	CHECK(fd >= 0 && dup2(fd, 2) == 2);
	fill_all(p, DATA_PAGES, 0);
	for (int round = 0; round < ROUNDS_MOST; round++) {
		if (occurrences(fd) >= wanted)
			break;
		for (int i = 0; i < ROUND_PAGES; i++, n = (n + 1) % DATA_PAGES)
			verify_all(p + n * PAGE, 1, n);
		usleep(50000);
	}
	verify_all(p, DATA_PAGES, 0);
	CHECK(occurrences(fd) == wanted);
	return 0;
}
