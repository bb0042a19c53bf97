/* SPDX-License-Identifier: MIT */
/*
 * Do pages leave too early?
 *
 * Pages that came back late leave early, others when the hand finds them.
 * When other pages are in use than before, all of those come back late, and
 * soon again if they leave early; what was in use is found by the hand.  So of
 * both ways is counted how many were stored and how many of these came back
 * soon.  ARC's ghost lists ask the same (Megiddo and Modha 2003); but to move
 * memory from the one to the other by each answer, as it does, costs zipfian
 * reads a tenth more misses (docs/policy.md).
 *
 * The counts are hints: an update may get lost.  Context: server.
 */
#ifndef UZ_ENGINE_EARLY_H
#define UZ_ENGINE_EARLY_H

#include <stdatomic.h>

#include "base/types.h"

struct early {
	_Atomic uint32_t left[2];	/* pages stored: by the hand, early */
	_Atomic uint32_t back[2];	/* soon after that */
	_Atomic uint32_t asked;		/* times */
};

void early_init(struct early *e);

/* A page was stored; the counts are of some WINDOW pages. */
void early_left(struct early *e, bool early, uint32_t window);

/* A page came back soon. */
void early_back(struct early *e, bool early);

/*
 * Far more come back soon of those that left early.  Once in a while the
 * answer is the wrong one, so that of both ways enough is known.
 */
bool early_is_too(struct early *e);

#endif
