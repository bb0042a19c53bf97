/* SPDX-License-Identifier: MIT */
/*
 * A program whose memory is known: which function allocated how much, what
 * is in it, and when it was used last.
 *
 *	known_sites MIB SECONDS
 *
 * Each of the sites below allocates MIB megabytes and fills them.  HOT is
 * read all the time; LATE as well, until the middle of the run, and then no
 * more; the others never again.  After SECONDS it prints for each site
 *
 *	NAME BYTES FROM TO
 *
 * All its pages were used last between FROM and TO (CLOCK_MONOTONIC, in
 * milliseconds); of HOT, which is read until there is something on standard
 * input and the program ends, both are 0.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE	4096u
#define SMALL	240u
#define KEEP	__attribute__((noinline, noclone))

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void fill_text(char *p, size_t len)
{
	static const char *const words[] = {
		"cold ", "memory ", "of ", "a ", "program ", "that ", "waits ",
		"for ", "rain\n", "under ", "trees ", "in ", "the ", "evening ",
	};
	size_t at = 0;

	while (at < len) {
		const char *w = words[next_random() % 14];
		size_t n = strlen(w);

		if (n > len - at)
			n = len - at;
		memcpy(p + at, w, n);
		at += n;
	}
}

static void fill_random(char *p, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t n = next_random();

		memcpy(p + i, &n, 8);
	}
}

static KEEP char *site_hot(size_t len)
{
	char *p = malloc(len);

	fill_text(p, len);
	return p;
}

static KEEP char *site_late(size_t len)
{
	char *p = malloc(len);

	fill_random(p, len);
	return p;
}

static KEEP char *site_text(size_t len)
{
	char *p = malloc(len);

	fill_text(p, len);
	return p;
}

static KEEP char *site_random(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fill_random(p, len);
	return p;
}

static KEEP char *site_zero(size_t len)
{
	char *p = malloc(len);

	memset(p, 0, len);
	return p;
}

/* Many small ones, in a list so that they are not lost. */
static KEEP char *site_small(size_t len)
{
	char *list = NULL;

	for (size_t done = 0; done < len; done += SMALL) {
		char *p = malloc(SMALL);

		fill_text(p, SMALL);
		memcpy(p, &list, sizeof(list));
		list = p;
	}
	return list;
}

static unsigned long read_all(const volatile char *p, size_t len)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < len; i += PAGE)
		sum += (unsigned char)p[i];
	return sum;
}

int main(int argc, char **argv)
{
	size_t len = (size_t)(argc > 1 ? atol(argv[1]) : 64) << 20;
	uint64_t lasts = (uint64_t)(argc > 2 ? atol(argv[2]) : 16) * 1000;
	static char *(*const sites[])(size_t) = {
		site_hot, site_late, site_text, site_random, site_zero,
		site_small,
	};
	static const char *const names[] = {
		"site_hot", "site_late", "site_text", "site_random",
		"site_zero", "site_small",
	};
	const struct timespec pause = { 0, 20000000 };
	struct pollfd in = { .fd = 0, .events = POLLIN };
	bool said = false;
	uint64_t from[6];
	uint64_t to[6];
	char *p[6];
	uint64_t start;
	unsigned long sum = 0;

	for (int i = 0; i < 6; i++) {
		from[i] = now_ms();
		p[i] = sites[i](len);
		to[i] = now_ms();
	}
	start = now_ms();
	do {
		sum += read_all(p[0], len);
		if (now_ms() - start < lasts / 2) {
			from[1] = now_ms();
			sum += read_all(p[1], len);
			to[1] = now_ms();
		}
		if (!said && now_ms() - start >= lasts) {
			from[0] = to[0] = 0;
			for (int i = 0; i < 6; i++)
				printf("%s %zu %lu %lu\n", names[i], len,
				       (unsigned long)from[i],
				       (unsigned long)to[i]);
			printf("sum %lu\n", sum);
			fflush(stdout);
			said = true;
		}
		nanosleep(&pause, NULL);
	} while (!said || !poll(&in, 1, 0));
	return 0;
}
