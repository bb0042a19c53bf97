/* SPDX-License-Identifier: MIT */
/*
 * A kernel to be careful with: when Linux 6.18 has to try a page again (it
 * was just being migrated, by memory compaction for example), it moves it and
 * those after it, and says EEXIST as if it had not; asked for the rest, it may
 * then say anything else.  So of a run that did not move as a whole the page
 * tables are asked: what is in a slot that was empty before has been moved.
 *
 * The word is set before the page moves, so that a fault always finds where
 * to look; pages that did not move are set back.
 *
 * A slot whose page was stored, dropped or copied out still holds dead
 * memory; the whole tray is swept to the trash window at the end.
 */
#include "engine/evict_move.h"

#include <sys/mman.h>

#include "base/count.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/keep.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

#define PROTECTED_STEP	16	/* pages passed over after a refusal */
#define TRASH_TRIES	64	/* a moment's contention, then the slow way */

/* --- does it work here? --------------------------------------------------- */

bool evict_move_works(struct engine *e)
{
	uintptr_t slot = staging_addr(&e->staging, 0);
	uint64_t *page = arena_alloc(&e->arena, 2 * PAGE_SIZE);
	uintptr_t addr = (uintptr_t)page;
	size_t done;
	bool ok;

	if (!page || !uffd_has_move(&e->main) || !uffd_has_move(&e->aside))
		return false;
	for (size_t i = 0; i < 2 * PAGE_SIZE / 8; i++)
		page[i] = i * 0x9e3779b97f4a7c15u;
	ok = uffd_move(&e->main, &done, slot, addr, 2 * PAGE_SIZE,
		       0) == UFFD_DONE && done == 2 * PAGE_SIZE;
	/* on to the trash window, which is the second userfaultfd's */
	ok = ok && uffd_move(&e->aside, &done, e->steward.trash, slot,
			     2 * PAGE_SIZE, UFFD_HOLES) == UFFD_DONE;
	for (size_t i = 0; ok && i < 2 * PAGE_SIZE / 8; i++)
		ok = ((uint64_t *)e->steward.trash)[i] ==
		     i * 0x9e3779b97f4a7c15u;
	arena_release(&e->arena, (void *)e->steward.trash, 2 * PAGE_SIZE);
	return ok;
}

/* --- leaving: HERE -> LEAVING ---------------------------------------- */

/* The page did not move after all. */
static void stay(struct engine *e, uintptr_t addr, uint32_t slot)
{
	page_word *w = page_find(&e->pages, addr);
	uint64_t old = atomic_load(w);
	struct store_ref ref;
	bool kept = keep_take(e, slot, &ref);

	atomic_store(staging_owner(&e->staging, slot), 0);
	for (;;) {
		bool ours = page_where(old) == slot;

		if (page_state(old) == PAGE_LEAVING && ours) {
			if (page_shift(&e->pages, w, &old, kept
				       ? keep_word(old, ref)
				       : page_at(old, PAGE_HERE, 0)))
				return;
			continue;
		}
		if (page_state(old) != PAGE_ARRIVING || !ours)
			break;
		/* a server looks into the slot just now, finds nothing; it
		   may have lost its CPU */
		sys_yield();
		old = atomic_load(w);
	}
	if (kept)
		store_drop(&e->store, ref);
}

bool evict_move_is_filled(struct engine *e, uint64_t slot)
{
	return pagemap_is_here(staging_addr(&e->staging, slot));
}

/*
 * The first DONE of the NR pages have moved, by the kernel's word; the others
 * are where they are found.  How many slots are used then; a server may have
 * taken a page in between back already.
 */
static size_t keep_moved(struct engine *e, uintptr_t addr, uint32_t slot,
			 size_t done, size_t nr)
{
	unsigned char filled[CHUNK_PAGES];
	size_t used = done;

	if (done < nr)
		pagemap_are_here(staging_addr(&e->staging, slot + done),
				 nr - done, filled + done);
	for (size_t i = done; i < nr; i++) {
		if (filled[i])
			used = i + 1;
		else
			stay(e, addr + i * PAGE_SIZE, slot + (uint32_t)i);
	}
	return used;
}

