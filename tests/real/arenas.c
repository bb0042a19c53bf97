/* SPDX-License-Identifier: MIT */
/*
 * arenas.c - four threads that use plain malloc, each in its own arena.
 *
 *	arenas MIB
 *
 * Every thread owns a quarter of MIB: three quarters of it in blocks of
 * 24 bytes .. 64 KiB, which glibc takes from the thread's arena, one quarter
 * in blocks of 256 KiB .. 4 MiB, which start out as mappings of their own.
 * After building, the threads free, allocate, realloc (grow and shrink, which
 * moves mappings) and rewrite blocks at random, and check what they touch;
 * in the end every block is checked from first to last byte.
 *
 * The content of a block is a function of its number and its version: lines
 * of 64 bytes, some of them random, some text with numbers, as in the heap of
 * an ordinary program; about 2.3:1 for LZ4 at 4 KiB.
 *
 * With REAL_HOLD=FILE in the environment the program creates FILE when all
 * is verified and waits, its memory still in use, until FILE is removed.
 *
 * Exit status: 0 right, 1 wrong bytes, 99 bad usage or out of memory.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS	4

struct block {
	unsigned char *p;
	size_t size;
	uint64_t content;
};

struct worker {
	pthread_t thread;
	uint64_t rnd;
	size_t bytes;
	size_t want;
	size_t big_from;
	struct block *block;
	size_t blocks;
	uint64_t wrong;
	double build, mutate, verify;
};

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

static uint64_t rnd(struct worker *w)
{
	w->rnd += 0x9e3779b97f4a7c15u;
	return mix64(w->rnd);
}

/* Line number `i` of a block: what a heap holds, in eight words. */
static void line(uint64_t content, size_t i, uint64_t out[8])
{
	uint64_t r = mix64(content + i * 0x2545f4914f6cdd1du);
	uint64_t text[2];

	memcpy(text, "name=value; id=", 16);
	out[0] = 0x00007f3a10000000u + (content << 12 & 0xfffffff000u);
	out[1] = r & 0xffff;
	out[2] = (r & 0x30000) ? text[0] : r;
	out[3] = (r & 0xc0000) ? text[1] : mix64(r);
	out[4] = i;
	out[5] = out[0] + (r >> 40 & 0xfff8);
	out[6] = (r & 0x300000) ? 0 : mix64(r + 1);
	out[7] = (r >> 22) & 0xff;
}

static void fill(struct block *b, size_t from)
{
	uint64_t words[8];

	for (size_t at = from / 64 * 64; at < b->size; at += 64) {
		size_t n = b->size - at < 64 ? b->size - at : 64;

		line(b->content, at / 64, words);
		memcpy(b->p + at, words, n);
	}
}

/* Check the first `size` bytes; reports the first difference. */
static int check(struct worker *w, const struct block *b, size_t size)
{
	uint64_t words[8];

	for (size_t at = 0; at < size; at += 64) {
		size_t n = size - at < 64 ? size - at : 64;

		line(b->content, at / 64, words);
		if (!memcmp(b->p + at, words, n))
			continue;
		if (w->wrong++ < 5)
			printf("WRONG block %p of %zu bytes at %zu\n",
			       (void *)b->p, b->size, at);
		return 0;
	}
	return 1;
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "arenas: out of memory\n");
		exit(99);
	}
	return p;
}

static size_t small_size(struct worker *w)
{
	uint64_t r = rnd(w);
	size_t base = (size_t)24 << (r % 12);

	return base + (size_t)(r >> 32) % base % 40000;
}

static size_t big_size(struct worker *w)
{
	return (256u << 10) + rnd(w) % (3840u << 10);
}

static void renew(struct worker *w, struct block *b, size_t size)
{
	b->p = must(malloc(size));
	b->size = size;
	b->content = rnd(w);
	fill(b, 0);
	w->bytes += size;
}

static void build(struct worker *w)
{
	size_t room = w->want / 1024 + 64;

	w->block = must(malloc(room * sizeof(*w->block)));
	while (w->bytes < w->want / 4 * 3 && w->blocks < room - 16)
		renew(w, &w->block[w->blocks++], small_size(w));
	w->big_from = w->blocks;
	while (w->bytes < w->want && w->blocks < room)
		renew(w, &w->block[w->blocks++], big_size(w));
}

static void mutate_one(struct worker *w, struct block *b, int big)
{
	size_t size = big ? big_size(w) : small_size(w);
	size_t old = b->size;

	switch (rnd(w) % 4) {
	case 0:
		check(w, b, old);
		free(b->p);
		w->bytes -= old;
		renew(w, b, size);
		break;
	case 1:
		b->p = must(realloc(b->p, size));
		b->size = size;
		w->bytes = w->bytes - old + size;
		check(w, b, old < size ? old : size);
		if (size > old)
			fill(b, old);
		break;
	case 2:
		b->content = rnd(w);
		fill(b, 0);
		break;
	default:
		check(w, b, old);
	}
}

static void mutate(struct worker *w)
{
	size_t moved = 0;

	while (moved < w->want * 3) {
		size_t big = w->blocks - w->big_from;
		size_t i;

		if (big && rnd(w) % 16 == 0)
			i = w->big_from + rnd(w) % big;
		else
			i = rnd(w) % w->big_from;
		mutate_one(w, &w->block[i], i >= w->big_from);
		moved += w->block[i].size;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	double t = now();

	build(w);
	w->build = now() - t;
	t = now();
	mutate(w);
	w->mutate = now() - t;
	t = now();
	for (size_t i = 0; i < w->blocks; i++)
		check(w, &w->block[i], w->block[i].size);
	w->verify = now() - t;
	return NULL;
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

static double longest(const double *a)
{
	double m = 0;

	for (int i = 0; i < THREADS; i++)
		m = a[i] > m ? a[i] : m;
	return m;
}

int main(int argc, char **argv)
{
	static struct worker w[THREADS];
	double b[THREADS], m[THREADS], v[THREADS];
	size_t mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	size_t bytes = 0, blocks = 0;
	uint64_t wrong = 0;

	if (!mib) {
		fprintf(stderr, "usage: arenas MIB\n");
		return 99;
	}
	for (int i = 0; i < THREADS; i++) {
		w[i].rnd = (uint64_t)i + 1;
		w[i].want = (mib << 20) / THREADS;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			return 99;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		bytes += w[i].bytes;
		blocks += w[i].blocks;
		wrong += w[i].wrong;
		b[i] = w[i].build;
		m[i] = w[i].mutate;
		v[i] = w[i].verify;
	}
	printf("arenas %zu MiB in %zu blocks, %d threads: build %.1f s, "
	       "mutate %.1f s, verify %.1f s, %llu wrong\n", bytes >> 20,
	       blocks, THREADS, longest(b), longest(m), longest(v),
	       (unsigned long long)wrong);
	fflush(stdout);
	hold();
	return wrong != 0;
}
