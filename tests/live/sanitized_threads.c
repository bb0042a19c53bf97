/* SPDX-License-Identifier: MIT */
/*
 * base/thread_start.c for sanitizers: they know threads by pthread_create()
 * only, and a bare clone() has none of the thread-local memory they need.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "base/sys.h"
#include "base/thread.h"

#ifdef __SANITIZE_THREAD__
/* A child of several threads starts some again, as ours do; it may. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

static void *begin(void *arg)
{
	struct thread *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	t->run(t->arg);
	atomic_store(&t->tid, 0);
	return NULL;
}

int thread_start(struct thread *t, struct arena *a UNUSED, const char *name,
		 void (*run)(void *arg), void *arg)
{
	pthread_t thread;
	uint64_t mask = 0;
	int err;

	t->run = run;
	t->arg = arg;
	t->name = name;
	atomic_store(&t->tid, 1);
	sys_sigprocmask_all(&mask);
	err = pthread_create(&thread, NULL, begin, t);
	sys_sigprocmask_set(mask);
	if (err)
		atomic_store(&t->tid, 0);
	else
		pthread_detach(thread);
	return -err;
}
