/* SPDX-License-Identifier: MIT */
/*
 * What both engines have in common: trays are filled, queued and packed.
 * How a run of pages gets into a tray, a page out of it, and dead slots are
 * emptied, is in evict_move.c (engine A) and evict_remap.c (engine B).
 *
 * While a page is PACKING only its packer touches the slot; a fault in
 * between marks the word WANTED, and the packer gives the page back at the
 * end.
 */
#include "engine/evict.h"

#include <errno.h>

#include "base/count.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict_move.h"
#include "engine/evict_remap.h"
#include "engine/keep.h"
#include "engine/near.h"

#define IDLE_LOOKS	64	/* chunks of hot pages before giving up */
#define EAGER_LOOKS	16	/* the same, before warm ones are taken */
#define SERVER_TAKES	64u	/* pages at a time: somebody waits */

/* --- leaving: HERE -> LEAVING ---------------------------------------- */

size_t evict_mark(struct helper *h, struct tray *t, uintptr_t addr, size_t nr,
		  enum page_state as)
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
		if (page_state(old) != PAGE_HERE || (old & PAGE_REFUSED) ||
		    pin_is_on(&e->cold.pins, addr + n * PAGE_SIZE))
			break;
		atomic_store(staging_owner(&e->staging, slot),
			     addr + n * PAGE_SIZE);
		keep_to_slot(e, slot, old);
		if (!page_shift(&e->pages, w, &old,
				page_at(old, as, slot))) {
			atomic_store(staging_owner(&e->staging, slot), 0);
			keep_to_slot(e, slot, 0);
			break;
		}
	}
	return n;
}

struct tray *evict_tray(struct helper *h)
{
	struct staging *s = &h->engine->staging;

	if (h->tray && (h->tray->used == TRAY_SLOTS ||
			h->tray->runs == TRAY_RUNS)) {
		staging_enqueue(s, h->tray);
		h->tray = NULL;
	}
	if (!h->tray)
		h->tray = staging_open(s);
	return h->tray;
}

void evict_enqueue(struct helper *h, struct tray *t, size_t nr, size_t used)
{
	struct staging *s = &h->engine->staging;

	for (size_t i = 0; i < nr; i++) {
		t[i].used = (uint32_t)min_size(used, TRAY_SLOTS);
		used -= t[i].used;
		if (t[i].used)
			staging_enqueue(s, &t[i]);
		else
			staging_free(s, &t[i]);
	}
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

size_t evict_leave(struct helper *h, uintptr_t addr, size_t nr, bool huge)
{
	return h->engine->use_move ? evict_move_leave(h, addr, nr, huge)
				   : evict_remap_leave(h, addr, nr);
}

/* --- packing: LEAVING -> PACKING -> STORED --------------------------- */

/* The kernel has put the page of SLOT back without saying so. */
static void find_back(struct engine *e, uint32_t slot, uintptr_t addr,
		      page_word *w)
{
	uint64_t old = atomic_load(w);

	atomic_store(staging_owner(&e->staging, slot), 0);
	keep_drop_slot(e, slot);
	while (!page_shift(&e->pages, w, &old,
			   cold_rescued(page_at(old, PAGE_HERE, 0))))
		;	/* now WANTED */
	if (old & PAGE_WANTED)
		uffd_wake(&e->main, addr, PAGE_SIZE);
	count_one(UZSWAP_COUNT_leave_back);
}

/*
 * Claim the page in SLOT, and the object kept for it if there is one; false
 * when nobody is there any more.
 */
static bool begin_pack(struct helper *h, uint32_t slot, uintptr_t *addr,
		       struct store_ref *ref, bool *kept)
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
	if (ours && e->use_move &&
	    unlikely(e->staging.trays[slot / TRAY_SLOTS].doubt) &&
	    !evict_move_is_filled(e, slot)) {
		find_back(e, slot, *addr, w);
		*addr = 0;
		ours = false;
	}
	*kept = ours && keep_take(e, slot, ref);
	order_leave(&e->order, h->slot);
	return ours;
}