/* One section: mark, move, set back what did not move. */
static enum uffd_result move_run(struct helper *h, struct tray *t,
				 size_t *moved, uintptr_t addr, size_t nr)
{
	struct engine *e = h->engine;
	enum uffd_result r = UFFD_HOLE;
	uint32_t slot = staging_slot(&e->staging, t, t->used);
	size_t done = 0;
	uint64_t began_ns = 0;

	*moved = 0;
	order_enter(&e->order, h->slot);
	if (!region_has(&e->regions, addr, addr + nr * PAGE_SIZE) ||
	    !yield_allows(e, addr, addr + nr * PAGE_SIZE) ||
	    fork_is_snapshot(&e->fork)) {
		order_leave(&e->order, h->slot);
		return UFFD_GONE;
	}
	nr = evict_mark(h, t, addr, nr, PAGE_LEAVING);
	torture_pause();
	if (!h->server)
		began_ns = sys_now_ns();
	if (nr)
		r = uffd_move(&e->main, &done, staging_addr(&e->staging, slot),
			      addr, nr * PAGE_SIZE, 0);
	done = keep_moved(e, addr, slot, done / PAGE_SIZE, nr);
	if (r == UFFD_DONE)
		r = UFFD_HOLE;	/* a page further on is not ours to move */
	t->used += (uint32_t)done;
	order_leave(&e->order, h->slot);
	if (done && !h->server)
		visit_note_move(h, sys_now_ns() - began_ns);
	count_add(UZSWAP_COUNT_leave_moved, done);
	*moved = done;
	return r;
}

/*
 * A page shared since a fork stays unmovable until it is written.  If this
 * process alone maps it, have the kernel do as if; while another one does,
 * storing it would free nothing.  Of the NR pages at ADDR, how many are to be
 * passed over; all that are like the first, as trying each takes long.
 */
static size_t after_busy(struct helper *h, uintptr_t addr, size_t nr,
			 uintptr_t *cured)
{
	bool exclusive;
	size_t n = pagemap_alike(&h->pagemap, addr, nr, &exclusive);

	/* populating may fault: not for a server */
	if (exclusive && !h->server) {
		if (*cured != addr &&
		    !sys_madvise(addr, n * PAGE_SIZE, MADV_POPULATE_WRITE)) {
			*cured = addr;
			count_add(UZSWAP_COUNT_unshared, n);
			return 0;
		}
		n = 1;		/* this one is pinned */
	}
	n = max_size(n, 1);
	count_add(UZSWAP_COUNT_skip_busy, n);
	return n;
}

/*
 * What to do about the page at which a move of NR pages stopped: how many to
 * pass over.  REFUSED may only mean that the run reaches into the next
 * mapping: *MOST, the longest run to try, is halved then.
 */
static size_t after_stop(enum uffd_result r, size_t nr, size_t *most)
{
	switch (r) {
	case UFFD_HOLE:
		return 1;
	case UFFD_REFUSED:
		if (nr > 1) {
			*most = nr / 2;
			return 0;
		}
		count_one(UZSWAP_COUNT_skip_protected);
		return PROTECTED_STEP;
	case UFFD_ALREADY:
	case UFFD_DONE:
	case UFFD_BUSY:
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_GONE:
		return CHUNK_PAGES;	/* enough for now */
	}
	return CHUNK_PAGES;
}

/* All of a huge page in one move, into sixteen trays at once. */
static size_t leave_huge(struct helper *h, uintptr_t addr)
{
	struct engine *e = h->engine;
	struct tray *t = staging_open_huge(&e->staging);
	size_t moved = 0;

	if (!t)
		return 0;
	/* the slots of the following trays continue those of the first */
	move_run(h, t, &moved, addr, CHUNK_PAGES);
	evict_enqueue(h, t, HUGE_TRAYS, moved);
	return moved;
}

