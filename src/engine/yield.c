/* SPDX-License-Identifier: MIT */
/*
 * A round goes through the entries of the exempt set.  If it had to leave
 * something - a page just being packed, an event outstanding - another one
 * follows.  It begins by reading how often was asked: what was added before
 * that, it sees.
 */
#include "engine/yield.h"

#include "base/count.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/keep.h"
#include "engine/whole.h"

/* The kernel itself holds what is locked, and all may be. */
#define YIELDED		(EXEMPT_ALL & ~EXEMPT_LOCKED)
#define POLL_NS		(20 * NS_PER_MS) /* a wake-up may have been missed */

uint32_t yield_ask(struct engine *e)
{
	return atomic_fetch_add(&e->yield.asked, 1) + 1;
}

bool yield_wait(struct engine *e, uint32_t ticket, uint64_t max_ns)
{
	const uint64_t until = sys_now_ns() + max_ns;
	_Atomic uint32_t *done = &e->yield.done;
	uint32_t is;

	engine_ring(e);
	while ((int32_t)((is = atomic_load(done)) - ticket) < 0) {
		if (atomic_load(&e->ready) == 2 || sys_now_ns() > until)
			return false;
		thread_wait(done, is, POLL_NS);
	}
	return true;
}

bool yield_is_due(const struct engine *e)
{
	return atomic_load(&e->yield.asked) != atomic_load(&e->yield.done);
}

bool yield_allows(struct engine *e, uintptr_t start, uintptr_t end)
{
	/* pairs with the exclusive look at the end of the work */
	return likely(!yield_is_due(e)) ||
	       !exempt_overlaps(&e->exempt, YIELDED, start, end);
}

/* Exclusive.  Nothing is away in [START, END): no word has a place. */
static bool forget_words(struct engine *e, uintptr_t start, uintptr_t end)
{
	uintptr_t at = start;
	struct chunk *c;

	while ((c = page_next_chunk(&e->pages, at, end))) {
		at = c->base + CHUNK_SIZE;
		for (size_t i = 0; i < CHUNK_PAGES; i++) {
			uintptr_t addr = c->base + i * PAGE_SIZE;
			uint64_t word = atomic_load(&c->words[i]);

			if (addr < start || addr >= end)
				continue;
			if (page_is_away(word))
				return false;
			/* DYING lasts until a fault shows that it is gone */
			if (page_state(word) == PAGE_HERE &&
			    !page_has_object(word))
				page_set(&e->pages, &c->words[i], 0);
		}
	}
	return true;
}

/* Let go of [START, END), a region or a part of one; false: not yet. */
static bool let_go(struct engine *e, uintptr_t start, uintptr_t end)
{
	bool ok;

	order_exclude(&e->order);
	ok = !fork_is_snapshot(&e->fork);
	if (ok) {
		keep_forget(e, start, end);
		ok = forget_words(e, start, end);
	}
	if (ok && (ok = still_change(&e->still))) {
		uffd_unregister(&e->main, start, end - start);
		region_cut(&e->regions, start, end);
		count_one(UZSWAP_COUNT_regions_returned);
		still_changed(&e->still);
	}
	order_admit(&e->order);
	return ok;
}

/* What is registered in [START, END); true if nothing is any more. */
static bool give_back(struct helper *h, uintptr_t start, uintptr_t end)
{
	struct engine *e = h->engine;
	struct yield *y = &e->yield;
	struct region r;
	uintptr_t at = start;

	while (region_next(&e->regions, at, &r) && r.start < end) {
		const uintptr_t from = r.start > start ? r.start : start;
		const uintptr_t to = r.end < end ? r.end : end;
		bool moved = false;

		if (y->at < from || y->at >= to)
			y->at = from;
		if (!whole_piece(h, &y->at, to, &moved))
			return false;
		y->at = 0;
		if (!let_go(e, from, to))
			y->left = true;
		at = to;
	}
	return true;
}

void yield_work(struct helper *h)
{
	struct engine *e = h->engine;
	struct yield *y = &e->yield;
	uint32_t entry = y->entry;
	uintptr_t start;
	uintptr_t end;

	if (likely(!yield_is_due(e)))
		return;
	if (!entry)
		y->ticket = atomic_load(&y->asked);
	while (exempt_next(&e->exempt, &entry, YIELDED, &start, &end)) {
		if (!give_back(h, start, end))
			return;
		y->entry = entry;
	}
	y->entry = 0;
	if (!y->left) {
		atomic_store(&y->done, y->ticket);
		sys_futex_wake(&y->done, 1 << 16);
	}
	y->left = false;
}
