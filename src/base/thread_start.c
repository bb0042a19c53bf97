/* SPDX-License-Identifier: MIT */
/*
 * Layout of a helper's memory, low to high addresses:
 *
 *	| guard page | stack ............... | tls | tcb |
 *
 * The thread pointer points at the tcb.  libc code that we may reach
 * (memcpy) uses nothing of it but, on x86-64, the stack protector's canary
 * and the self pointer, which we provide.
 *
 * Apart from thread.c, as programs with sanitizers have another one.
 */
#include "base/thread.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/sys.h"

#define STACK_LEN	(256 * KIB)	/* deepest use seen: 40 KiB */
#define TCB_LEN		(2 * PAGE_SIZE)	/* one page below, one above tp */

static void thread_begin(void *arg)
{
	struct thread *t = arg;

	sys_prctl(PR_SET_NAME, (unsigned long)t->name, 0, 0, 0);
	t->run(t->arg);
	sys_exit_thread(0);
}

/* The block the thread pointer names: self pointers where glibc has them. */
static void *make_tcb(void *block)
{
	char *tcb = (char *)block + PAGE_SIZE;

	memset(block, 0, TCB_LEN);
#if defined(__x86_64__)
	const uintptr_t self = (uintptr_t)tcb;

	memcpy(tcb, &self, sizeof(self));	/* fs:0  */
	memcpy(tcb + 16, &self, sizeof(self));	/* fs:16 */
#endif
	return tcb;
}

int thread_start(struct thread *t, struct arena *a, const char *name,
		 void (*run)(void *arg), void *arg)
{
	char *top;
	uint64_t mask = 0;
	long tid;

	if (!t->stack) {
		char *low = arena_reserve(a, STACK_LEN + PAGE_SIZE, PAGE_SIZE);

		/* the lowest page stays PROT_NONE: the guard */
		if (!low || arena_commit(a, low + PAGE_SIZE, STACK_LEN))
			return -ENOMEM;
		t->stack = low + PAGE_SIZE;
	}
	t->run = run;
	t->arg = arg;
	t->name = name;
	top = (char *)t->stack + STACK_LEN - TCB_LEN;
	sys_sigprocmask_all(&mask);
	tid = sys_clone_thread(top, make_tcb(top), &t->tid, thread_begin, t);
	sys_sigprocmask_set(mask);
	return tid < 0 ? (int)tid : 0;
}