enum uffd_result evict_back(struct engine *e, uintptr_t addr, uint64_t slot,
			    unsigned how)
{
	return e->use_move ? evict_move_back(e, addr, slot, how)
			   : evict_remap_back(e, addr, slot, how);
}

/* It does not pay, or there is no place: back where it came from. */
static bool give_back(struct helper *h, page_word *w, uint64_t old,
		      uintptr_t addr, uint32_t slot, bool refused)
{
	struct engine *e = h->engine;
	enum uffd_result r;
	uint64_t claim = page_at(old, PAGE_ARRIVING, slot);

	while (!page_shift(&e->pages, w, &old, claim))
		claim = page_at(old, PAGE_ARRIVING, slot); /* now WANTED */
	r = evict_back(e, addr, slot, 0);
	old = claim;
	if (r != UFFD_DONE) {
		page_shift(&e->pages, w, &old,
			   page_at(old, PAGE_LEAVING, slot));
		/* the claim may have taken a WANTED away */
		uffd_wake(&e->main, addr, PAGE_SIZE);
		return false;
	}
	claim = page_with_heat(page_at(old, PAGE_HERE, 0), page_level(old),
			       1);
	claim = page_with_age(claim, atomic_load(&e->cold.tick));
	page_shift(&e->pages, w, &old,
		   refused ? claim | PAGE_REFUSED : claim);
	atomic_store(staging_owner(&e->staging, slot), 0);
	count_one(UZSWAP_COUNT_leave_refused);
	return true;
}

/*
 * What became of a packed page, which was KEPT or not; true if its slot needs
 * no care any more.
 */
static bool end_pack(struct helper *h, uint32_t slot, uintptr_t packed_as,
		     struct store_ref ref, int ret, bool kept, bool *stored)
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
			count_one(ret == -E2BIG ? UZSWAP_COUNT_refused_size
						: UZSWAP_COUNT_refused_pool);
		if (ret)
			return give_back(h, w, old, addr, slot,
					 ret == -E2BIG);
		if (addr != packed_as)
			store_set_owner(&e->store, ref, addr >> PAGE_SHIFT);
		if (!page_shift(&e->pages, w, &old,
				cold_stored(&e->cold,
					    page_at(old, PAGE_STORED,
						    ref.bits), kept)))
			continue;
		atomic_store(owner, 0);
		count_one(UZSWAP_COUNT_evicted);
		*stored = true;
		return true;
	}
	/* the program freed it meanwhile */
	if (!ret)
		store_drop(&e->store, ref);
	return true;
}

/* The object of PAGE: the one kept, if it was not written, or a new one. */
static int put(struct helper *h, struct store_ref *ref, bool kept,
	       uintptr_t addr, const void *page)
{
	struct store *s = &h->engine->store;

	if (kept && keep_is_same(h, *ref, page)) {
		count_one(UZSWAP_COUNT_evicted_clean);
		return 0;
	}
	if (kept)
		store_drop(s, *ref);
	return store_put(s, ref, h->codec, addr >> PAGE_SHIFT, page);
}

/* Pack what is in SLOT; true if the slot is done with. */
static bool pack_slot(struct helper *h, uint32_t slot, size_t *freed)
{
	struct engine *e = h->engine;
	struct store_ref ref = { 0 };
	uintptr_t addr;
	bool stored;
	bool kept;
	bool done;
	int ret;

	if (!begin_pack(h, slot, &addr, &ref, &kept))
		return !addr;	/* else a restore is at it: look again later */
	torture_pause();
	ret = put(h, &ref, kept, addr,
		  (const void *)staging_addr(&e->staging, slot));
	torture_pause();
	order_enter(&e->order, h->slot);
	done = end_pack(h, slot, addr, ref, ret, kept, &stored);
	order_leave(&e->order, h->slot);
	*freed += stored;
	return done;
}

/* The tray that H packs just now: the oldest waiting, if it has none. */
static struct tray *packing_tray(struct helper *h)
{
	if (!h->packing) {
		h->packing = staging_take(&h->engine->staging);
		h->pack_at = 0;
		h->pack_left = false;
	}
	return h->packing;
}

