/* SPDX-License-Identifier: MIT */
/*
 * Four things may happen to a run while it is in flight:
 *
 *	a fault        on a PACKING page it waits, marked WANTED; on a page
 *	               whose word was changed by an event it is put aside.
 *	               So nothing is filled in where the call may take it.
 *	REMOVE         the word becomes DYING and its slot has no owner: what
 *	               the slot gets, if anything, is forgotten.
 *	UNMAP, REMAP   the same.  If it is known before the call, the call is
 *	               not made.  The gate (gate.h) keeps hooked calls out.
 *	no event       after the call: that was somebody else's mapping, which
 *	               came there in between.  It is put back.
 *
 * To begin with, UFFDIO_ZEROPAGE of the first page, in the section, has to
 * say "there is one already": the kernel then has looked that all of the run
 * is in one mapping of ours and that no event is pending.
 *
 * The slots taken become mappings of their own: one tray takes few runs
 * (TRAY_RUNS), so that the program's allowance of mappings is not used up.
 */
#define _GNU_SOURCE
#include "engine/evict_remap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/keep.h"

#ifndef MADV_COLD
#define MADV_COLD	20	/* Linux 5.4 */
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4	/* Linux 5.7 */
#endif

#define GATE_NS		(500 * NS_PER_US)
#define LONG_RUN	(2 * TRAY_SLOTS)	/* worth a row of trays */

/* --- the staging area ------------------------------------------------- */

/* Address space and nothing behind it, over whatever is there. */
static bool wipe(uintptr_t at, size_t len, int how)
{
	return sys_mmap(at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			MAP_NORESERVE | how, -1, 0) == (long)at;
}

/* What came by mremap has the rights of where it came from. */
static int make_readable(uintptr_t at, size_t len)
{
	/* also from the program's protection keys to the common one */
	if (sys_call6(SYS_pkey_mprotect, (long)at, (long)len,
		      PROT_READ | PROT_WRITE, 0, 0, 0) == 0)
		return 0;
	return (int)sys_mprotect(at, len, PROT_READ | PROT_WRITE);
}

void evict_remap_start(struct engine *e)
{
	atomic_store(&e->gate.active, 1);
}

/* Registered with the descriptor that has no events: nobody reads them yet. */
bool evict_remap_works(struct engine *e)
{
	size_t len = staging_len(&e->staging);
	uintptr_t slot = staging_addr(&e->staging, 0);
	uint64_t *page = arena_alloc(&e->arena, 2 * PAGE_SIZE);
	uintptr_t addr = (uintptr_t)page;
	size_t done;
	bool ok;

	if (!page || uffd_register(&e->aside, addr, 2 * PAGE_SIZE, false))
		return false;
	/* in this order: nobody reads events yet */
	if (uffd_unregister(&e->main, e->staging.area, len) ||
	    !wipe(e->staging.area, len, MAP_FIXED))
		return false;
	if (uffd_zero(&e->aside, &done, addr, 2 * PAGE_SIZE) != UFFD_DONE)
		return false;
	for (size_t i = 0; i < 2 * PAGE_SIZE / 8; i++)
		page[i] = i * 0x9e3779b97f4a7c15u;
	ok = sys_mremap(addr, 2 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE |
			MREMAP_FIXED | MREMAP_DONTUNMAP, slot) == (long)slot &&
	     make_readable(slot, 2 * PAGE_SIZE) == 0;
	/* gone from there, and still registered there */
	ok = ok && uffd_copy(&e->aside, &done, addr, (const void *)slot,
			     2 * PAGE_SIZE, 0) == UFFD_DONE;
	for (size_t i = 0; ok && i < 2 * PAGE_SIZE / 8; i++)
		ok = page[i] == i * 0x9e3779b97f4a7c15u &&
		     ((uint64_t *)slot)[i] == page[i];
	return wipe(slot, 2 * PAGE_SIZE, MAP_FIXED) && ok;
}

void evict_remap_pins(struct engine *e, bool wait)
{
	if (e->use_move || atomic_load(&e->stopping) & STOP_FOR_PINS)
		return;
	atomic_fetch_or(&e->stopping, STOP_FOR_PINS);
	atomic_store(&e->note, "io_uring is used, and engine wp cannot tell "
		     "which pages are pinned: nothing more is stored");
	while (wait && atomic_load(&e->fork.busy))
		sys_nanosleep(NS_PER_US * 50);
}

