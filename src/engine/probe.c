/* SPDX-License-Identifier: MIT */
/*
 * A page is PACKING while it is being taken out or measured: then it is ours
 * alone, and a fault on it marks the word WANTED and waits until we wake it.
 *
 * A slot whose page was dropped by the program, or answered with a copy,
 * still holds dead memory, and is emptied before it is used again.  For the
 * kernel's EEXIST is not to be believed (evict_move.c): it may have moved the
 * page or not, and a slot that was empty before tells.
 */
#include "engine/probe.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/evict_move.h"
#include "engine/keep.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

static uint64_t slot_of(const struct engine *e, unsigned i)
{
	return (uint64_t)e->staging.nr_trays * TRAY_SLOTS + i;
}

bool probe_owns(const struct engine *e, uint64_t slot)
{
	return slot >= slot_of(e, 0);
}

void probe_asked(struct engine *e, uint64_t slot)
{
	atomic_store(&e->probes.all[slot - slot_of(e, 0)].asked_ns,
		     sys_now_ns());
}

int probe_start(struct engine *e)
{
	if (!e->use_move)
		return -ENOSYS;
	if (e->probes.all)
		return 0;
	if (arena_commit(&e->arena,
			 (void *)staging_addr(&e->staging, slot_of(e, 0)),
			 PROBE_ALL_SLOTS * PAGE_SIZE))
		return -ENOMEM;
	e->probes.all = arena_alloc(&e->arena, PROBE_ALL_SLOTS *
				    sizeof(*e->probes.all));
	return e->probes.all ? 0 : -ENOMEM;
}

/* PACKING -> STATE; who waits for the page asks again.  In a section. */
static bool let_go(struct engine *e, page_word *w, uintptr_t addr,
		   enum page_state state, uint64_t slot)
{
	uint64_t old = atomic_load(w);

	while (page_state(old) == PAGE_PACKING && page_where(old) == slot) {
		if (!page_shift(&e->pages, w, &old,
				page_at(old, state, state == PAGE_HERE
						    ? 0 : slot)))
			continue;
		if (old & PAGE_WANTED)
			uffd_wake(&e->main, addr, PAGE_SIZE);
		return true;
	}
	return false;
}

static enum probe_result result_of_state(uint64_t word)
{
	switch (page_state(word)) {
	case PAGE_STORED:
	case PAGE_LEAVING:
	case PAGE_PACKING:
		return PROBE_STORED;
	case PAGE_DYING:
		return PROBE_EMPTY;
	case PAGE_HERE:
	case PAGE_ARRIVING:
		return PROBE_AGAIN;
	}
	return PROBE_AGAIN;
}

static enum probe_result result_of_move(enum uffd_result r)
{
	switch (r) {
	case UFFD_DONE:
		return PROBE_OUT;
	case UFFD_HOLE:
		return PROBE_EMPTY;
	case UFFD_BUSY:
	case UFFD_REFUSED:
		return PROBE_STUCK;
	case UFFD_ALREADY:
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_GONE:
		return PROBE_AGAIN;
	}
	return PROBE_AGAIN;
}

/* One try, in a section. */
static enum probe_result move_out(struct engine *e, enum uffd_result *r,
				  uint64_t slot, uintptr_t addr)
{
	page_word *w;
	uint64_t old;
	size_t done;

	*r = UFFD_DONE;
	if (evict_move_is_filled(e, slot)) {
		*r = UFFD_ALREADY;
		return PROBE_AGAIN;
	}
	if (!region_has(&e->regions, addr, addr + PAGE_SIZE) ||
	    !yield_allows(e, addr, addr + PAGE_SIZE))
		return PROBE_EMPTY;
	w = page_make(&e->pages, addr);
	if (!w || fork_is_snapshot(&e->fork) || atomic_load(&e->stopping))
		return PROBE_AGAIN;
	old = atomic_load(w);
	if (page_state(old) != PAGE_HERE)
		return result_of_state(old);
	atomic_store(staging_owner(&e->staging, slot), addr);
	if (!page_shift(&e->pages, w, &old, page_at(old, PAGE_PACKING, slot))) {
		atomic_store(staging_owner(&e->staging, slot), 0);
		return PROBE_AGAIN;
	}
	keep_drop(e, old);
	*r = uffd_move(&e->main, &done, staging_addr(&e->staging, slot), addr,
		       PAGE_SIZE, 0);
	if (*r == UFFD_ALREADY && evict_move_is_filled(e, slot))
		*r = UFFD_DONE;
	if (*r != UFFD_DONE)
		atomic_store(staging_owner(&e->staging, slot), 0);
	else
		count_one(UZSWAP_COUNT_leave_moved);
	let_go(e, w, addr, *r == UFFD_DONE ? PAGE_LEAVING : PAGE_HERE, slot);
	return result_of_move(*r);
}

