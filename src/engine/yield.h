/* SPDX-License-Identifier: MIT */
/*
 * Giving back memory that the program wants for itself: locked, kept out of
 * dumps, or about to be registered with a userfaultfd of the program's own,
 * which the kernel refuses while it is with ours.
 *
 *	hook     notes the range (space/exempt.h), asks, and may wait
 *	evictors from then on take nothing there
 *	steward  restores what is away there, piece by piece; when nothing is,
 *	         unregisters it while nobody is in a section; then tells who
 *	         waits
 *
 * The range stays a region until then, so that a fork in between finds it.
 */
#ifndef UZ_ENGINE_YIELD_H
#define UZ_ENGINE_YIELD_H

#include <stdatomic.h>

#include "base/types.h"

struct engine;
struct helper;

struct yield {
	_Atomic uint32_t asked;	/* how often; whoever asks */
	_Atomic uint32_t done;	/* the one reached; steward; futex */
	uint32_t ticket;	/* ASKED when the round began; steward */
	uint32_t entry;		/* of the exempt set, in the round; steward */
	uintptr_t at;		/* in that entry; steward */
	bool left;		/* something was, in this round; steward */
};

/* Something was added to the exempt set: the ticket to wait with. */
uint32_t yield_ask(struct engine *e);

/*
 * Wait until it was given back.
 *
 * Returns  false after MAX_NS, or when nobody is there to do it
 * Context  app
 */
bool yield_wait(struct engine *e, uint32_t ticket, uint64_t max_ns);

/* A piece of the work.  Context: steward. */
void yield_work(struct helper *steward);

/* Is there any?  Context: any. */
bool yield_is_due(const struct engine *e);

/* May pages leave from [START, END)?  In a section.  Context: server. */
bool yield_allows(struct engine *e, uintptr_t start, uintptr_t end);

#endif