/* --- flights -------------------------------------------------------------- */

size_t evict_remap_before(struct engine *e, uintptr_t addr, size_t nr)
{
	if (likely(e->use_move))
		return nr;
	for (unsigned i = 0; i < e->nr_evictors; i++) {
		struct flight *f = &e->evictors[i].flight;
		uintptr_t end = atomic_load(&f->end);
		uintptr_t start = atomic_load(&f->start);

		if (likely(!end) || addr >= end)
			continue;
		nr = addr >= start ? 0
		   : min_size(nr, (start - addr) / PAGE_SIZE);
	}
	return nr;
}

bool evict_remap_is_own(struct engine *e, const struct uffd_event *ev)
{
	if (ev->kind != UFFD_REMAP || !staging_has(&e->staging, ev->to))
		return false;
	for (unsigned i = 0; i < e->nr_evictors; i++) {
		struct flight *f = &e->evictors[i].flight;

		if (atomic_load(&f->end) && atomic_load(&f->start) == ev->addr)
			atomic_store(&f->seen, 1);
	}
	return true;
}

void evict_remap_disturb(struct engine *e, uintptr_t start, uintptr_t end)
{
	for (unsigned i = 0; i < e->nr_evictors; i++) {
		struct flight *f = &e->evictors[i].flight;

		if (atomic_load(&f->start) < end &&
		    start < atomic_load(&f->end))
			atomic_store(&f->disturbed, 1);
	}
}

/* The page of SLOT, on its way, is as it was, or has left. */
static void land_page(struct engine *e, uint32_t slot, bool left)
{
	uintptr_t addr = atomic_load(staging_owner(&e->staging, slot));
	page_word *w = addr ? page_find(&e->pages, addr) : NULL;
	uint64_t old = w ? atomic_load(w) : 0;
	struct store_ref ref;
	bool kept = !left && keep_take(e, slot, &ref);

	while (w && page_state(old) == PAGE_PACKING &&
	       page_where(old) == slot) {
		uint64_t now = left ? page_at(old, PAGE_LEAVING, slot)
			     : kept ? keep_word(old, ref)
			     : page_at(old, PAGE_HERE, 0);

		if (!page_shift(&e->pages, w, &old, now))
			continue;
		if (!left)
			atomic_store(staging_owner(&e->staging, slot), 0);
		if (old & PAGE_WANTED)
			uffd_wake(&e->main, addr, PAGE_SIZE);
		return;
	}
	if (kept)
		store_drop(&e->store, ref);
}

/* Set the words of a run right.  In a section. */
static void land(struct helper *h, uint32_t slot, size_t nr, bool left)
{
	atomic_store(&h->flight.end, 0);
	for (size_t i = 0; i < nr; i++)
		land_page(h->engine, slot + (uint32_t)i, left);
}

/*
 * The first section: announce and mark, up to *NR pages.  DONE if the kernel
 * agrees that it is one mapping of ours without a change outstanding.
 */
static enum uffd_result take_off(struct helper *h, struct tray *t,
				 uintptr_t addr, size_t *nr)
{
	struct engine *e = h->engine;
	struct flight *f = &h->flight;
	enum uffd_result r = UFFD_GONE;
	size_t done;

	order_enter(&e->order, h->slot);
	if (!atomic_load(&e->stopping) &&
	    region_has(&e->regions, addr, addr + *nr * PAGE_SIZE) &&
	    yield_allows(e, addr, addr + *nr * PAGE_SIZE) &&
	    !fork_is_snapshot(&e->fork)) {
		atomic_store(&f->seen, 0);
		atomic_store(&f->disturbed, 0);
		atomic_store(&f->start, addr);
		atomic_store(&f->end, addr + *nr * PAGE_SIZE);
		*nr = evict_mark(h, t, addr, *nr, PAGE_PACKING);
		atomic_store(&f->end, *nr ? addr + *nr * PAGE_SIZE : 0);
		if (*nr)
			r = uffd_zero(&e->main, &done, addr, *nr * PAGE_SIZE);
		else
			r = UFFD_BUSY;
		if (r == UFFD_ALREADY)
			r = UFFD_DONE;
		if (r != UFFD_DONE)
			land(h, staging_slot(&e->staging, t, t->used), *nr,
			     false);
	}
	order_leave(&e->order, h->slot);
	return r;
}