void evict_empty(struct helper *h, struct tray *t, uint32_t most)
{
	struct engine *e = h->engine;
	struct staging *s = &e->staging;
	const uint32_t nr = (uint32_t)min_size(t->used - t->emptied, most);
	uintptr_t at = staging_addr(s, staging_slot(s, t, t->emptied));

	if (!(e->use_move ? evict_move_empty(h, at, nr)
			  : evict_remap_empty(h, at, nr))) {
		t->stubborn |= h->server;
		t->emptied = 0;
		staging_enqueue(s, t);
		return;
	}
	t->emptied += nr;
	if (t->emptied >= t->used)
		staging_free(s, t);
	else if (!staging_bury(s, t))
		evict_empty(h, t, TRAY_SLOTS);
}

/* All slots were looked at: empty it, or look again later. */
static void finish_tray(struct helper *h)
{
	struct engine *e = h->engine;
	struct tray *t = h->packing;

	torture_pause();
	h->packing = NULL;
	if (h->pack_left)
		staging_enqueue(&e->staging, t);
	else if (!near_is_on(e) || t->stubborn ||
		 !staging_bury(&e->staging, t))
		evict_empty(h, t, TRAY_SLOTS);
}

long evict_pack(struct helper *h, size_t most)
{
	struct engine *e = h->engine;
	struct tray *t = packing_tray(h);
	size_t freed = 0;

	if (!t)
		return -1;
	while (h->pack_at < t->used && most--) {
		uint32_t slot = staging_slot(&e->staging, t, h->pack_at++);

		if (!pack_slot(h, slot, &freed))
			h->pack_left = true;
	}
	cold_evicted(&e->cold, freed);
	if (h->pack_at >= t->used)
		finish_tray(h);
	return (long)freed;
}

/*
 * Trays that may wait: a quarter of staging, 1/128 of the limit.  It is a list
 * of second chances; a longer one saves fewer misses than it adds soft faults
 * (docs/policy.md), and in a forked child all of it is copied.  Next to none
 * while memory is over its target, before a fork, after which what waits is
 * set aside, and in a child that lives in what little its parent has left.
 */
size_t evict_queue_most(struct engine *e)
{
	const struct reclaim *r = &e->reclaim;

	if (atomic_load(&r->room) < -r->reserve / 4 ||
	    atomic_load(&e->fork.shares) || atomic_load(&r->ahead))
		return 1;
	return max_size(e->staging.nr_trays / 4, 1);
}

size_t evict_some(struct helper *h, size_t nr, enum evict_mode mode)
{
	struct engine *e = h->engine;
	const size_t most = h->server ? SERVER_TAKES : SIZE_MAX;
	size_t freed = 0;
	unsigned idle = 0;

	/* not into a full store: out and back again would be all for nothing */
	while (freed < nr && idle < IDLE_LOOKS && !atomic_load(&e->stopping) &&
	       !store_is_full(&e->store) && fork_work_begin(&e->fork)) {
		const size_t probation = evict_queue_most(e);
		bool more = true;
		size_t taken = 0;
		long packed = -1;

		/* engine B takes nothing out by a server's hand */
		if (!e->use_move && h->server)
			more = false;
		else if (mode == EVICT_AHEAD
			 ? e->staging.nr_waiting < probation
			 : e->staging.nr_waiting == 0 && !h->packing) {
			more = mode == EVICT_AHEAD && !h->server
			     ? visit_sweep(h, &taken)
			     : cold_sweep(h, most, &taken);
			if (mode == EVICT_NOW)
				evict_flush(h);
		}
		if (mode == EVICT_NOW || !taken ||
		    e->staging.nr_waiting >= probation)
			packed = evict_pack(h, nr - freed);
		fork_work_end(&e->fork);
		if (packed > 0) {
			freed += (size_t)packed;
			reclaim_give(&e->reclaim, (size_t)packed);
		}
		idle = taken || packed > 0 ? 0 : idle + 1;
		if (idle && idle % EAGER_LOOKS == 0)
			cold_be_eager(&e->cold);
		if (!more && packed <= 0)
			break;
	}
	if (freed >= nr)
		cold_be_calm(&e->cold);
	return freed;
}
