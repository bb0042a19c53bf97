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
