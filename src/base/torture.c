/* SPDX-License-Identifier: MIT */
/*
 * One counter for all threads, hashed with the seed (splitmix64): the Nth
 * decision is the same in each run with the same seed.
 */
#include "base/torture.h"

#include "base/sys.h"

#define YIELD_IN	32u	/* of so many pauses one is a yield, ... */
#define NAP_IN		128u	/* ... one a sleep */
#define NAP_MOST_NS	(200 * NS_PER_US)
#define LONG_IN		16u	/* of so many sleeps one is long */
#define LONG_MOST_NS	(3 * NS_PER_MS)

_Atomic uint64_t torture_seed;

static _Atomic uint64_t decisions;

void torture_start(uint64_t seed)
{
	atomic_store(&torture_seed, seed);
}

static uint64_t next(void)
{
	uint64_t n = atomic_fetch_add_explicit(&decisions, 1,
					       memory_order_relaxed);
	uint64_t x = (atomic_load_explicit(&torture_seed,
					   memory_order_relaxed) + n) *
		     0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

uint64_t torture_below(uint64_t n)
{
	return torture_is_on() && n ? next() % n : 0;
}

bool torture_strikes_now(unsigned one_in)
{
	return next() % one_in == 0;
}

void torture_pause_now(void)
{
	const uint64_t x = next();

	if (x % NAP_IN == 0)
		sys_nanosleep((x >> 16) % ((x >> 8) % LONG_IN ? NAP_MOST_NS
							      : LONG_MOST_NS));
	else if (x % YIELD_IN == 0)
		sys_yield();
}
