/* SPDX-License-Identifier: MIT */
/*
 * The kernel says that somebody waits for memory, before the limit is near.
 *
 *	v2 group   memory.pressure of our group, a trigger (PSI)
 *	v1 group   memory.pressure_level "critical": the group could hardly be
 *		   reclaimed; also when somebody tried to lower its limit below
 *		   what it uses, and got EBUSY
 *	machine    /proc/pressure/memory, counted only while the machine has
 *		   little available: it may be a group of others' that waits
 *
 * What cannot be opened - psi off at boot, a read-only cgroup file system, no
 * right to set a trigger - is left out; usage and MemAvailable are looked at
 * anyhow.  Our own faults are no stall for the kernel: waiting for a
 * userfaultfd is sleep.
 *
 * An answer is a wish: so much headroom as there is now, and a step more.
 * Evictors work towards it, no fault waits for it.  The step is a
 * thirty-second of what is used, doubles when the kernel says so again soon,
 * and the wish ends when it has been silent for a while, or when there is
 * another limit.  So a limit on v1 that was refused is taken when it is
 * written again some times.
 *
 * The steward waits for a futex, not for descriptors; so the first server,
 * which sleeps in epoll, waits for the triggers as well and rings for it.
 * Where that cannot be, they are polled with the steward's other work.
 * Descriptors belong to the table of the calling thread, as in
 * engine/pressure.h.  Context: steward, unless noted.
 */
#ifndef UZ_ENGINE_STALL_H
#define UZ_ENGINE_STALL_H

#include <stdatomic.h>

#include "base/types.h"
#include "engine/pressure.h"

/* Whose trigger it is: numbers of epoll events, and bits. */
enum { STALL_GROUP = 0x10, STALL_MACHINE = 0x20 };

struct stall {
	int wait_fd;		/* epoll that waits for the triggers, or -1 */
	_Atomic uint32_t fired;	/* STALL_*, since the last look */
	int group_fd;		/* memory.pressure or an eventfd, or -1 */
	int machine_fd;		/* /proc/pressure/memory, or -1 */
	bool v1;		/* group_fd is an eventfd */
	unsigned doubled;	/* times, of the step */
	int64_t wish;		/* headroom wanted, bytes; 0 none */
	uint64_t limit;		/* that was binding then */
	uint64_t asked_ns;	/* when the kernel said so last */
	uint64_t polled_ns;	/* when it was asked last */
	uint64_t opened_ns;	/* pressure.found_ns then */
};

/* Nothing is open: at the start, and in the child of a fork. */
void stall_init(struct stall *s);

/*
 * From now on the epoll descriptor WAIT_FD, or -1 for none, waits for the
 * triggers, also for those of another group; who gets one of STALL_* from it
 * calls stall_fire() and has the steward look.
 */
void stall_wait_on(struct stall *s, int wait_fd);

/* The triggers of SOURCE have fired.  Context: server. */
void stall_fire(struct stall *s, uint32_t source);

/*
 * Ask what the kernel says, with what NOW says; ten times a second at most,
 * unless it has fired.
 */
void stall_look(struct stall *s, struct pressure *p,
		const struct pressure_now *now);

void stall_close(struct stall *s);

#endif
