/* SPDX-License-Identifier: MIT */
/*
 * run.sh: conf=share_equal:1,compressor:lz4+zstd:1,repack_idle:1s
 * run.sh: shares=yes seconds=240
 *
 * Each page is like twenty others.  A page that is written has to leave the
 * others as they are, whether it shares memory with them or not; so while one
 * thread reads, one writes and frees pages, equal ones again and others, and
 * forked children do the same to theirs.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "pattern.h"

#define KINDS	2048
#define ROUNDS	40000
#define CHILDREN 3

static char *data;
static uint32_t seeds[DATA_PAGES];	/* 0: freed */
static atomic_bool ending;

static void write_page(size_t n, uint32_t seed)
{
	seeds[n] = seed;
	fill(data + n * PAGE, seed);
}

static void free_page(size_t n)
{
	CHECK(!madvise(data + n * PAGE, PAGE, MADV_DONTNEED));
	seeds[n] = 0;
}

static void verify_page(size_t n)
{
	if (seeds[n])
		verify(data + n * PAGE, seeds[n]);
	else
		CHECK(is_zero(data + n * PAGE));
}

/* One page in four is written, some of them like no other. */
static void write_some(uint64_t random, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t r = next_random(&random);
		size_t n = (r >> 20) % (DATA_PAGES / 4) * 4;

		verify_page(n);
		if (r % 16 == 0)
			free_page(n);
		else if (r % 16 == 1)
			write_page(n, KINDS + 1 + n);
		else
			write_page(n, 1 + (r >> 8) % KINDS);
		verify_page(n + 1);
	}
}

/* The others are only read. */
static void *read_some(void *arg)
{
	uint64_t random = 7;

	(void)arg;
	while (!ending) {
		size_t n = (next_random(&random) >> 20) % (DATA_PAGES / 4) * 4;

		verify_page(n + 1);
		verify_page(n + 2);
	}
	return NULL;
}

static pid_t start_child(uint64_t random)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	write_some(random, ROUNDS / 10);
	for (size_t n = 0; n < DATA_PAGES; n += 5)
		verify_page(n);
	_exit(0);
}

int main(void)
{
	pid_t children[CHILDREN];
	pthread_t reader;

	data = map_pages(DATA_PAGES);
	for (size_t n = 0; n < DATA_PAGES; n++)
		write_page(n, 1 + n % KINDS);
	CHECK(!pthread_create(&reader, NULL, read_some, NULL));
	for (unsigned i = 0; i < CHILDREN; i++) {
		write_some(4711 + i, ROUNDS / CHILDREN);
		children[i] = start_child(i + 1);
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		int status;

		CHECK(waitpid(children[i], &status, 0) == children[i]);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	ending = true;
	pthread_join(reader, NULL);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify_page(n);
	sleep(2);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify_page(n);
	return 0;
}
