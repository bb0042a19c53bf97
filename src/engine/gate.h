/* SPDX-License-Identifier: MIT */
/*
 * A gate between the program's changes of its address space and engine B.
 *
 * Engine B takes pages by a system call that acts on whatever is mapped at an
 * address at that moment.  Between our last look and that moment the program
 * must not unmap the range and map something else there.  So the hooks of
 * munmap, mremap, mmap(MAP_FIXED), brk, and of free and realloc of big blocks
 * stand inside the gate while libc does its work, and an evictor closes the
 * gate for one run of pages.
 *
 *	program   enter .. munmap() .. leave	many at once
 *	evictor   close .. look, take .. open	nobody inside
 *
 * Nobody waits for ever: an evictor gives up after a while (a thread may be
 * stopped, or interrupted by a signal, inside), and lets everybody in who
 * waited before it closes again.  With engine A it is never active and costs
 * a branch.
 */
#ifndef UZ_ENGINE_GATE_H
#define UZ_ENGINE_GATE_H

#include <stdatomic.h>

#include "base/types.h"

#define GATE_SLOTS	16u	/* to spread the threads over cache lines */

struct gate_slot {
	_Atomic int32_t inside;	/* threads of the program */
} CACHE_ALIGNED;

struct gate {
	_Atomic uint32_t active;	/* engine B works in this process */
	_Atomic uint32_t closed;	/* by how many evictors; futex */
	_Atomic int32_t queue;		/* threads waiting to enter */
	struct gate_slot slots[GATE_SLOTS];
};

unsigned gate_enter_active(struct gate *g);
void gate_leave_active(struct gate *g, unsigned pass);

static inline bool gate_is_active(const struct gate *g)
{
	/* relaxed: set once, before anything is taken */
	return atomic_load_explicit(&g->active, memory_order_relaxed);
}

/* A pass for gate_leave.  Context: app, also in signal handlers. */
static inline unsigned gate_enter(struct gate *g)
{
	if (likely(!gate_is_active(g)))
		return GATE_SLOTS;
	return gate_enter_active(g);
}

static inline void gate_leave(struct gate *g, unsigned pass)
{
	if (unlikely(pass != GATE_SLOTS))
		gate_leave_active(g, pass);
}

/*
 * Close it and wait until nobody is inside, but not much longer than MAX_NS.
 * Closed in any case; false: somebody still is inside.
 * Context: worker.
 */
MUST_USE bool gate_close(struct gate *g, uint64_t max_ns);
void gate_open(struct gate *g);

/* In the child of a fork nobody else is inside. */
void gate_fork_child(struct gate *g);

#endif
