/* SPDX-License-Identifier: MIT */
/*
 * O_DIRECT reads and writes with stored pages as buffers: the device reads and
 * writes the program's memory itself, while other threads keep memory short
 * and other pages of the same range come and go.
 *
 * Engine wp is left out: there the kernel does not refuse to take a page under
 * DMA, see engine/evict_remap.h.
 *
 * run.sh: engines=move
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define BLOCK	16	/* pages per transfer */
#define SECONDS	6

static char *data;
static _Atomic int stop;

static void *stir(void *arg)
{
	uint64_t random = 3;

	while (!stop) {
		size_t n = next_random(&random) % (DATA_PAGES / 2);

		verify(data + n * PAGE, n);
	}
	return arg;
}

int main(void)
{
	char name[] = "/var/tmp/direct_io.XXXXXX";
	int fd = mkostemp(name, O_DIRECT);
	double end = now() + SECONDS;
	uint64_t random = 7;
	pthread_t t;

	unlink(name);
	if (fd < 0)
		SKIP("no O_DIRECT in /var/tmp");
	data = map_data(0);
	CHECK(!pthread_create(&t, NULL, stir, NULL));
	while (now() < end) {
		uint64_t r = next_random(&random);
		size_t blocks = DATA_PAGES / 2 / BLOCK;
		size_t n = DATA_PAGES / 2 + r % blocks * BLOCK;
		size_t m = DATA_PAGES / 2 + (r >> 32) % blocks * BLOCK;

		if (n == m)
			continue;
		CHECK(pwrite(fd, data + n * PAGE, BLOCK * PAGE, 0) ==
		      (ssize_t)(BLOCK * PAGE));
		CHECK(pread(fd, data + m * PAGE, BLOCK * PAGE, 0) ==
		      (ssize_t)(BLOCK * PAGE));
		verify_all(data + m * PAGE, BLOCK, n);
		fill_all(data + m * PAGE, BLOCK, m);
	}
	stop = 1;
	pthread_join(t, NULL);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
