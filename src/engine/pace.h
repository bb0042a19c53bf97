/* SPDX-License-Identifier: MIT */
/*
 * How fast ageing (engine/age.c) goes, and when it waits.
 *
 *	harm	 what the program's faults have taken in the last six seconds,
 *		 for whatever reason.  Above max_stall nothing is sampled or
 *		 stored, and the rate, which grows from a little as long as no
 *		 harm is done, is halved
 *	patience when more comes back than an eighth of what was stored, blocks
 *		 have to be idle for twice as long, up to sixteen times
 *	CPU	 no more is stored in a second than can be packed in a share of
 *		 one CPU, by what packing has taken so far
 *
 * The feedback is that of Meta's senpai (Weiner et al., TMO, ASPLOS 2022),
 * with stall time of our own, as the kernel counts none for userfaultfd.
 *
 * Context: steward, unless noted.
 */
#ifndef UZ_ENGINE_PACE_H
#define UZ_ENGINE_PACE_H

#include <stdatomic.h>

#include "base/types.h"

#define PACE_SECONDS	6u	/* the window that harm is counted in */

/* Ageing waits, as the program had to wait for too long. */
struct pace_backoff {
	bool is_on;
	uint64_t since_ns;	/* when it began last, or 0 */
	uint64_t stall_ns;	/* what faults had taken then */
};

struct pace {
	/* relaxed: settings */
	_Atomic uint64_t max_stall_ms;	/* in PACE_SECONDS */
	_Atomic uint32_t cpu_pct;	/* of one CPU, for storing; 0 any */

	uint64_t second_ns;		/* when this second began */
	uint64_t stall_ns[PACE_SECONDS]; /* in the seconds before, a ring */
	uint32_t second;		/* place of the next one */
	uint64_t stall_seen_ns;		/* counted until this second began */
	int64_t budget;			/* bytes that may leave now */
	uint64_t rate;			/* bytes per second */
	uint32_t patience;		/* blocks idle for so many min_age */
	uint64_t aged_seen;		/* counters, at the last look at them */
	uint64_t restored_seen;
	struct pace_backoff backoff;
};

/* All zeros, but for the settings. */
void pace_init(struct pace *p);

/* Context: any. */
void pace_set(struct pace *p, uint64_t max_stall_ms, uint32_t cpu_pct);

/*
 * Time goes on; MANAGED bytes could leave in all.  True: go on, too.  False:
 * too much harm was done, wait.
 */
bool pace_tick(struct pace *p, uint64_t managed, uint64_t now_ns);

/* Ageing is off, or does what was asked for, whatever harm it does. */
void pace_rest(struct pace *p);

/* Is there more harm than a quarter of what may be? */
bool pace_is_harmful(const struct pace *p);

#endif
