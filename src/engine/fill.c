/* SPDX-License-Identifier: MIT */
#include "engine/fill.h"

#include "engine/engine.h"

/*
 * How many pages before ADDR have been given out already, in one run: a
 * program that fills its memory in order does so in many places by turns.
 */
static size_t filled_before(struct engine *e, uintptr_t addr)
{
	size_t most = min_size((addr & (CHUNK_SIZE - 1)) / PAGE_SIZE,
			       RESTORE_WINDOW / 2);
	size_t n;

	for (n = 0; n < most; n++) {
		page_word *w = page_find(&e->pages,
					 addr - (n + 1) * PAGE_SIZE);

		if (!w || !atomic_load_explicit(w, memory_order_relaxed))
			break;
	}
	return n;
}

size_t fill_window(struct engine *e, uintptr_t addr, size_t by_thread)
{
	return max_size(by_thread, min_size(2 * filled_before(e, addr),
					    RESTORE_WINDOW));
}
