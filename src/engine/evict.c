/* SPDX-License-Identifier: MIT */
/*
 * Engine A.  A run of pages is moved to staging by the kernel, atomically:
 * from then on nobody can change the bytes, a touch is a fault, and pinned
 * pages (O_DIRECT, io_uring, RDMA) were refused.
 *
 * The word is set before the page moves, so that a fault always finds where
 * to look; pages that did not move are set back.  While a page is PACKING
 * only its packer touches the slot; a fault in between marks the word
 * WANTED, and the packer gives the page back at the end.
 *
 * A slot whose page was stored, dropped or copied out still holds dead
 * memory; the whole tray is swept to the trash window at the end.
 */
#include "engine/evict.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/evict_wp.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

#define PROTECTED_STEP	16	/* pages passed over after a refusal */
#define TRASH_TRIES	64	/* a moment's contention, then the slow way */

/* --- leaving: HERE -> LEAVING ---------------------------------------- */

/* The page did not move after all. */
static void stay(struct engine *e, uintptr_t addr, uint32_t slot)
{
	page_word *w = page_find(&e->pages, addr);
	uint64_t old = atomic_load(w);

	atomic_store(staging_owner(&e->staging, slot), 0);
	for (;;) {
		bool ours = page_where(old) == slot;

		if (page_state(old) == PAGE_LEAVING && ours) {
			if (page_shift(&e->pages, w, &old,
				       page_at(old, PAGE_HERE, 0)))
				return;
			continue;
		}
		if (page_state(old) != PAGE_ARRIVING || !ours)
			return;
		/* a server looks into the slot just now, finds nothing */
		old = atomic_load(w);
	}
}

/* Set up to NR words to LEAVING; returns how many, from the first on. */
static size_t mark_run(struct helper *h, struct tray *t, uintptr_t addr,
		       size_t nr)
{
	struct engine *e = h->engine;
	size_t n;

	for (n = 0; n < nr; n++) {
		uint32_t slot = staging_slot(&e->staging, t,
					     t->used + (uint32_t)n);
		page_word *w = page_make(&e->pages, addr + n * PAGE_SIZE);
		uint64_t old;

		if (!w)
			break;
		old = atomic_load(w);
		if (page_state(old) != PAGE_HERE || (old & PAGE_REFUSED))
			break;
		atomic_store(staging_owner(&e->staging, slot),
			     addr + n * PAGE_SIZE);
		if (!page_shift(&e->pages, w, &old,
				page_at(old, PAGE_LEAVING, slot))) {
			atomic_store(staging_owner(&e->staging, slot), 0);
			break;
		}
	}
	return n;
}

/* One section: mark, move, set back what did not move. */
static enum uffd_result move_run(struct helper *h, struct tray *t,
				 size_t *moved, uintptr_t addr, size_t nr)
{
	struct engine *e = h->engine;
	enum uffd_result r = UFFD_HOLE;
	uint32_t slot = staging_slot(&e->staging, t, t->used);
	size_t done = 0;

	*moved = 0;
	order_enter(&e->order, h->slot);
	if (!region_has(&e->regions, addr, addr + nr * PAGE_SIZE) ||
	    fork_is_snapshot(&e->fork)) {
		order_leave(&e->order, h->slot);
		return UFFD_GONE;
	}
	nr = mark_run(h, t, addr, nr);
	if (nr)
		r = uffd_move(&e->main, &done, staging_addr(&e->staging, slot),
			      addr, nr * PAGE_SIZE, false);
	done /= PAGE_SIZE;
	for (size_t i = done; i < nr; i++)
		stay(e, addr + i * PAGE_SIZE, slot + (uint32_t)i);
	if (r == UFFD_DONE)
		r = UFFD_HOLE;	/* a page further on is not ours to move */
	order_leave(&e->order, h->slot);
	t->used += (uint32_t)done;
	count_add(UZSWAP_COUNT_leave_moved, done);
	*moved = done;
	return r;
}

/*
 * A page shared since a fork stays unmovable until it is written.  If this
 * process alone maps it, have the kernel do as if.
 */
static bool unshare_run(struct helper *h, uintptr_t addr, size_t nr)
{
	size_t n = 0;

	if (h->server)
		return false;	/* populating may fault: not for a server */
	while (n < nr && pagemap_is_exclusive(&h->pagemap,
					      addr + n * PAGE_SIZE))
		n++;
	if (!n || sys_madvise(addr, n * PAGE_SIZE, MADV_POPULATE_WRITE))
		return false;
	count_add(UZSWAP_COUNT_unshared, n);
	return true;
}

/*
 * What to do about the page at which a move of NR pages stopped: how many to
 * pass over.  REFUSED may only mean that the run reaches into the next
 * mapping: *MOST, the longest run to try, is halved then.
 */