/* The kernel has taken the old mapping of the slots away and failed then. */
static void repair(struct tray *t, uintptr_t to, size_t len)
{
	/* else somebody's mapping is there now, or ours still: keep off */
	if (!wipe(to, len, MAP_FIXED_NOREPLACE))
		t->lost = true;
}

/* Do what may fail for a moment's want of memory, and must not fail. */
static void insist(struct engine *e, uintptr_t at, size_t len)
{
	for (unsigned i = 0; i < INSIST_MOST; i++) {
		if (uffd_unregister(&e->main, at, len) == 0 &&
		    make_readable(at, len) == 0)
			return;
		sys_nanosleep(INSIST_NS);
	}
	die("evict: cannot take over pages in staging");
}

static enum uffd_result carry(struct helper *h, struct tray *t,
			      uintptr_t to, uintptr_t from, size_t len)
{
	struct engine *e = h->engine;
	long ret;

	if (exempt_overlaps(&e->exempt, EXEMPT_ALL, from, from + len))
		return UFFD_REFUSED;
	/* the cheapest call that refuses locked memory, as ours does not */
	if (sys_madvise(from, len == CHUNK_SIZE ? len : PAGE_SIZE,
			MADV_COLD) == -EINVAL)
		return UFFD_REFUSED;
	torture_pause();
	if (atomic_load(&h->flight.disturbed))
		return UFFD_GONE;
	ret = sys_mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED |
			 MREMAP_DONTUNMAP, to);
	if (ret != (long)to) {
		repair(t, to, len);
		return ret == -ENOMEM ? UFFD_NOMEM : UFFD_GONE;
	}
	insist(e, to, len);
	return UFFD_DONE;
}

/* It was not ours: all of it back, at once, as it was. */
static void return_foreign(struct tray *t, uintptr_t to, uintptr_t from,
			   size_t len)
{
	log_once("a mapping was replaced by a system call that could not be "
		 "seen; other threads may have read zeros there", NULL);
	count_one(UZSWAP_COUNT_lost_copies);
	for (unsigned i = 0; i < INSIST_MOST; i++) {
		if (sys_mremap(to, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
			       from) == (long)from) {
			repair(t, to, len);
			return;
		}
		sys_nanosleep(INSIST_NS);
	}
	die("evict: cannot put a mapping back");
}

/* One flight of *NR pages, or fewer: *NR is how many were tried. */
static enum uffd_result fly(struct helper *h, struct tray *t, uintptr_t addr,
			    size_t *nr)
{
	struct engine *e = h->engine;
	uint32_t slot = staging_slot(&e->staging, t, t->used);
	uintptr_t to = staging_addr(&e->staging, slot);
	bool quiet = gate_close(&e->gate, GATE_NS);
	enum uffd_result r = UFFD_AGAIN;

	if (quiet || atomic_load(&e->reclaim.room) < 0)
		r = take_off(h, t, addr, nr);
	if (r != UFFD_DONE) {
		gate_open(&e->gate);
		return r;
	}
	r = carry(h, t, to, addr, *nr * PAGE_SIZE);
	torture_pause();
	order_enter(&e->order, h->slot);
	/* its event was applied before this section, if there was one */
	if (r == UFFD_DONE && !atomic_load(&h->flight.seen)) {
		order_leave(&e->order, h->slot);
		return_foreign(t, to, addr, *nr * PAGE_SIZE);
		r = UFFD_GONE;
		order_enter(&e->order, h->slot);
	}
	land(h, slot, *nr, r == UFFD_DONE);
	order_leave(&e->order, h->slot);
	gate_open(&e->gate);
	return r;
}

/* --- leaving: HERE -> PACKING -> LEAVING ---------------------------------- */

