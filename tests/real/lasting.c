/* SPDX-License-Identifier: MIT */
/*
 * lasting SECONDS: everything that makes the library keep books, again and
 * again, by one program with memory that stays the same size.  Every byte is
 * known at any time; ends with 1 if one is wrong.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "../preload/pattern.h"

#define PIECE	((size_t)64)	/* pages */
#define PIECES	((size_t)192)	/* 48 MiB */
#define LEN	(PIECE * PAGE)
#define PAUSE_US 2000		/* it is to last, not to heat */

static char *at[PIECES];
static uint64_t seed[PIECES];	/* 0: all zeros */

static void look(size_t i)
{
	if (seed[i])
		verify_all(at[i], PIECE, seed[i]);
	else
		verify_zero(at[i], PIECE);
}

static void *look_in_thread(void *i)
{
	look((size_t)i);
	return NULL;
}

static void look_in_child(size_t first)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		for (size_t i = first % 16; i < PIECES; i += 16)
			look(i);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

static void write_anew(size_t i, uint64_t with)
{
	seed[i] = with;
	fill_all(at[i], PIECE, with);
}

static void step(uint64_t *random)
{
	size_t i = next_random(random) % PIECES;
	pthread_t t;

	look(i);
	switch (next_random(random) % 64) {
	case 0:
		look_in_child(i);
		break;
	case 1 ... 8:
		CHECK(!pthread_create(&t, NULL, look_in_thread, (void *)i));
		CHECK(!pthread_join(t, NULL));
		break;
	case 9 ... 16:
		CHECK(!madvise(at[i], LEN, MADV_DONTNEED));
		seed[i] = 0;
		break;
	case 17 ... 24:
		CHECK(!munmap(at[i], LEN));
		at[i] = map_pages(PIECE);
		seed[i] = 0;
		break;
	case 25 ... 32:
		at[i] = mremap(at[i], LEN, 2 * LEN, MREMAP_MAYMOVE);
		CHECK(at[i] != MAP_FAILED);
		CHECK(mremap(at[i], 2 * LEN, LEN, 0) == at[i]);
		break;
	default:
		write_anew(i, next_random(random) | 1);
	}
}

int main(int argc, char **argv)
{
	const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 60);
	uint64_t random = (uint64_t)getpid();

	for (size_t i = 0; i < PIECES; i++) {
		at[i] = map_pages(PIECE);
		write_anew(i, i + 1);
	}
	while (time(NULL) < end) {
		step(&random);
		usleep(PAUSE_US);
	}
	for (size_t i = 0; i < PIECES; i++)
		look(i);
	return 0;
}
