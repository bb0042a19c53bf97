/* SPDX-License-Identifier: MIT */
/*
 * Settings that can change while the engine runs: limits, codecs, what pays,
 * packing again.
 */
#ifndef UZ_ENGINE_TUNE_H
#define UZ_ENGINE_TUNE_H

#include "base/types.h"

struct engine;
struct engine_config;

/*
 * From now on as CFG says, where that can change; all else of CFG is not
 * looked at.  Cannot fail.  Context: steward.
 */
void tune_apply(struct engine *e, const struct engine_config *cfg);

/* The cap of the pool in bytes by e->cfg; 0 none. */
uint64_t tune_pool_max(const struct engine *e);

#endif
