/* SPDX-License-Identifier: MIT */
#include "engine/trail.h"

#include <errno.h>

int trail_init(struct trail *t, struct arena *a, uint32_t len)
{
	t->len = len;
	atomic_init(&t->nr_in, 0);
	atomic_init(&t->nr_out, 0);
	t->entry = arena_alloc(a, len * sizeof(t->entry[0]));
	return t->entry ? 0 : -ENOMEM;
}

void trail_clear(struct trail *t)
{
	atomic_store(&t->nr_out, atomic_load(&t->nr_in));
}

void trail_add(struct trail *t, struct page_run run)
{
	size_t nr = (run.end - run.start) / PAGE_SIZE;

	if (nr && nr < PAGE_SIZE)
		atomic_store(&t->entry[atomic_fetch_add(&t->nr_in, 1) % t->len],
			     run.start | nr);
}

bool trail_next(struct trail *t, uint32_t least, struct page_run *run)
{
	uint32_t nr = atomic_load_explicit(&t->nr_in, memory_order_relaxed);
	uint32_t was = atomic_load(&t->nr_out);
	uint32_t at = nr - was > t->len ? nr - t->len : was;
	uintptr_t entry;

	if (nr - at <= least ||
	    !atomic_compare_exchange_strong(&t->nr_out, &was, at + 1))
		return false;
	entry = atomic_exchange(&t->entry[at % t->len], 0);
	run->start = entry & PAGE_MASK;
	run->end = run->start + (entry & ~PAGE_MASK) * PAGE_SIZE;
	run->huge = false;	/* if it ever was, part of it has gone */
	return true;
}
