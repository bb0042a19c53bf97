/* SPDX-License-Identifier: MIT */
/*
 * Forks while another thread holds a lock that fork() takes, the one of all
 * FILEs, and under it gives memory up, maps it anew or moves it, and uses it.
 * If it had to wait for the end of the fork, that would never come.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "pattern.h"

#define FORKS	10
#define PIECE	16	/* pages: what is mapped anew is to be managed again */
#define OWN	(24 * PIECE)
#define SPARE	(OWN * PAGE)

static char *data;
static _Atomic int stop;

static void use(size_t n)
{
	char *piece = data + n * PAGE;
	char *aside = data + SPARE;
	const size_t len = PIECE * PAGE;
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	const int move = MREMAP_MAYMOVE | MREMAP_FIXED;

	switch (n / PIECE % 3) {
	case 0:
		CHECK(!madvise(piece, len, MADV_DONTNEED));
		verify_zero(piece, PIECE);
		break;
	case 1:
		CHECK(mmap(piece, len, prot, flags, -1, 0) == piece);
		verify_zero(piece, PIECE);
		break;
	case 2:
		CHECK(mremap(piece, len, len, move, aside) == aside);
		verify(aside, n);
		CHECK(mremap(aside, len, len, move, piece) == piece);
		verify_all(piece, PIECE, n);
		break;
	}
	fill_all(piece, PIECE, n);
}

/* fflush(NULL) calls it with all FILEs locked. */
static ssize_t write_under_lock(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	(void)buf;
	for (size_t n = 0; n < OWN; n += PIECE)
		use(n);
	return (ssize_t)len;
}

static void *flush_all(void *arg)
{
	const cookie_io_functions_t io = { .write = write_under_lock };
	FILE *f = fopencookie(NULL, "w", io);

	CHECK(f);
	while (!stop) {
		CHECK(fputc('x', f) == 'x');
		CHECK(!fflush(NULL));
		usleep(200);	/* the lock is not fair */
	}
	return arg;
}

int main(void)
{
	pthread_t t;

	data = map_data(0);
	CHECK(!pthread_create(&t, NULL, flush_all, NULL));
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid) {
			for (size_t n = OWN + PIECE; n < DATA_PAGES; n += 97)
				verify(data + n * PAGE, n);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	stop = 1;
	CHECK(!pthread_join(t, NULL));
	verify_all(data, OWN, 0);
	for (size_t n = OWN + PIECE; n < DATA_PAGES; n++)
		verify(data + n * PAGE, n);
	return 0;
}
