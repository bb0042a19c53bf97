/* SPDX-License-Identifier: MIT */
/*
 * What the first evictor does for the store when it has time:
 *
 *	compact   after pages were freed, give their memory back
 *	repack    pack what has long been idle again, with the second codec
 *	train     make a dictionary for that out of pages of this process
 *
 * A stored page is idle if a whole pass over all pages went by while it was
 * stored, and the time set between two passes: the first pass marks it, the
 * second one packs it anew.  Marks are in the page word and go with the page
 * when it is restored.  So nothing is repacked that is in use, and each page
 * once.
 *
 * Compaction follows what was freed, within a quarter of a CPU; the rest
 * takes at most the share of one CPU that was set, in small pieces, also
 * while memory is short: that is when it helps most.
 *
 * Context: the first evictor, unless noted.
 */
#ifndef UZ_ENGINE_UPKEEP_H
#define UZ_ENGINE_UPKEEP_H

#include <stdatomic.h>

#include "base/types.h"
#include "store/codec.h"

struct engine;
struct helper;

struct upkeep {
	uint64_t last_ns;	/* when it was looked after last */
	uint64_t compact_ns;	/* the same, of compaction */
	int64_t budget_ns;	/* CPU time that repacking may use now */
	uintptr_t hand;		/* where the pass is */
	uint64_t passed_ns;	/* when the last pass ended */
	uint32_t stride;	/* sampling: one page of so many; 0 not now */
	uint32_t skipped;	/* sampling: pages since the last one */
	uint64_t trained_at;	/* pages evicted when trained last */
	struct codec_choice trained_for;	/* for what; RAW: never */
	struct dict_trainer trainer;
	/* relaxed: settings */
	_Atomic uint64_t idle_ms;
	_Atomic uint32_t cpu_pct;	/* of one CPU; 0 never repack */
};

/* 0 or -ENOMEM.  Context: init. */
MUST_USE int upkeep_init(struct engine *e, uint64_t idle_ms, uint32_t cpu_pct);

/* From now on.  Context: any. */
void upkeep_set(struct engine *e, uint64_t idle_ms, uint32_t cpu_pct);

/*
 * Do what is due, some milliseconds at most; some tenths of a second when a
 * dictionary is made.  Cheap when nothing is due.
 */
void upkeep_run(struct helper *h);

/* What was half done in the parent is not done.  Context: child. */
void upkeep_fork_child(struct engine *e);

#endif
