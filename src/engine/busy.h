/* SPDX-License-Identifier: MIT */
/*
 * Where the program is at work.
 *
 * What a program uses lies together, as a rule: when its work moves on, one
 * page after the other is asked for in the same few chunks.  A chunk is busy
 * when at least twice as many of its pages came back lately as of a chunk of
 * the mean, and enough to be no chance; fewer are enough while most of what
 * is asked for lies in such chunks.  A fault there brings its neighbours
 * along, and what is there stays, for there are chunks with less use for
 * memory: so a new working set is together after a fraction of the faults.
 *
 * Are accesses spread evenly, or by chance, no chunk is busy, and the rules of
 * cold.h are all there is.  If what is busy is more than fits, there is
 * nothing to be gained by bringing more of it: memory is crowded, and for a
 * while nothing counts as busy.
 *
 * Lately: counts are halved at each tick of eviction time (cold.h).  They are
 * hints: an update may get lost, and chunks may share one.
 *
 * Context: server.
 */
#ifndef UZ_ENGINE_BUSY_H
#define UZ_ENGINE_BUSY_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/types.h"

#define BUSY_BLOCK	(64 * KIB)	/* brought along: 50 us */

struct busy {
	_Atomic uint32_t *chunk;	/* count << 8 | tick, by address */
	uint32_t len;			/* entries, a power of two */
	_Atomic uint32_t total;		/* the same, of all */
	_Atomic uint32_t apart;		/* of that, in chunks that stand out */
	_Atomic uint32_t crowded;	/* in this tick, + 1; 0 never */
};

/* For memory of a few times LIMIT bytes.  Returns 0 or -ENOMEM. */
MUST_USE int busy_init(struct busy *b, struct arena *a, uint64_t limit);

/*
 * The page at ADDR, in one of NR chunks in use, came back in TICK, as somebody
 * asked for it.
 */
void busy_asked(struct busy *b, uintptr_t addr, uint32_t tick, uint32_t nr);

/* Is the chunk of ADDR busy, as one of NR chunks in use? */
bool busy_is(const struct busy *b, uintptr_t addr, uint32_t tick, uint32_t nr);

/* Nothing can leave but what is busy. */
void busy_crowd(struct busy *b, uint32_t tick);

#endif
