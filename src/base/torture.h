/* SPDX-License-Identifier: MIT */
/*
 * Torture: a switch for tests that makes the rare common.
 *
 *	torture_pause    here another thread may come in between: let it
 *	torture_strikes  the kernel or the pool could say no here: it does
 *	torture_part     the kernel could stop part-way: it does
 *
 * With it on, everything is evicted all the time, whatever the limit
 * (engine/reclaim.c, cold.c), every mapping is adopted from its first page
 * (engine/steward.c), objects carry a checksum of the page they were made from
 * (store/codec.c), and the books are audited (engine/audit.h).
 *
 * The seed fixes the sequence of decisions; which thread meets which of them
 * is up to the scheduler.  Off, each place costs one predictable branch.
 * Context: any; nothing here is called with a lock held or, but for pauses
 * of some microseconds, inside a section.
 */
#ifndef UZ_BASE_TORTURE_H
#define UZ_BASE_TORTURE_H

#include <stdatomic.h>

#include "base/types.h"

/* 0 off.  Set once, before any other helper runs; relaxed. */
extern _Atomic uint64_t torture_seed;

static inline bool torture_is_on(void)
{
	return unlikely(atomic_load_explicit(&torture_seed,
					     memory_order_relaxed));
}

/* SEED 0: off. */
void torture_start(uint64_t seed);

/* A number below N; 0 when off. */
uint64_t torture_below(uint64_t n);

/* Never call these two directly. */
void torture_pause_now(void);
bool torture_strikes_now(unsigned one_in);

/* Mostly nothing, sometimes a yield, seldom a sleep of up to a millisecond. */
static inline void torture_pause(void)
{
	if (torture_is_on())
		torture_pause_now();
}

/* True once in ONE_IN times. */
static inline bool torture_strikes(unsigned one_in)
{
	return torture_is_on() && torture_strikes_now(one_in);
}

/* Of N units of work: how many are done; N itself, mostly. */
static inline size_t torture_part(size_t n)
{
	return torture_strikes(16) ? (size_t)torture_below(n) : n;
}

#endif
