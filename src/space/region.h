/* SPDX-License-Identifier: MIT */
/*
 * The set of address ranges registered with userfaultfd: sorted, disjoint,
 * touching neighbours merged.
 *
 * It is what we believe; the kernel knows better.  Events (unmap, remap)
 * correct it, and each userfaultfd operation fails safely where it is wrong.
 *
 * Locks: every function takes LOCK_SPACE.  Context: server.
 */
#ifndef UZ_SPACE_REGION_H
#define UZ_SPACE_REGION_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"

struct region {
	uintptr_t start;
	uintptr_t end;
};

#define REGIONS_MAX	65536u	/* the kernel's own default bound of mappings */

struct region_set {
	struct lock lock;
	uint32_t nr;
	struct region *all;	/* REGIONS_MAX entries, arena, lazily touched */
	_Atomic size_t bytes;	/* sum of lengths */
};

MUST_USE int region_init(struct region_set *s, struct arena *a);

/*
 * Add a range; parts already there stay.
 * Returns 0, or -ENOSPC when there are too many regions.
 */
MUST_USE int region_add(struct region_set *s, uintptr_t start, uintptr_t end);

/* Forget a range, or the parts of it that are known. */
void region_cut(struct region_set *s, uintptr_t start, uintptr_t end);

/* The first region that ends above ADDR: false when there is none. */
bool region_next(struct region_set *s, uintptr_t addr, struct region *out);

/* Is all of [START, END) in one region? */
bool region_has(struct region_set *s, uintptr_t start, uintptr_t end);

/* How much of [START, END) is known, in bytes. */
size_t region_overlap(struct region_set *s, uintptr_t start, uintptr_t end);

bool region_is_valid(struct region_set *s);

void region_fork_child(struct region_set *s);

#endif
