/* SPDX-License-Identifier: MIT */
/*
 * Stretches of pages that are to be taken out before the hand looks anywhere,
 * oldest first: a ring that forgets the oldest.  Hints only: whoever takes an
 * entry judges its pages anew.
 *
 * Context: server; one may add while others take.
 */
#ifndef UZ_ENGINE_TRAIL_H
#define UZ_ENGINE_TRAIL_H

#include "base/arena.h"
#include "base/pagemap.h"
#include "base/types.h"

struct trail {
	_Atomic uintptr_t *entry;	/* address | pages; 0 empty */
	uint32_t len;			/* a power of two */
	_Atomic uint32_t nr_in;		/* entries written, ever */
	_Atomic uint32_t nr_out;	/* entries taken, ever */
};

/* LEN entries, a power of two.  Returns 0 or -ENOMEM. */
MUST_USE int trail_init(struct trail *t, struct arena *a, uint32_t len);

/* Forget all. */
void trail_clear(struct trail *t);

/* At most PAGE_SIZE - 1 pages; longer runs are left out. */
void trail_add(struct trail *t, struct page_run run);

/*
 * The next entry, unless the last LEAST only are left: false then.  It may be
 * empty (another thread has just taken it, or not yet written it).
 */
bool trail_next(struct trail *t, uint32_t least, struct page_run *run);

#endif
