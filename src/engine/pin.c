/* SPDX-License-Identifier: MIT */
/*
 * A hash table without locks: an entry is written once, by whoever comes first.
 */
#include "engine/pin.h"

#define PROBES	16u	/* places looked at for one page */

static unsigned pin_slot(uintptr_t page, unsigned probe)
{
	uint64_t hash = (uint64_t)(page >> PAGE_SHIFT) * 0x9e3779b97f4a7c15u;

	return ((unsigned)(hash >> (64 - PIN_BITS)) + probe) %
	       PIN_MOST;
}

/* When all places are taken, threads came and went: forget an old one. */
void pin_add(struct pins *p, uintptr_t addr)
{
	uintptr_t page = addr & PAGE_MASK;

	for (unsigned i = 0; i < PROBES; i++) {
		_Atomic uintptr_t *at = &p->page[pin_slot(page, i)];
		uintptr_t there = 0;

		if (atomic_compare_exchange_strong(at, &there, page) ||
		    there == page)
			return;
	}
	atomic_store(&p->page[pin_slot(page, (unsigned)(page >> PAGE_SHIFT) %
					     PROBES)], page);
}

bool pin_is_on(const struct pins *p, uintptr_t page)
{
	for (unsigned i = 0; i < PROBES; i++) {
		uintptr_t there =
			atomic_load_explicit(&p->page[pin_slot(page, i)],
					     memory_order_relaxed);

		if (!there || there == page)
			return there;
	}
	return false;
}