/* Shared since a fork, but by now with nobody: have the kernel see that. */
static bool unshare(struct helper *h, uintptr_t addr)
{
	bool exclusive;

	pagemap_alike(&h->pagemap, addr, 1, &exclusive);
	return exclusive && !sys_madvise(addr, PAGE_SIZE, MADV_POPULATE_WRITE);
}

enum probe_result probe_take(struct helper *h, unsigned i, uintptr_t addr)
{
	struct engine *e = h->engine;
	struct probe *p = &e->probes.all[i];
	uint64_t slot = slot_of(e, i);
	enum probe_result ret = PROBE_AGAIN;

	atomic_store(&p->asked_ns, 0);
	atomic_store(&p->addr, addr);
	for (int tries = 0; tries < 3; tries++) {
		enum uffd_result r;

		order_enter(&e->order, h->slot);
		ret = move_out(e, &r, slot, addr);
		order_leave(&e->order, h->slot);
		if (r == UFFD_ALREADY &&
		    evict_move_empty(h, staging_addr(&e->staging, slot), 1))
			continue;
		if (r == UFFD_BUSY && unshare(h, addr))
			continue;
		break;
	}
	if (ret != PROBE_OUT)
		atomic_store(&p->addr, 0);
	return ret;
}

static bool is_present(struct helper *h, uintptr_t addr)
{
	return pagemap_count(&h->pagemap, addr, addr + PAGE_SIZE) == 1;
}

enum probe_result probe_look(struct helper *h, uintptr_t addr)
{
	struct engine *e = h->engine;
	uint64_t word = 0;
	page_word *w;

	order_enter(&e->order, h->slot);
	w = page_find(&e->pages, addr);
	if (w)
		word = atomic_load(w);
	order_leave(&e->order, h->slot);
	if (page_state(word) != PAGE_HERE)
		return result_of_state(word);
	return is_present(h, addr) ? PROBE_USED : PROBE_EMPTY;
}

/*
 * The page is back, and the kernel has not said so: is it?  In a section.
 */
static bool find_back(struct engine *e, unsigned i, page_word *w)
{
	uint64_t slot = slot_of(e, i);
	uint64_t old = atomic_load(w);
	uintptr_t addr = atomic_load(staging_owner(&e->staging, slot));

	if (evict_move_is_filled(e, slot))
		return false;
	while (page_where(old) == slot && (page_state(old) == PAGE_LEAVING ||
					   page_state(old) == PAGE_PACKING)) {
		if (!page_shift(&e->pages, w, &old,
				page_at(old, PAGE_HERE, 0)))
			continue;
		probe_asked(e, slot);
		atomic_store(staging_owner(&e->staging, slot), 0);
		uffd_wake(&e->main, addr, PAGE_SIZE);
		count_one(UZSWAP_COUNT_leave_back);
		return true;
	}
	return false;
}

/* A way back ended in doubt, in this tray: look. */
static void resolve_doubt(struct helper *h, unsigned i)
{
	struct engine *e = h->engine;
	uint64_t slot = slot_of(e, i);
	uintptr_t addr;
	page_word *w;

	order_enter(&e->order, h->slot);
	addr = atomic_load(staging_owner(&e->staging, slot));
	w = addr ? page_find(&e->pages, addr) : NULL;
	if (w && !fork_is_snapshot(&e->fork))
		find_back(e, i, w);
	order_leave(&e->order, h->slot);
}

