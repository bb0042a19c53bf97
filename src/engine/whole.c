/* SPDX-License-Identifier: MIT */
/*
 * Page by page through the chunks that have words, each in a section of its
 * own, for sections are to be short.
 */
#include "engine/whole.h"

#include "base/sys.h"
#include "engine/engine.h"

#define PIECE_NS	(5 * NS_PER_MS)	/* between two ticks of the steward */

/* The first page that is away in C, at or above ADDR and below END; or 0. */
static uintptr_t first_away(const struct chunk *c, uintptr_t addr,
			    uintptr_t end)
{
	size_t i = addr > c->base ? (addr - c->base) / PAGE_SIZE : 0;

	for (; i < CHUNK_PAGES && c->base + i * PAGE_SIZE < end; i++)
		if (page_is_away(atomic_load(&c->words[i])))
			return c->base + i * PAGE_SIZE;
	return 0;
}

/* The same in all chunks. */
static uintptr_t next_away(struct helper *h, uintptr_t addr, uintptr_t end)
{
	struct engine *e = h->engine;
	uintptr_t found = 0;
	struct chunk *c;

	do {
		order_enter(&e->order, h->slot);
		c = page_next_chunk(&e->pages, addr, end);
		if (c) {
			found = first_away(c, addr, end);
			addr = c->base + CHUNK_SIZE;
		}
		order_leave(&e->order, h->slot);
	} while (c && !found);
	return found;
}

bool whole_piece(struct helper *h, uintptr_t *at, uintptr_t end, bool *moved)
{
	const uint64_t until = sys_now_ns() + PIECE_NS;
	const struct uffd_event nobody = { .kind = UFFD_OTHER, .tid = -1 };
	uintptr_t addr;

	while ((addr = next_away(h, *at, end))) {
		struct uffd_event ev = nobody;

		ev.addr = addr;
		*at = addr + PAGE_SIZE;
		if (restore_page(h, &ev) == RESTORE_DONE)
			*moved = true;
		restore_wake(h, false);
		if (sys_now_ns() > until)
			return false;
	}
	*at = end;
	return true;
}