size_t evict_move_leave(struct helper *h, uintptr_t addr, size_t nr,
			bool huge)
{
	size_t total = 0;
	size_t most = TRAY_SLOTS;
	uintptr_t cured = 0;	/* where a move was tried twice */

	if (huge && nr == CHUNK_PAGES) {
		total = leave_huge(h, addr);
		addr += total * PAGE_SIZE;
		nr -= total;
	}
	while (nr && evict_tray(h)) {
		size_t n = min_size(min_size(nr, most),
				    TRAY_SLOTS - h->tray->used);
		size_t moved;
		enum uffd_result r = move_run(h, h->tray, &moved, addr, n);

		total += moved;
		addr += moved * PAGE_SIZE;
		nr -= moved;
		if (moved == n) {
			most = TRAY_SLOTS;
			continue;
		}
		n = r == UFFD_BUSY ? after_busy(h, addr, nr, &cured)
				   : after_stop(r, n - moved, &most);
		n = min_size(n, nr);
		addr += n * PAGE_SIZE;
		nr -= n;
	}
	return total;
}

/* --- coming back, and clearing up ----------------------------------------- */

enum uffd_result evict_move_back(struct engine *e, uintptr_t addr,
				 uint64_t slot, unsigned how)
{
	struct tray *t = &e->staging.trays[slot / TRAY_SLOTS];
	uintptr_t from = staging_addr(&e->staging, slot);
	size_t done;
	enum uffd_result r = uffd_move(&e->main, &done, addr, from, PAGE_SIZE,
				       how);

	if (r == UFFD_ALREADY) {
		/*
		 * Its evictor is done with it, and the slot is empty: a lie.
		 * A probe's always is, once LEAVING: with its slot filled the
		 * page was copied while somebody forked, and moved since.
		 */
		if (probe_owns(e, slot) ||
		    (slot % TRAY_SLOTS < atomic_load(&t->used) &&
		     !evict_move_is_filled(e, slot))) {
			uffd_wake(&e->main, addr, PAGE_SIZE);
			return UFFD_DONE;
		}
		atomic_store(&t->doubt, true);
	}
	/*
	 * Shared since a fork, or the mapping's protection has changed.  But
	 * its evictor may be about to move it: reading an empty slot would be
	 * a fault that we have to answer ourselves.
	 */
	if (r == UFFD_BUSY || r == UFFD_REFUSED)
		r = evict_move_is_filled(e, slot)
		  ? uffd_copy(&e->main, &done, addr, (const void *)from,
			      PAGE_SIZE, how)
		  : UFFD_HOLE;
	return r;
}

/*
 * Free the memory of NR dead slots.  By way of the trash window, as dropping
 * it in place would raise an event; pages that can't be moved (shared since
 * a fork) are dropped in place after all, but not by a server, which would
 * wait for itself.
 */
bool evict_move_empty(struct helper *h, uintptr_t from, size_t nr)
{
	struct engine *e = h->engine;
	size_t len = nr * PAGE_SIZE;
	size_t at = 0;
	size_t done;

	for (int i = 0; i < TRASH_TRIES && at < len; i++) {
		enum uffd_result r = uffd_move(&e->aside, &done,
					       h->trash + at, from + at,
					       len - at, UFFD_HOLES);

		at += done;
		if (r == UFFD_HOLE)
			at = len;	/* nothing left in there */
		else if (r == UFFD_BUSY || r == UFFD_REFUSED)
			break;
	}
	sys_madvise(h->trash, len, MADV_DONTNEED);
	if (at >= len)
		return true;
	if (h->server)
		return false;
	return sys_madvise(from + at, len - at, MADV_DONTNEED) == 0;
}
