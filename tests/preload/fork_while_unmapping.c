/* SPDX-License-Identifier: MIT */
/*
 * Forks while other threads unmap, map, give up and refault memory as fast as
 * they can.  What the child sees of the threads' own ranges is undefined in
 * part, but never stale: a page is zero or was filled by its owner; what the
 * threads leave alone is there in full.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "pattern.h"

#define THREADS	3
#define FORKS	15
#define OWN	2048	/* pages per thread at the front of the data */
#define PIECE	16

static char *data;
static _Atomic int stop;

static void *churn(void *arg)
{
	char *p = data + (size_t)arg * OWN * PAGE;
	uint64_t random = (size_t)arg + 1;

	for (uint64_t i = 0; !stop; i++) {
		size_t n = next_random(&random) % (OWN / PIECE) * PIECE;
		char *at = p + n * PAGE;
		const int prot = PROT_READ | PROT_WRITE;
		const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

		if (i % 2)
			CHECK(!madvise(at, PIECE * PAGE, MADV_DONTNEED));
		else
			CHECK(mmap(at, PIECE * PAGE, prot, flags, -1, 0) ==
			      at);
		CHECK(is_zero(at + i % PIECE * PAGE));
		fill_all(at, PIECE, (size_t)(at - data) / PAGE);
		verify_all(at, PIECE, (size_t)(at - data) / PAGE);
	}
	return NULL;
}

static void child(void)
{
	for (size_t n = THREADS * OWN; n < DATA_PAGES; n++)
		verify(data + n * PAGE, n);
	for (size_t n = 0; n < THREADS * OWN; n++) {
		const uint64_t *w = (const void *)(data + n * PAGE);

		for (size_t i = 0; i < WORDS; i++)
			CHECK(!w[i] || w[i] == pattern_word(n, i));
	}
	_exit(0);
}

int main(void)
{
	pthread_t t[THREADS];

	data = map_data(0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, churn, (void *)i));
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid)
			child();
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	stop = 1;
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
