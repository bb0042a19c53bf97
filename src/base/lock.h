/* SPDX-License-Identifier: MIT */
/*
 * Ranked locks between our own threads, on one futex word each.
 *
 * Program threads never take them (but the forking thread in its fork
 * handlers, when all our threads are parked), so a lock is only ever held
 * for our own short work, never while managed memory is touched.
 *
 * The order is the enum below; there is no other document of the order.  In
 * --enable-debug builds a lock remembers its owner (thread id), and taking
 * it twice dies.
 */
#ifndef UZ_BASE_LOCK_H
#define UZ_BASE_LOCK_H

#include <stdatomic.h>

#include "base/types.h"

/* Take only downwards. */
enum lock_rank {
	LOCK_ORDER,	/* engine/order.c    events before faults	 */
	LOCK_COLD,	/* engine/cold.c     the clock hand		 */
	LOCK_SPACE,	/* space/region.c    the set of regions		 */
	LOCK_CHUNKS,	/* space/page.c      creation of chunks		 */
	LOCK_STAGING,	/* engine/staging.c  batches of the staging area */
	LOCK_JOINT,	/* store/joint.c     pages with the same bytes	 */
	LOCK_CLASS,	/* store/pool.c      slabs of one size		 */
	LOCK_SLABS,	/* store/pool.c      the table of all slabs	 */
	LOCK_LOG,	/* base/log.c        one line at a time		 */
	LOCK_NR
};

struct lock {
	_Atomic uint32_t word;	/* 0 free, 1 held, 2 held and waited for */
	uint32_t rank;		/* enum lock_rank */
	_Atomic int32_t owner;	/* thread id, debug builds only */
};

#define LOCK_INIT(rank_)	{ .word = 0, .rank = (rank_), .owner = 0 }

void lock_init(struct lock *l, enum lock_rank rank);
void lock_take(struct lock *l);
bool lock_try(struct lock *l);
void lock_drop(struct lock *l);

/* For assertions: is it held, by whoever?  By us, in debug builds. */
bool lock_is_held(const struct lock *l);

#endif
