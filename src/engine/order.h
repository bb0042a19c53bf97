/* SPDX-License-Identifier: MIT */
/*
 * Events before faults: the one rule that keeps every page right.
 *
 * The kernel tells us of unmap, remap and remove through the same queue as
 * page faults.  A thread that acts on a page must not act on what another
 * thread is about to learn from an event.  So:
 *
 *	section    look at page words, load, COPY or MOVE, change the words.
 *	           Many threads at once.  order_enter() .. order_leave()
 *	exclusive  read the userfaultfd and apply the events in the batch.
 *	           One thread, nobody in a section.
 *
 * Then every section lies wholly before or wholly after the reading of any
 * event.  Before: the event's raiser still waits in the kernel, and what the
 * section puts there is still under the old mapping; the raiser will drop
 * it, or the operation gets EAGAIN.  After: the words say what is true now.
 *
 * A section is short and never waits: no lock above LOCK_ORDER, no reading
 * of managed memory, no madvise on it (that could raise an event which only
 * an exclusive reader can take).
 *
 * It is a reader-writer lock with one flag per reading thread, in its own
 * cache line: entering costs one uncontended store and one load.
 */
#ifndef UZ_ENGINE_ORDER_H
#define UZ_ENGINE_ORDER_H

#include <stdatomic.h>

#include "base/lock.h"
#include "base/types.h"

#define ORDER_SLOTS	32	/* helpers that may enter sections */

struct order_slot {
	_Atomic uint32_t in;	/* odd inside a section; its owner counts */
} CACHE_ALIGNED;

struct order {
	struct lock lock;		/* LOCK_ORDER: one exclusive holder */
	_Atomic uint32_t exclusive;	/* 1 held or wanted; futex */
	_Atomic uint32_t asleep;	/* readers waiting for it to be 0 */
	_Atomic uint32_t admitted;	/* exclusive holders that are done */
	struct order_slot slots[ORDER_SLOTS];
};

void order_init(struct order *o);

/* SLOT belongs to the calling thread alone. */
void order_enter(struct order *o, unsigned slot);
void order_leave(struct order *o, unsigned slot);

/* In a long section: let an exclusive thread go first, if one waits. */
static inline void order_pause(struct order *o, unsigned slot)
{
	if (unlikely(atomic_load_explicit(&o->exclusive,
					  memory_order_relaxed))) {
		order_leave(o, slot);
		order_enter(o, slot);
	}
}

void order_exclude(struct order *o);
void order_admit(struct order *o);

/*
 * Wait until all sections and exclusive holders of now have ended; new ones
 * may have begun, and see what was written before.  Holds nothing: the stack
 * of a thread of the program may be taken out from under it, and who brings
 * it back must not wait for this thread.  Context: app.
 */
void order_drain(struct order *o);

#endif