static size_t after_stop(struct helper *h, enum uffd_result r,
			 uintptr_t addr, size_t nr, size_t *most,
			 uintptr_t *cured)
{
	switch (r) {
	case UFFD_BUSY:
		if (*cured != addr && unshare_run(h, addr, nr)) {
			*cured = addr;
			return 0;
		}
		count_one(UZSWAP_COUNT_skip_busy);
		return 1;
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
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_GONE:
		return CHUNK_PAGES;	/* enough for now */
	}
	return CHUNK_PAGES;
}

static bool need_tray(struct helper *h)
{
	struct staging *s = &h->engine->staging;

	if (h->tray && h->tray->used == TRAY_SLOTS) {
		staging_enqueue(s, h->tray);
		h->tray = NULL;
	}
	if (!h->tray)
		h->tray = staging_open(s);
	return h->tray;
}

void evict_flush(struct helper *h)
{
	struct staging *s = &h->engine->staging;

	if (!h->tray)
		return;
	if (h->tray->used)
		staging_enqueue(s, h->tray);
	else
		staging_free(s, h->tray);
	h->tray = NULL;
}

/* All of a huge page in one move, into sixteen trays at once. */
static size_t leave_huge(struct helper *h, uintptr_t addr)
{
	struct engine *e = h->engine;
	struct tray *t = staging_open_huge(&e->staging);
	size_t moved = 0;
	size_t left;

	if (!t)
		return 0;
	/* the slots of the following trays continue those of the first */
	move_run(h, t, &moved, addr, CHUNK_PAGES);
	left = moved;
	for (size_t i = 0; i < HUGE_TRAYS; i++) {
		t[i].used = (uint32_t)min_size(left, TRAY_SLOTS);
		left -= t[i].used;
		if (t[i].used)
			staging_enqueue(&e->staging, &t[i]);
		else
			staging_free(&e->staging, &t[i]);
	}
	return moved;
}

size_t evict_leave(struct helper *h, uintptr_t addr, size_t nr, bool huge)
{
	size_t total = 0;
	size_t most = TRAY_SLOTS;
	uintptr_t cured = 0;	/* where a move was tried twice */

	if (!h->engine->use_move)
		return evict_wp_leave(h, addr, nr);
	if (huge && nr == CHUNK_PAGES) {
		total = leave_huge(h, addr);
		addr += total * PAGE_SIZE;
		nr -= total;
	}
	while (nr && need_tray(h)) {
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
		n = min_size(after_stop(h, r, addr, n - moved, &most, &cured),
			     nr);
		addr += n * PAGE_SIZE;
		nr -= n;
	}
	return total;
}

/* --- packing: LEAVING -> PACKING -> STORED --------------------------- */

/* Claim the page in SLOT; false when nobody is there any more. */
static bool begin_pack(struct helper *h, uint32_t slot, uintptr_t *addr)
{
	struct engine *e = h->engine;
	bool ours = false;
	page_word *w;

	order_enter(&e->order, h->slot);
	*addr = atomic_load(staging_owner(&e->staging, slot));
	w = *addr ? page_find(&e->pages, *addr) : NULL;
	if (w && !fork_is_snapshot(&e->fork)) {
		uint64_t old = atomic_load(w);

		ours = page_state(old) == PAGE_LEAVING &&
		       page_where(old) == slot &&
		       page_shift(&e->pages, w, &old,
				  page_at(old, PAGE_PACKING, slot));
	}
	order_leave(&e->order, h->slot);
	return ours;
}

/* It does not pay, or there is no place: back where it came from. */
static bool give_back(struct helper *h, page_word *w, uint64_t old,
		      uintptr_t addr, uint32_t slot, bool refused)
{
	struct engine *e = h->engine;
	uintptr_t from = staging_addr(&e->staging, slot);
	enum uffd_result r;
	uint64_t claim = page_at(old, PAGE_ARRIVING, slot);
	size_t done;

	while (!page_shift(&e->pages, w, &old, claim))
		claim = page_at(old, PAGE_ARRIVING, slot); /* now WANTED */
	r = uffd_move(&e->main, &done, addr, from, PAGE_SIZE, false);
	if (r == UFFD_BUSY || r == UFFD_REFUSED)
		r = uffd_copy(&e->main, &done, addr, (void *)from, PAGE_SIZE);
	old = claim;
	if (r != UFFD_DONE) {
		page_shift(&e->pages, w, &old,
			   page_at(old, PAGE_LEAVING, slot));
		return false;
	}
	claim = page_with_heat(page_at(old, PAGE_HERE, 0), page_level(old),
			       15);
	page_shift(&e->pages, w, &old,
		   refused ? claim | PAGE_REFUSED : claim);
	atomic_store(staging_owner(&e->staging, slot), 0);
	count_one(UZSWAP_COUNT_leave_refused);
	return true;
}

