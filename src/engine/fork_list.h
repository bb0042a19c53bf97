/* SPDX-License-Identifier: MIT */
/*
 * What other threads do while one forks, to be settled later: a list that
 * grows.
 *
 * It must not be full soon: who waits for room in it may hold a lock that
 * fork() waits for.  So it has a part of the arena, for minutes of faulting
 * and unmapping at full speed, and takes memory as it gets longer, by
 * doubling; beyond the first entries all is given back when it is cleared.
 *
 * Entries are added in sections; the rest is for who holds them off
 * (engine/order.h).
 */
#ifndef UZ_ENGINE_FORK_LIST_H
#define UZ_ENGINE_FORK_LIST_H

#include <stdatomic.h>

#include "base/types.h"

struct arena;

struct fork_list {
	_Atomic uint32_t nr;
	uint32_t fit;		/* that there is memory for */
	uint32_t most;		/* that there is address space for */
	uint32_t size;		/* of one */
	char *all;
	struct arena *arena;
};

MUST_USE int fork_list_init(struct fork_list *l, struct arena *a,
			    uint32_t size);

/* Have room for SPARE more; false if there is none.  Exclusive. */
bool fork_list_grow(struct fork_list *l, uint32_t spare);

/* Exclusive. */
void fork_list_clear(struct fork_list *l);

static inline void *fork_list_at(const struct fork_list *l, uint32_t i)
{
	return l->all + (size_t)i * l->size;
}

#endif
