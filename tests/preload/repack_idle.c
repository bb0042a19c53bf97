/* SPDX-License-Identifier: MIT */
/*
 * run.sh: conf=compressor:lz4+zstd:3,repack_idle:1s,repack_cpu_percent:100
 * run.sh: repacks=yes limit=125829120 seconds=240
 *
 * Text that lies idle is packed again by the second codec, with a dictionary
 * by and by, while a thread reads here and there, writes, and frees pages.
 * Forked children read all of it before and after, and so does the parent.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "pattern.h"

#define SECONDS	5

static char *data;
static uint32_t version[DATA_PAGES];
static char words[64][8];
static atomic_bool ending;

static void make_words(void)
{
	uint64_t random = 4711;

	for (size_t i = 0; i < 64; i++)
		for (size_t j = 0; j < 8; j++)
			words[i][j] = "etaoinshrdlucmfw"
				      [next_random(&random) >> 33 & 15];
}

/* Words of a vocabulary: 6 bits in 8 bytes, of which LZ4 makes 27. */
static void write_text(char *page, size_t n)
{
	uint64_t random = (n + 1) * 2654435761u + version[n];

	for (size_t i = 0; i < PAGE; i += 8)
		memcpy(page + i, words[next_random(&random) >> 30 & 63], 8);
}

static void verify_text(size_t n)
{
	static _Thread_local char want[PAGE];

	write_text(want, n);
	if (!memcmp(data + n * PAGE, want, PAGE))
		return;
	fprintf(stderr, "page %zu is not what was written\n", n);
	_exit(1);
}

static void verify_whole(void)
{
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify_text(n);
}

static void verify_in_child(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		for (size_t n = 0; n < DATA_PAGES; n += 16)
			verify_text(n);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* Some of the pages are in use all the time: every sixteenth MiB. */
static void *use_some(void *arg)
{
	uint64_t random = 1;

	(void)arg;
	while (!ending) {
		uint64_t r = next_random(&random);
		size_t n = (r >> 20) % (DATA_PAGES / 16);

		verify_text(n);
		if (r & 7)
			continue;
		if (r & 8)
			CHECK(!madvise(data + n * PAGE, PAGE, MADV_DONTNEED));
		version[n]++;
		write_text(data + n * PAGE, n);
		usleep(100);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	make_words();
	data = map_data(0);
	for (size_t n = 0; n < DATA_PAGES; n++)
		write_text(data + n * PAGE, n);
	CHECK(!pthread_create(&thread, NULL, use_some, NULL));
	sleep(SECONDS);
	ending = true;
	pthread_join(thread, NULL);
	verify_in_child();
	verify_whole();
	sleep(2);
	verify_in_child();
	verify_whole();
	return 0;
}