/* What became of a packed page; true if its slot needs no care any more. */
static bool end_pack(struct helper *h, uint32_t slot, uintptr_t packed_as,
		     struct store_ref ref, int ret, bool *stored)
{
	struct engine *e = h->engine;
	_Atomic uintptr_t *owner = staging_owner(&e->staging, slot);
	uintptr_t addr = atomic_load(owner);
	page_word *w = addr ? page_find(&e->pages, addr) : NULL;
	uint64_t old = w ? atomic_load(w) : 0;

	*stored = false;
	while (w && page_state(old) == PAGE_PACKING &&
	       page_where(old) == slot) {
		if (old & PAGE_WANTED) {
			if (!page_shift(&e->pages, w, &old,
					page_at(old, PAGE_LEAVING, slot)))
				continue;
			if (!ret)
				store_drop(&e->store, ref);
			uffd_wake(&e->main, addr, PAGE_SIZE);
			return false;
		}
		if (ret)
			return give_back(h, w, old, addr, slot,
					 ret == -E2BIG);
		if (addr != packed_as)
			store_set_owner(&e->store, ref, addr >> PAGE_SHIFT);
		if (!page_shift(&e->pages, w, &old,
				page_with_age(page_at(old, PAGE_STORED,
						      ref.bits),
					      e->cold.tick)))
			continue;
		atomic_store(owner, 0);
		*stored = true;
		return true;
	}
	/* the program freed it meanwhile */
	if (!ret)
		store_drop(&e->store, ref);
	return true;
}

/* Pack what is in SLOT; true if the slot is done with. */
static bool pack_slot(struct helper *h, uint32_t slot, size_t *freed)
{
	struct engine *e = h->engine;
	struct store_ref ref = { 0 };
	uintptr_t addr;
	bool stored;
	bool done;
	int ret;

	if (!begin_pack(h, slot, &addr))
		return !addr;	/* else a restore is at it: look again later */
	ret = store_put(&e->store, &ref, h->codec, addr >> PAGE_SHIFT,
			(const void *)staging_addr(&e->staging, slot));
	order_enter(&e->order, h->slot);
	done = end_pack(h, slot, addr, ref, ret, &stored);
	order_leave(&e->order, h->slot);
	*freed += stored;
	return done;
}

/*
 * Free the memory of NR dead slots.  By way of the trash window, as dropping
 * it in place would raise an event; pages that can't be moved (shared since
 * a fork) are dropped in place after all, but not by a server, which would
 * wait for itself.
 */
static bool empty_slots(struct helper *h, uintptr_t from, size_t nr)
{
	struct engine *e = h->engine;
	size_t len = nr * PAGE_SIZE;
	size_t at = 0;
	size_t done;

	for (int i = 0; i < TRASH_TRIES && at < len; i++) {
		enum uffd_result r = uffd_move(&e->aside, &done,
					       h->trash + at, from + at,
					       len - at, true);

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

long evict_pack(struct helper *h)
{
	struct engine *e = h->engine;
	struct staging *s = &e->staging;
	struct tray *t;
	uint32_t first;
	size_t freed = 0;
	bool done = true;

	if (!e->use_move)
		return evict_wp_pack(h);
	t = staging_take(s);
	if (!t)
		return -1;
	first = staging_slot(s, t, 0);
	for (uint32_t i = 0; i < t->used; i++)
		done &= pack_slot(h, first + i, &freed);
	cold_evicted(&e->cold, freed);
	count_add(UZSWAP_COUNT_evicted, freed);
	if (done && empty_slots(h, staging_addr(s, first), t->used))
		staging_free(s, t);
	else
		staging_enqueue(s, t);
	return (long)freed;
}

size_t evict_some(struct helper *h, size_t nr, enum evict_mode mode)
{
	struct engine *e = h->engine;
	size_t probation = e->staging.nr_trays / 2;
	size_t freed = 0;
	unsigned idle = 0;

	while (freed < nr && idle < 4 && !atomic_load(&e->stopping) &&
	       fork_work_begin(&e->fork)) {
		bool more = true;
		size_t taken = 0;
		long packed = -1;

		if (mode == EVICT_AHEAD
		    ? e->staging.nr_waiting < probation
		    : e->staging.nr_waiting == 0) {
			more = cold_sweep(h, &taken);
			if (mode == EVICT_NOW)
				evict_flush(h);
		}
		if (mode == EVICT_NOW || !taken ||
		    e->staging.nr_waiting >= probation)
			packed = evict_pack(h);
		fork_work_end(&e->fork);
		if (packed > 0) {
			freed += (size_t)packed;
			reclaim_give(&e->reclaim, (size_t)packed);
		}
		idle = taken || packed > 0 ? 0 : idle + 1;
		if (!more && packed <= 0)
			break;
	}
	return freed;
}
