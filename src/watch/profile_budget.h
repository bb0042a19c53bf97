/* SPDX-License-Identifier: MIT */
/*
 * What a profile may cost.
 *
 * The program's threads pay for call stacks, and for each watched page they
 * ask for: that is kept below a share of the CPU time the program uses, of
 * one CPU at most and of a quarter of one at least: a program that sleeps is
 * to be looked at, too.  (A share of all time was tried: who runs for a third
 * of it paid three times as much for what it does.)
 *
 * Our own thread pays for taking pages out and looking at them, beside the
 * program: that is kept below the same share of one CPU, whatever the program
 * does.  (One budget for both was tried: a program that mostly sleeps was not
 * looked at once in a minute.)
 *
 * Both are in nanoseconds, and below 0 when more was used than granted.
 */
#ifndef UZ_WATCH_PROFILE_BUDGET_H
#define UZ_WATCH_PROFILE_BUDGET_H

#include "base/types.h"

/*
 * A thread waits for its page: by what it is slower for, with thousands of
 * them a second.  15 to 25 us for one that only computes, 42 and 48 for Redis,
 * whose caches suffer (88 and 127 in two runs that were disturbed); the
 * server's time is in it.
 */
#define PROFILE_ASK_NS	(50 * NS_PER_US)

struct profile_budget {
	int64_t program_ns;
	int64_t own_ns;
};

/*
 * PASSED_NS more went by, in which the program used USED_NS of CPU time and
 * spent TOOK_NS of it on call stacks; PCT percent are granted.  Returns the
 * program's share.
 *
 * Call stacks take half of it at most, so that pages are looked at while a
 * program comes by new ones only.
 */
uint64_t profile_budget_grant(struct profile_budget *b, uint64_t passed_ns,
			      uint64_t used_ns, uint64_t took_ns,
			      uint32_t pct);

/* May a page be taken out? */
static inline bool profile_budget_allows(const struct profile_budget *b)
{
	return b->program_ns >= 0 && b->own_ns >= 0;
}

/*
 * May one be taken out for the first time, the NRth in this tick?  Before
 * that nothing is known of it, so these may use what is granted later.
 */
bool profile_budget_lends(const struct profile_budget *b, uint32_t nr);

#endif
