/* SPDX-License-Identifier: MIT */
/*
 * Memory is touched as fast as memset can, in one go and by two threads at
 * once, given back, and touched again: the moment in which the limit is
 * passed if nobody is quick.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "pattern.h"

static char *data;

static void *fill_half(void *arg)
{
	size_t half = (size_t)arg;

	memset(data + half * DATA_LEN / 2, (int)half + 1, DATA_LEN / 2);
	return NULL;
}

int main(void)
{
	for (int round = 0; round < 4; round++) {
		pthread_t t;

		data = map_pages(DATA_PAGES);
		CHECK(!pthread_create(&t, NULL, fill_half, (void *)1));
		fill_half((void *)0);
		pthread_join(t, NULL);
		for (size_t i = 0; i < DATA_LEN; i++)
			if (data[i] != (char)(i >= DATA_LEN / 2 ? 2 : 1))
				CHECK(!"content");
		fill_all(data, DATA_PAGES, (uint64_t)round << 32);
		verify_all(data, DATA_PAGES, (uint64_t)round << 32);
		CHECK(!munmap(data, DATA_LEN));
	}
	return 0;
}
