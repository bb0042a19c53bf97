/* SPDX-License-Identifier: MIT */
/*
 * base/thread_start.c for sanitizers: they know threads by pthread_create()
 * only, and a bare clone() has none of the thread-local memory they need.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

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

#define STACK	MIB
#define NOT_KNOWN	UINT32_MAX	/* as a thread's ID: none */

/*
 * Each has a stack of its own, which is never given back: glibc would hand a
 * child the stacks of its parent's threads, and with them their pthread_t; TSan
 * takes it for those threads, and ends the child.
 */
static int start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pthread_attr_t attr;
	int err;

	if (stack == MAP_FAILED)
		return errno;
	pthread_attr_init(&attr);
	err = pthread_attr_setstack(&attr, stack, STACK);
	if (!err)
		err = pthread_create(thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	if (err)
		munmap(stack, STACK);
	return err;
}

static void *begin(void *arg)
{
	struct thread *t = arg;

	atomic_store(&t->tid, (uint32_t)gettid());
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
	atomic_store(&t->tid, NOT_KNOWN);
	sys_sigprocmask_all(&mask);
	err = start(&thread, begin, t);
	sys_sigprocmask_set(mask);
	if (err)
		atomic_store(&t->tid, 0);
	else
		pthread_detach(thread);
	return -err;
}
