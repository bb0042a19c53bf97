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

/* What an address has: a word, and two bits in it. */
struct profile_filter_bits {
	uint32_t word;
	uint8_t bit[2];
};

static inline struct profile_filter_bits
profile_filter_large(uintptr_t addr)
{
	uint64_t hash = (uint64_t)(addr >> 4) * 0x9e3779b97f4a7c15u;

	return (struct profile_filter_bits){
		(uint32_t)(hash >> (64 - FILTER_LARGE_LOG)),
		{ hash >> 32 & 63, hash >> 38 & 63 },
	};
}

/* Addresses 4 GiB apart have the same: the large one tells them apart. */
static inline struct profile_filter_bits
profile_filter_small(uintptr_t addr)
{
	uint32_t hash = (uint32_t)addr * 0x9e3779b1u;

	return (struct profile_filter_bits){
		hash >> (32 - FILTER_SMALL_LOG),
		{ hash >> 18 & 63, hash >> 12 & 63 },
	};
}

static inline bool profile_filter_get(const _Atomic uint64_t *words,
				      struct profile_filter_bits at)
{
	uint64_t word = atomic_load_explicit(&words[at.word],
					     memory_order_relaxed);

	/* nearly always the first is enough, and taken for that */
	if (likely(!(word >> at.bit[0] & 1)))
		return false;
	return word >> at.bit[1] & 1;
}

/* May ADDR be in it?  The small one. */
static inline bool profile_filter_may(const struct profile_filter *f,
				      uintptr_t addr)
{
	return profile_filter_get(f->small, profile_filter_small(addr));
}

/* The same of the large one, once there is one. */
static inline bool profile_filter_has(const struct profile_filter *f,
				      uintptr_t addr)
{
	return profile_filter_get(f->large, profile_filter_large(addr));
}

#endif
