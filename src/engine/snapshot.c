/* SPDX-License-Identifier: MIT */
#include "engine/snapshot.h"

#include "base/log.h"
#include "engine/engine.h"
#include "engine/reclaim.h"

enum restore_result snapshot_restore(struct helper *h,
				     const struct uffd_event *ev)
{
	struct engine *e = h->engine;
	struct fork_state *f = &e->fork;
	uintptr_t origin = fork_origin(f, ev->addr);
	page_word *w = origin ? page_find(&e->pages, origin) : NULL;
	uint64_t word = w ? atomic_load(w) : 0;
	struct store_ref ref = { page_where(word) };
	const void *from = e->restore.zeros;
	enum uffd_result r;
	size_t done;

	/* nobody waits; it may be here, its slot empty, though LEAVING */
	if (ev->kind != UFFD_FAULT)
		return RESTORE_AGAIN;
	switch (page_state(word)) {
	case PAGE_LEAVING:
		from = (const void *)staging_addr(&e->staging,
						  page_where(word));
		break;
	case PAGE_STORED:
		if (store_load(&e->store, h->codec, ref, h->bounce))
			die("store: a stored page does not unpack");
		from = h->bounce;
		break;
	case PAGE_HERE:
	case PAGE_DYING:
		break;
	case PAGE_PACKING:
	case PAGE_ARRIVING:
		return RESTORE_AGAIN;
	}
	/* a void entry is harmless: it is checked when it is settled */
	if (!fork_note_page(f, ev->addr, origin))
		return RESTORE_AGAIN;
	r = uffd_copy(&e->main, &done, ev->addr, from, PAGE_SIZE, 0);
	if (r == UFFD_ALREADY)
		uffd_wake(&e->main, ev->addr, PAGE_SIZE);
	reclaim_owe(h, ev->addr, done / PAGE_SIZE);
	return restore_result_of(r);
}
