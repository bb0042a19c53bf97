/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be sampled allocations: what free() asks of each.
 *
 * A Bloom filter: an address has a word, and two bits in it.  Behind each bit
 * is a counter, to know when to clear it.  (Bits that are only set were tried:
 * allocators hand out the same few addresses over and over, and soon all of
 * these had been sampled once.)  A counter that is full stays full.
 *
 * There are two of them, and both know all addresses.  The small one has 2 KiB,
 * so that it stays in the first cache, and lies where its address is known when
 * the library is loaded: a call of free() reads nothing else.  Of other
 * addresses it lets one in 250 through when 512 are in it, one in 6 when there
 * are 4096; then the large one is asked.
 *
 * Context: app, may be in a signal handler, but for init and clear.
 */
#ifndef UZ_WATCH_PROFILE_FILTER_H
#define UZ_WATCH_PROFILE_FILTER_H

#include <stdatomic.h>

#include "base/types.h"

#define FILTER_SMALL_LOG	8	/* words, as powers of two */
#define FILTER_LARGE_LOG	13

struct arena;

struct profile_filter {
	_Atomic uint64_t small[1 << FILTER_SMALL_LOG] CACHE_ALIGNED;
	_Atomic uint64_t *large;
	_Atomic uint8_t *small_counts;	/* 64 for each word */
	_Atomic uint8_t *large_counts;
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

static inline bool profile_filter_bits(const _Atomic uint64_t *words,
				       unsigned log, uintptr_t addr)
{
	uint64_t hash = profile_filter_hash(addr);
	uint64_t word = atomic_load_explicit(&words[hash >> (64 - log)],
					     memory_order_relaxed);

	/* nearly always the first is enough, and taken for that */
	if (likely(!(word >> (hash >> 32 & 63) & 1)))
		return false;
	return word >> (hash >> 38 & 63) & 1;
}

/* May ADDR be in it?  The small one. */
static inline bool profile_filter_may(const struct profile_filter *f,
				      uintptr_t addr)
{
	return profile_filter_bits(f->small, FILTER_SMALL_LOG, addr);
}

/* The same of the large one, once there is one. */
static inline bool profile_filter_has(const struct profile_filter *f,
				      uintptr_t addr)
{
	return profile_filter_bits(f->large, FILTER_LARGE_LOG, addr);
}

#endif
