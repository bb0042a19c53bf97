/* SPDX-License-Identifier: MIT */
/*
 * Our helper threads, without pthread_create.
 *
 * The library may have to wake up inside the program's allocator, with its
 * locks held; pthread_create allocates there.  So a helper is a raw clone()
 * on a stack and a thread control block of our own.  It has no errno, no
 * thread-local variables, and no signals: everything is blocked.
 *
 * The first helper moves to a descriptor table of its own
 * (thread_leave_files); helpers started by it share that table.
 */
#ifndef UZ_BASE_THREAD_H
#define UZ_BASE_THREAD_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/types.h"

struct thread {
	_Atomic uint32_t tid;	/* 0 before it started and after it ended */
	void *stack;		/* STACK_LEN bytes of arena, reused */
	void (*run)(void *arg);
	void *arg;
	const char *name;	/* 15 characters at most, static */
};

/*
 * Start RUN(ARG) in a thread called NAME.  The thread's memory is allocated
 * the first time and reused when the same struct is started again.
 *
 * Returns  0, -ENOMEM, -EAGAIN
 * Context  any
 */
MUST_USE int thread_start(struct thread *t, struct arena *a, const char *name,
			  void (*run)(void *arg), void *arg);

/* Wait until it has ended.  Context: worker. */
void thread_join(struct thread *t);

/*
 * Take a private descriptor table with only KEEP_FD (or -1) open in it.
 * -errno: it is still the program's, and nothing was closed.
 */
MUST_USE int thread_leave_files(int keep_fd);

/* Wait on a futex word while it holds WHILE_IS, at most MAX_NS. */
void thread_wait(_Atomic uint32_t *word, uint32_t while_is, uint64_t max_ns);

/*
 * The same, or until SHARED, which other processes map too, is not SHARED_IS
 * any more.  Before Linux 5.16 that is only seen when the time is over.
 */
void thread_wait_either(_Atomic uint32_t *word, uint32_t while_is,
			_Atomic uint32_t *shared, uint32_t shared_is,
			uint64_t max_ns);

/* Run on this CPU only (an index into the allowed set, modulo its size). */
void thread_pin(unsigned nth);

unsigned thread_nr_cpus(void);

#endif
