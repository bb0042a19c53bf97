/* SPDX-License-Identifier: MIT */
/*
 * How much of the library works in this process: the switch.
 *
 *	ON	all of it
 *	KEEP	nothing new leaves; what is stored is served when touched
 *	OFF	everything is restored, nothing registered, no userfaultfd
 *		open; only the steward is left, who can switch on again
 *	AWAY	the same without the steward, for good: before the program
 *		does what we could not follow, such as a seccomp filter over
 *		all threads
 *
 * Anybody may ask for a mode; the steward goes there piece by piece between
 * its other duties, so that forks, faults and statistics go on meanwhile.
 * What cannot be restored now - somebody packs it, an event is pending - is
 * tried again in the next round.  Nothing is given up before all is back.
 *
 * The child of a fork has the mode its parent had, or was on the way to; a
 * child without registration goes OFF by itself.
 */
#ifndef UZ_ENGINE_MODE_H
#define UZ_ENGINE_MODE_H

#include <stdatomic.h>

#include "base/types.h"

struct engine;
struct helper;

enum engine_mode { MODE_ON, MODE_KEEP, MODE_OFF, MODE_AWAY };

struct mode {
	_Atomic uint32_t want;	/* enum engine_mode; whoever asks */
	_Atomic uint32_t is;	/* what was reached; steward; futex */
	_Atomic int32_t failed;	/* -errno of the last way not gone to its
				 * end, 0 none; steward */
	uintptr_t at;		/* where the round goes on; steward */
	uint32_t idle_rounds;	/* in which nothing came back; steward */
	bool moved;		/* something did in this one; steward */
};

/* Why nothing may leave: bits of engine.stopping. */
#define STOP_FOR_MODE	0x1u
#define STOP_FOR_LOCK	0x2u	/* all memory is locked */
#define STOP_FOR_PINS	0x4u	/* engine B, and pages may be pinned for long */

/* Ask for MODE; what AWAY has ended stays ended.  Context: any. */
void mode_ask(struct engine *e, enum engine_mode mode);

/*
 * Ask for MODE and wait until it is reached; with AWAY, until all our
 * threads have ended.
 *
 * Returns  false if that took longer than MAX_NS, or is not possible
 * Context  app
 */
MUST_USE bool mode_go(struct engine *e, enum engine_mode mode,
		      uint64_t max_ns);

/* Does all of it work?  Context: any. */
static inline bool mode_is_on(const struct mode *m)
{
	return atomic_load(&m->want) == MODE_ON &&
	       atomic_load(&m->is) == MODE_ON;
}

static inline enum engine_mode mode_now(const struct mode *m)
{
	return (enum engine_mode)atomic_load(&m->is);
}

enum mode_work {
	MODE_RESTS,	/* nothing to do */
	MODE_WORKS,	/* some of it is done: call again soon */
	MODE_ENDS,	/* the steward's life is over */
};

/* A piece of the way to the mode asked for.  Context: steward. */
enum mode_work mode_work(struct helper *steward);

#endif