/* A long run at once, into a row of trays: one event for all of it. */
static enum uffd_result leave_long(struct helper *h, uintptr_t addr,
				   size_t *nr)
{
	struct engine *e = h->engine;
	uint32_t row = HUGE_TRAYS;
	struct tray *t = NULL;
	enum uffd_result r;

	while (!t && row > 1) {
		if (row * TRAY_SLOTS <= *nr)
			t = staging_open_row(&e->staging, row);
		if (!t)
			row /= 2;
	}
	if (!t)
		return UFFD_NOMEM;
	*nr = min_size(*nr, row * TRAY_SLOTS);
	r = fly(h, t, addr, nr);
	for (uint32_t i = 1; i < row; i++)
		t[i].lost = t[0].lost;
	evict_enqueue(h, t, row, r == UFFD_DONE ? *nr : 0);
	return r;
}

static enum uffd_result leave_short(struct helper *h, uintptr_t addr,
				    size_t *nr)
{
	struct tray *t = evict_tray(h);
	enum uffd_result r;

	if (!t)
		return UFFD_NOMEM;
	*nr = min_size(*nr, TRAY_SLOTS - t->used);
	r = fly(h, t, addr, nr);
	if (r == UFFD_DONE) {
		t->used += (uint32_t)*nr;
		t->runs++;
	}
	if (t->lost)
		evict_flush(h);
	return r;
}

/*
 * What to do about a run of NR pages that did not leave: how many to pass
 * over.  Not ours as a whole may mean that it reaches into the next mapping:
 * *MOST, the longest run to try, is halved then.
 */
static size_t after_refusal(enum uffd_result r, size_t nr, size_t *most)
{
	switch (r) {
	case UFFD_HOLE:
		if (nr > 1) {
			*most = nr / 2;
			return 0;
		}
		return 1;
	case UFFD_REFUSED:
		count_one(UZSWAP_COUNT_skip_protected);
		return nr;
	case UFFD_BUSY:
		return 1;
	case UFFD_DONE:
	case UFFD_ALREADY:
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_GONE:
		return CHUNK_PAGES;	/* enough for now */
	}
	return CHUNK_PAGES;
}

static size_t leave_run(struct helper *h, uintptr_t addr, size_t nr)
{
	size_t total = 0;
	size_t most = CHUNK_PAGES;

	while (nr) {
		size_t n = min_size(nr, most);
		enum uffd_result r = UFFD_NOMEM;

		if (n >= LONG_RUN)
			r = leave_long(h, addr, &n);
		if (r == UFFD_NOMEM)
			r = leave_short(h, addr, &n);
		if (r == UFFD_DONE) {
			total += n;
			most = CHUNK_PAGES;
			count_add(UZSWAP_COUNT_leave_moved, n);
		} else {
			n = after_refusal(r, n, &most);
		}
		n = min_size(n, nr);
		addr += n * PAGE_SIZE;
		nr -= n;
	}
	return total;
}

/*
 * What a relative has as well, since a fork, stays: it would be packed twice,
 * and its memory be free when both are done.  (Engine A's MOVE refuses it.)
 */
static size_t leave_own(struct helper *h, uintptr_t addr, size_t nr)
{
	size_t total = 0;

	while (nr) {
		bool exclusive;
		size_t n = pagemap_alike(&h->pagemap, addr, nr, &exclusive);

		n = max_size(n, 1);
		if (exclusive)
			total += leave_run(h, addr, n);
		addr += n * PAGE_SIZE;
		nr -= n;
	}
	return total;
}

size_t evict_remap_leave(struct helper *h, uintptr_t addr, size_t nr)
{
	if (h->server)
		return 0;	/* it would wait for itself */
	return unlikely(atomic_load(&h->engine->fork.shares))
	       ? leave_own(h, addr, nr) : leave_run(h, addr, nr);
}

/* --- coming back, and clearing up ----------------------------------------- */

enum uffd_result evict_remap_back(struct engine *e, uintptr_t addr,
				  uint64_t slot, unsigned how)
{
	uintptr_t from = staging_addr(&e->staging, slot);
	size_t done;
	enum uffd_result r = uffd_copy(&e->main, &done, addr,
				       (const void *)from, PAGE_SIZE, how);

	/* staging is not registered: no event */
	if (r == UFFD_DONE)
		sys_madvise(from, PAGE_SIZE, MADV_DONTNEED);
	return r;
}

bool evict_remap_empty(struct helper *h, uintptr_t from, size_t nr)
{
	(void)h;
	return wipe(from, nr * PAGE_SIZE, MAP_FIXED);
}
