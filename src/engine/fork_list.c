/* SPDX-License-Identifier: MIT */
#include "engine/fork_list.h"

#include <errno.h>

#include "base/arena.h"

#define FIRST		65536u	/* entries; memory for more is given back */
#define ARENA_PART	64	/* of the arena is what a list may have */

int fork_list_init(struct fork_list *l, struct arena *a, uint32_t size)
{
	size_t len = max_size((a->end - a->base) / ARENA_PART,
			      (size_t)FIRST * size);

	l->arena = a;
	l->size = size;
	l->fit = FIRST;
	l->most = (uint32_t)min_size(len / size, UINT32_MAX / 2);
	l->all = arena_reserve(a, len, PAGE_SIZE);
	return l->all ? arena_commit(a, l->all, (size_t)FIRST * size)
		      : -ENOMEM;
}

bool fork_list_grow(struct fork_list *l, uint32_t spare)
{
	const uint32_t fit = (uint32_t)min_size(2 * (size_t)l->fit, l->most);

	if (likely(l->fit - l->nr >= spare))
		return true;
	if (arena_commit(l->arena, fork_list_at(l, l->fit),
			 (size_t)(fit - l->fit) * l->size))
		return false;
	l->fit = fit;
	return l->fit - l->nr >= spare;
}

void fork_list_clear(struct fork_list *l)
{
	const size_t from = round_up((size_t)FIRST * l->size, PAGE_SIZE);
	const size_t end = round_up((size_t)l->nr * l->size, PAGE_SIZE);

	if (end > from)
		arena_release(l->arena, l->all + from, end - from);
	l->nr = 0;
}
