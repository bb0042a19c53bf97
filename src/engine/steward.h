/* SPDX-License-Identifier: MIT */
/*
 * The steward: the thread that watches.  Reads limit and usage, closes and
 * opens the gate, settles forks, publishes statistics.
 *
 * Context: steward.
 */
#ifndef UZ_ENGINE_STEWARD_H
#define UZ_ENGINE_STEWARD_H

#include "base/types.h"

struct engine;

struct steward {
	uint64_t usage;		/* bytes, at the last tick */
	uint64_t usage_ns;	/* when that was */
	int64_t growth;		/* bytes per second, decaying */
	uint64_t kept_ns;	/* when the limit was last kept, or none */
	uint64_t over_ns;	/* when it was last not kept */
};

/* Its life, once all is set up. */
void steward_loop(struct engine *e);

#endif