enum probe_result probe_check(struct helper *h, unsigned i, uintptr_t *addr,
			      uint64_t *used_ns)
{
	struct engine *e = h->engine;
	struct probe *p = &e->probes.all[i];
	uint64_t slot = slot_of(e, i);
	uintptr_t owner;

	if (unlikely(atomic_load(&e->staging.trays[slot / TRAY_SLOTS].doubt)))
		resolve_doubt(h, i);
	owner = atomic_load(staging_owner(&e->staging, slot));
	*addr = atomic_load(&p->addr);
	*used_ns = 0;
	if (owner) {
		*addr = owner;
		atomic_store(&p->addr, owner);
		return PROBE_OUT;
	}
	/* asked_ns is set before the owner is cleared */
	*used_ns = atomic_load(&p->asked_ns);
	atomic_store(&p->addr, 0);
	if (*used_ns)
		return PROBE_USED;
	/* dropped by the program, or copied back while somebody forked */
	if (!is_present(h, *addr))
		return PROBE_EMPTY;
	*used_ns = sys_now_ns();
	return PROBE_USED;
}

/* Claim the page for STATE, if it is still there.  In a section. */
static page_word *claim(struct engine *e, unsigned i, enum page_state state,
			uintptr_t *addr)
{
	uint64_t slot = slot_of(e, i);
	page_word *w;
	uint64_t old;

	*addr = atomic_load(staging_owner(&e->staging, slot));
	w = *addr ? page_find(&e->pages, *addr) : NULL;
	if (!w || fork_is_snapshot(&e->fork))
		return NULL;
	old = atomic_load(w);
	if (page_state(old) != PAGE_LEAVING || page_where(old) != slot ||
	    !page_shift(&e->pages, w, &old, page_at(old, state, slot)))
		return NULL;
	return w;
}

bool probe_return(struct helper *h, unsigned i)
{
	struct engine *e = h->engine;
	uint64_t slot = slot_of(e, i);
	enum uffd_result r = UFFD_GONE;
	uintptr_t addr;
	page_word *w;
	uint64_t old;

	order_enter(&e->order, h->slot);
	w = claim(e, i, PAGE_ARRIVING, &addr);
	if (w) {
		old = atomic_load(w);
		r = evict_back(e, addr, slot, 0);
		if (r == UFFD_DONE) {
			atomic_store(staging_owner(&e->staging, slot), 0);
			page_shift(&e->pages, w, &old,
				   page_at(old, PAGE_HERE, 0));
			count_one(UZSWAP_COUNT_leave_back);
		} else {
			page_shift(&e->pages, w, &old,
				   page_at(old, PAGE_LEAVING, slot));
		}
		/* whoever found the claim in its way asks again */
		uffd_wake(&e->main, addr, PAGE_SIZE);
	}
	order_leave(&e->order, h->slot);
	if (addr && r != UFFD_DONE)
		return false;
	atomic_store(&e->probes.all[i].addr, 0);
	return true;
}

long probe_measure(struct helper *h, unsigned i)
{
	struct engine *e = h->engine;
	uint64_t slot = slot_of(e, i);
	uintptr_t addr;
	page_word *w;
	long len;

	order_enter(&e->order, h->slot);
	w = claim(e, i, PAGE_PACKING, &addr);
	if (w && find_back(e, i, w))
		w = NULL;
	order_leave(&e->order, h->slot);
	if (!w)
		return -EAGAIN;
	len = store_measure(&e->store, h->codec,
			    (const void *)staging_addr(&e->staging, slot));
	order_enter(&e->order, h->slot);
	/* it may have been moved or dropped meanwhile */
	addr = atomic_load(staging_owner(&e->staging, slot));
	w = addr ? page_find(&e->pages, addr) : NULL;
	if (w)
		let_go(e, w, addr, PAGE_LEAVING, slot);
	order_leave(&e->order, h->slot);
	return len;
}
