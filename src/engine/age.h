/* SPDX-License-Identifier: MIT */
/*
 * Storing what has not been used for a while, without any limit.
 *
 * Memory is cut into blocks.  A page at random of each is taken out on
 * probation (engine/probe.h); if nobody asks for it in min_age, the block is
 * idle and leaves as a whole, else it is looked at again in the next round.
 *
 *	steward   age_tick    a block's sample out -> asked for: not idle
 *	                              |               not in min_age
 *	evictor   age_evict           +-> all of the block leaves
 *
 * What that costs is bounded (engine/pace.h): by the harm that is done to the
 * program, by how much comes back, and in CPU time.  Above a quarter of the
 * harm that may be done, blocks found in use are passed over for some rounds
 * (engine/hot.h): else cold memory would wait for what is tried in vain beside
 * it.
 *
 * The same can be asked for once (age_begin_round): one round as fast as
 * samples can be taken, with the gate closed, whatever harm there was.
 *
 * One sample per block is enough because use comes in neighbourhoods, and
 * all pages cannot be sampled: each one that is in use costs a fault.
 * Engine A only, as probes are.
 */
#ifndef UZ_ENGINE_AGE_H
#define UZ_ENGINE_AGE_H

#include <stdatomic.h>

#include "base/types.h"
#include "engine/hot.h"
#include "engine/pace.h"

struct engine;
struct engine_config;
struct helper;

#define AGE_READY	128u	/* idle blocks on their way to the evictor */
#define AGE_MS_MOST	86400000ull	/* that a round can ask for */

/* A block with its sample out; index: slot of the probe. */
struct age_block {
	uintptr_t start;	/* 0: this one is free */
	uint32_t nr_pages;
	uint64_t since_ns;	/* when the sample was taken */
};

/* What is asked for once. */
struct age_round {
	uint64_t min_age_ns;	/* 0: nothing */
	uint64_t goal;		/* pages that are to leave */
	uint64_t before;	/* the counter of those that did, then */
	int64_t left;		/* of the goal, for blocks found idle next */
	bool dry;		/* only see what there is: */
	uint64_t samples;	/* taken */
	uint64_t idle_pages;	/* that would leave */
	uint64_t idle_pool;	/* bytes these would take */
	bool over;		/* no more samples */
};

struct age {
	_Atomic uint64_t min_age_ms;	/* 0: off */

	/* The steward's. */
	struct age_block *blocks;	/* AGE_SLOTS, or NULL: not yet */
	struct hot hot;			/* blocks not to sample again soon */
	uintptr_t hand;			/* the next block to sample */
	uint32_t nr_out;		/* blocks in use */
	uint32_t at;			/* the next block to look at */
	uint64_t tick_ns;		/* when the last tick was */
	struct pace pace;
	uint64_t random;
	struct age_round round;

	/* From the steward to the first evictor: address | pages. */
	_Atomic uintptr_t ready[AGE_READY];
	_Atomic uint32_t nr_ready;	/* entries written, ever */
	_Atomic uint32_t nr_taken;	/* entries read, ever */
};

/* Context: any. */
void age_set(struct engine *e, const struct engine_config *cfg);

/*
 * Begin a round in which up to BYTES leave of what is not used for
 * MIN_AGE_MS; or, if DRY, in which that is only looked for.  The one before is
 * given up.
 *
 * Returns  0
 *          -EOPNOTSUPP  engine B
 *          -ENOMEM
 */
MUST_USE int age_begin_round(struct engine *e, uint64_t min_age_ms,
			     uint64_t bytes, bool dry);

/* Pages that have left in this round. */
uint64_t age_round_stored(const struct engine *e);

/* Is it over: BYTES have left, or all memory has been looked at? */
bool age_round_is_over(const struct engine *e);

/* From now on as min_age says. */
void age_end_round(struct engine *e);

static inline bool age_is_round(const struct age *a)
{
	return a->round.min_age_ns != 0;
}

/* Must memory be registered for it, with room or without? */
bool age_is_on(const struct engine *e);

/* Sample, look, decide.  Inside fork_work_begin().  Context: steward. */
void age_tick(struct helper *steward, uint64_t now_ns);

/* Store what was found idle.  Context: the first evictor. */
void age_evict(struct helper *h);

#endif
