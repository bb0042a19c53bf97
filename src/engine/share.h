/* SPDX-License-Identifier: MIT */
/*
 * A fair share of a group's memory, with nobody to divide it.
 *
 * All processes of a group act on the group's usage, each for itself.  Who
 * got there first, or evicts more slowly, would keep what it has.  So each
 * one compares what it has resident with the mean of the group's processes,
 * and keeps more of the group's limit free the more it lies above:
 *
 *	limit  |<- reserve ->|<- extra ->|
 *	                     |           |  a process at 120 % of the mean, or
 *	                     |           |  idle, evicts until here
 *	                     |  one at or below the mean until here
 *
 * What lies between is taken by those who have less.  A process that has
 * missed no page lately counts as one that has too much: what it holds is of
 * more use to others.  So shares are equal among those who use their memory,
 * and nobody tells anybody anything.
 *
 * And since all of them see the same room, each takes but its part of it
 * before it looks again.
 *
 * Small processes do not count, nor do groups below ours: their processes
 * are listed elsewhere.
 *
 * Context: steward.
 */
#ifndef UZ_ENGINE_SHARE_H
#define UZ_ENGINE_SHARE_H

#include "base/types.h"
#include "engine/pressure.h"

#define SHARE_PEERS	64u	/* processes looked at */

struct share {
	uint64_t own;		/* bytes resident, anonymous, of ours */
	uint64_t mean;		/* of all that count; 0: we are alone */
	uint32_t nr;		/* how many count, 1 at least */
	uint64_t looked_ns;	/* when the mean was taken */
	uint64_t missed;	/* faults counted when idle was judged */
	uint64_t judged_ns;	/* when that was */
	bool idle;		/* hardly any in the second before */
	char text[4096];	/* for reading */
};

/*
 * Look around; at others some times a second, at ourselves at each call.
 *
 * missed    pages this process has had to wait for, ever
 */
void share_look(struct share *s, const struct pressure *p,
		const struct pressure_now *now, uint64_t missed);

/* What to keep free beyond RESERVE, in the unit of RESERVE: up to as much. */
int64_t share_extra(const struct share *s, int64_t reserve);

#endif
