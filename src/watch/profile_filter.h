/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be sampled allocations: what free() asks of each.
 *
 * A Bloom filter: an address has a word, and two bits in it.  Behind each bit
 * is a counter, to know when to clear it.  (Bits that are only set were tried:
 * allocators hand out the same few addresses over and over, and soon all of
 * these had been sampled once.)  A counter that is full stays full.
 *
 * There are two of them.  The small one has 2 KiB and stays in the first
 * cache, but lets one address in 250 through when FILTER_FEW are in it; then
 * the large one is asked.  Both always know all addresses.
 *
 * Context: app, may be in a signal handler, but for the first and the last.
 */
#ifndef UZ_WATCH_PROFILE_FILTER_H
#define UZ_WATCH_PROFILE_FILTER_H

#include <stdatomic.h>

#include "base/types.h"

#define FILTER_FEW	512u

struct arena;

struct profile_filter {
	/* Which one is asked: where its words are, and in the lowest six bits
	   how far the hash is shifted for the index of one.  0: neither. */
	_Atomic uintptr_t asked;
	struct profile_filter_level {
		_Atomic uint64_t *words;
		_Atomic uint8_t *counts;	/* 64 for each word */
		size_t nr;			/* words */
	} levels[2];
};

/* Memory for it; may be called again.  0 or -ENOMEM. */
MUST_USE int profile_filter_init(struct profile_filter *f, struct arena *a);

/* Nothing is in it any more. */
void profile_filter_clear(struct profile_filter *f);

void profile_filter_add(struct profile_filter *f, uintptr_t addr);

/* It was added once. */
void profile_filter_drop(struct profile_filter *f, uintptr_t addr);

static inline uint64_t profile_filter_hash(uintptr_t addr)
{
	return (uint64_t)(addr >> 4) * 0x9e3779b97f4a7c15u;
}

/* ASKED of a filter, not 0: may ADDR be in it? */
static inline bool profile_filter_has(uintptr_t asked, uintptr_t addr)
{
	const _Atomic uint64_t *words = (const void *)(asked & ~(uintptr_t)63);
	uint64_t hash = profile_filter_hash(addr);
	uint64_t word = atomic_load_explicit(&words[hash >> (asked & 63)],
					     memory_order_relaxed);

	if (likely(!(word >> (hash >> 32 & 63) & 1)))
		return false;
	return word >> (hash >> 38 & 63) & 1;
}

/* Choose who is asked, for NR addresses in it.  Context: steward. */
void profile_filter_choose(struct profile_filter *f, uint32_t nr);

#endif
