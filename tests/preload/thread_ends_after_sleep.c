/* SPDX-License-Identifier: MIT */
/*
 * A thread sleeps for a long time deep down in its stack, while others use all
 * the memory there is, and then ends by the bare system call.  The kernel
 * clears the id in the thread's descriptor, which nobody has touched since;
 * pthread_join waits for that.  (What a task that ends finds missing, the
 * kernel asks nobody for.)
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "pattern.h"

#define THREADS	8

static char *data;
static _Atomic int stop;

static __attribute__((noinline)) void end_deep_down(void)
{
	volatile char deep[64 * 1024];
	struct timespec t = { 2, 0 };

	deep[0] = 1;
	syscall(SYS_nanosleep, &t, NULL);
	syscall(SYS_exit, 0);
	deep[sizeof(deep) - 1] = deep[0];
}

static void *sleeper(void *arg)
{
	end_deep_down();
	return arg;
}

static void *stir(void *arg)
{
	while (!stop)
		verify_all(data, DATA_PAGES, 0);
	return arg;
}

int main(void)
{
	pthread_t t[THREADS];
	pthread_t stirrer;

	data = map_data(0);
	CHECK(!pthread_create(&stirrer, NULL, stir, NULL));
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, sleeper, NULL));
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	stop = 1;
	pthread_join(stirrer, NULL);
	return 0;
}
