/* SPDX-License-Identifier: MIT */
/*
 * Signals by thousands hit threads that wait for stored pages.  The handlers
 * themselves touch stored pages, and run on alternate stacks that get stored
 * too; some leave by siglongjmp.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>

#include "pattern.h"

#define THREADS	3
#define SECONDS	8	/* at least, */
#define ENOUGH	1000	/* and signals */
#define STACK	64	/* pages */

static char *data;
static _Atomic int stop;
static _Atomic unsigned long handled;
static _Thread_local sigjmp_buf out;
static _Thread_local volatile sig_atomic_t may_leave;
static _Thread_local uint64_t random_state;

static void on_signal(int sig)
{
	size_t n = next_random(&random_state) % DATA_PAGES;
	char local[2 * PAGE];

	fill(local, n);
	verify(data + n * PAGE, n);
	verify(local, n);
	handled++;
	if (sig == SIGUSR2 && may_leave) {
		/* it unblocks signals while still on this stack: those that
		   come then must not do the same, on top, without end */
		may_leave = 0;
		siglongjmp(out, 1);
	}
}

static void use_stack(size_t me)
{
	stack_t alt = { .ss_sp = map_pages(STACK), .ss_size = STACK * PAGE };

	CHECK(!sigaltstack(&alt, NULL));
	random_state = me * 99 + 1;
}

static void *reader(void *arg)
{
	volatile uint64_t random = (size_t)arg + 1;

	use_stack((size_t)arg);
	while (!stop) {
		uint64_t r = random;
		size_t n = next_random(&r) % DATA_PAGES;

		random = r;
		if (sigsetjmp(out, 1) == 0) {
			may_leave = 1;
			verify(data + n * PAGE, n);
		}
		may_leave = 0;
	}
	return NULL;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_ONSTACK | SA_RESTART };
	double end = now() + SECONDS;
	pthread_t t[THREADS];

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	data = map_data(0);
	use_stack(THREADS);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, reader, (void *)i));
	for (unsigned i = 0; now() < end || handled < ENOUGH; i++) {
		pthread_kill(t[i % THREADS], i % 5 ? SIGUSR1 : SIGUSR2);
		if (i % 50 == 0) {
			raise(SIGUSR1);
			sleep_ms(1);
		}
	}
	stop = 1;
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
