/* SPDX-License-Identifier: MIT */
/*
 * Which pages leave together, with engine B.
 *
 * One call of mremap() with its event costs as much as several pages are
 * worth, and takes a page as fast as five hundred.  Where half of memory is
 * stored, what is cold lies here and there, and nothing between: so a flight
 * (evict_remap.h) is a *window*, from one page that is to leave to another,
 * over pages that are STORED.  Of these nothing is there to be taken, and
 * while the flight is on nobody fills them in.
 *
 * A window ends before a page that stays, and before any of which it is not
 * certain that it is absent.  In staging it has a slot for each of its pages;
 * those of absent ones have no owner.
 *
 * Context: worker.
 */
#ifndef UZ_ENGINE_DEPART_H
#define UZ_ENGINE_DEPART_H

#include "base/types.h"
#include "space/page.h"

struct helper;

/* Pages of one chunk that are to leave. */
struct departures {
	uintptr_t chunk;
	uint64_t pages[CHUNK_PAGES / 64];	/* a bit each */
	uint32_t nr;
};

/*
 * NR pages at ADDR, all in one chunk, are to leave, with others of that chunk
 * that may follow.  Returns how many pages left, of the chunk before.
 */
size_t depart_add(struct helper *h, uintptr_t addr, size_t nr);

/* Nothing follows: how many left. */
size_t depart_all(struct helper *h);

/* For a flight: is the page at ADDR one of them? */
static inline bool depart_has(const struct departures *d, uintptr_t addr)
{
	size_t at = (addr & (CHUNK_SIZE - 1)) / PAGE_SIZE;

	return d->pages[at / 64] >> (at % 64) & 1;
}

/* Are all of NR pages at ADDR? */
static inline bool depart_is_full(const struct departures *d, uintptr_t addr,
				  size_t nr)
{
	size_t n = 0;

	while (n < nr && depart_has(d, addr + n * PAGE_SIZE))
		n++;
	return n == nr;
}

#endif
