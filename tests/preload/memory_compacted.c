/* SPDX-License-Identifier: MIT */
/*
 * Somebody has the kernel compact memory all the time, which migrates pages
 * while they are evicted and restored.  (Linux 6.18 then moves pages and says
 * that it did not: their content was lost.)
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define ROUNDS	12

static _Atomic int stop;

static void *compact(void *arg)
{
	int fd = *(int *)arg;

	while (!atomic_load(&stop))
		CHECK(pwrite(fd, "1", 1, 0) == 1);
	return NULL;
}

int main(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC);
	pthread_t thread;
	char *p;

	if (fd < 0)
		SKIP("only root may have memory compacted");
	CHECK(!pthread_create(&thread, NULL, compact, &fd));
	p = map_data(900);
	for (int round = 0; round < ROUNDS; round++) {
		verify_all(p, DATA_PAGES, 900);
		for (size_t n = 0; n < DATA_PAGES; n += 3)
			fill(p + n * PAGE, 900 + n);
	}
	atomic_store(&stop, 1);
	pthread_join(thread, NULL);
	verify_all(p, DATA_PAGES, 900);
	return 0;
}
