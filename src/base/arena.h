/* SPDX-License-Identifier: MIT */
/*
 * Memory for ourselves: page words, pool, staging, thread stacks.
 *
 * One stretch of address space is reserved (PROT_NONE, costs nothing) when
 * the library wakes up; everything we own is cut from it.  So one comparison
 * tells our memory from the program's, and adoption can never pick up our
 * own pages - the swapper never swaps itself.
 *
 *	base                         next                        end
 *	| alloc'd | reserved | alloc'd | ............ free ........ |
 *
 * Address space is handed out from the bottom and never comes back; RAM
 * does, through arena_release().  Pieces are committed by mprotect, so that
 * strict overcommit (vm.overcommit_memory=2) is charged for what is used
 * only.
 *
 * All sizes are rounded up to pages.  Context: server, but arena_start init.
 */
#ifndef UZ_BASE_ARENA_H
#define UZ_BASE_ARENA_H

#include <stdatomic.h>

#include "base/types.h"

struct arena {
	uintptr_t base;			/* set once by arena_start */
	uintptr_t end;			/* set once by arena_start */
	_Atomic uintptr_t next;		/* first address not handed out */
	_Atomic size_t committed;	/* bytes made accessible */
};

/*
 * Reserve LEN bytes of address space; halves LEN until the kernel agrees,
 * down to 64 MiB.
 *
 * Returns  0 or -ENOMEM
 */
MUST_USE int arena_start(struct arena *a, size_t len);

/* Zeroed, page-aligned, accessible memory, kept for ever; NULL if none. */
MUST_USE void *arena_alloc(struct arena *a, size_t len);

/*
 * Address range only, ALIGN a power of two >= PAGE_SIZE; to be used after
 * arena_commit().  NULL if none.
 */
MUST_USE void *arena_reserve(struct arena *a, size_t len, size_t align);

/* Make [P, P+LEN) of a reserved range accessible.  0 or -ENOMEM. */
MUST_USE int arena_commit(struct arena *a, void *p, size_t len);

/* Give the RAM of [P, P+LEN) back; it stays accessible and reads as zeros. */
void arena_release(struct arena *a, void *p, size_t len);

static inline bool arena_overlaps(const struct arena *a, uintptr_t start,
				  uintptr_t end)
{
	return start < a->end && a->base < end;
}

static inline bool arena_owns(const struct arena *a, uintptr_t addr)
{
	return addr >= a->base && addr < a->end;
}

#endif
