/* SPDX-License-Identifier: MIT */
/*
 * The profile: which code owns which memory, and when that was last used.
 *
 *	profile.c         the page (include/uzswap/profile.h), start and end
 *	profile_site.c    call stacks, each once
 *	profile_live.c    sampled allocations, found again when freed
 *	profile_filter.c  most of what is freed is none
 *	profile_point.c   watched pages: chosen
 *	profile_round.c   taken out and looked at, in rounds
 *	profile_budget.c  what that may cost
 *
 * Two samples are taken.  Of allocations, by bytes, in the program's own
 * threads: these find their call stack in hooks/ and go into tables in the
 * shared page, by compare-and-swap alone.  And of pages, by the steward: one
 * in each cell of memory, and one for each small allocation sampled, is
 * taken out on probation (engine/probe.h) again and again, to see when the
 * program asks for it.  Both are put together by whoever reads the page.
 *
 * What it costs is bounded: what the program pays for both has one budget of
 * time, and our own work another.  The round over all points gets slower when
 * one is used up, and fewer allocations are sampled if these alone would take
 * an eighth of what the program may pay: what they push out of its caches is
 * not in the time they take.
 *
 * With recording off a hook pays nothing: its next sample is far away, and
 * there is no filter to look at when memory is freed.
 */
#ifndef UZ_WATCH_PROFILE_H
#define UZ_WATCH_PROFILE_H

#include <stdatomic.h>

#include "base/types.h"
#include "engine/probe.h"
#include "uzswap/profile.h"
#include "watch/profile_budget.h"
#include "watch/profile_filter.h"

struct engine;

#define PROFILE_MAPS		1024u		/* sampled mappings alive */
#define PROFILE_HASHED		(4 * PROBE_SLOTS)

struct profile_config {
	uint64_t interval;	/* bytes allocated per sample */
	uint32_t depth;		/* frames of a call stack */
	bool sites;		/* sample allocations, too */
	uint32_t unwind;	/* 0 frame pointers, 1 tables */
	uint64_t period_ns;	/* of a round over all points, at least */
	uint32_t cost_pct;	/* see profile_budget.h */
};

/* One watched page; index: slot of its probe. */
struct profile_point {
	uintptr_t addr;
	uint64_t since_ns;
	uint64_t used_ns;	/* last use seen, or 0 */
	uint64_t out_ns;	/* not used since; while it is OUT or STORED */
	uint64_t live_born;	/* tells the allocation from a later one */
	uint32_t live;		/* row, or UZSWAP_POINT_NO_LIVE */
	uint32_t uses;
	uint16_t packed;
	uint16_t usual_ms;	/* most it was out for, in this streak */
	uint8_t state;		/* enum uzswap_profile_state */
	uint8_t streak;		/* times in a row it was asked for at once */
	bool cell;		/* stands for a cell of memory */
	bool fresh;		/* was never taken out since it is there */
	bool measured;		/* since it was taken out */
	bool doomed;		/* to be put back and forgotten */
	bool charged;		/* for being asked for, when taken out */
	bool woken;		/* a neighbour has gone cold: look now */
};

/* What a round still looks for, to be watched. */
enum profile_step {
	PROFILE_CELLS,	/* of memory, with something in them */
	PROFILE_LIVES,	/* small allocations */
	PROFILE_FOUND,	/* nothing more */
};

struct profile {
	struct engine *engine;
	struct profile_config cfg;
	_Atomic uint32_t on;		/* recording */
	_Atomic uint32_t sites_on;	/* allocations, too; what hooks ask */
	_Atomic uint64_t interval;	/* now: doubled as tables fill up */

	/* The page; set before ON. */
	struct uzswap_profile *page;
	struct uzswap_profile_site *sites;
	uint64_t *frames;
	struct uzswap_profile_live *live;
	struct uzswap_profile_point *rows;
	size_t page_len;
	int32_t pid;			/* whose page it is */

	_Atomic uint32_t frames_used;
	_Atomic uint32_t sites_used;
	_Atomic uint32_t live_used;
	_Atomic uint64_t samples;
	_Atomic uint64_t lost;
	_Atomic uint64_t no_stack;
	_Atomic uint64_t unwind_ns;

	/* Of what is in the table; hooks ask it, if anything may be. */
	struct profile_filter filter;
	_Atomic uint32_t has_live;
	_Atomic uint32_t maps[PROFILE_MAPS]; /* rows of live + 1; 0 free */
	_Atomic uint32_t nr_maps;	/* places of maps used so far */
	_Atomic uint64_t new_lives[UZSWAP_PROFILE_LIVE / 64]; /* a bit each:
					   the steward has to see the row */

	/* All below: the steward. */
	struct profile_point *points;	/* PROBE_SLOTS */
	uint16_t *by_page;		/* PROFILE_HASHED: index + 1 */
	uint32_t nr_points;		/* highest index used, + 1 */
	uint32_t nr_cells;
	uint32_t nr_lives;
	uint32_t keep;			/* of small allocations: hashes below */
	uint64_t cell;			/* bytes */
	enum profile_step step;
	uintptr_t at_cell;
	uint32_t at_live;		/* in words of new_lives */
	bool look_at_all;		/* rows of live, in the next round */
	uint32_t at_point;		/* counts on, from round to round */
	uint32_t nr_left;		/* slots to come by in this round */
	uint64_t resident;		/* when new ones were last looked for */
	uint64_t registered;		/* bytes, at the last tick */
	uint32_t at_fresh;		/* of those never taken out */
	bool some_woken;
	uint32_t nr_rounds;
	uint32_t nr_ticks;
	uint32_t backoff;		/* most rounds a page is left alone,
					   as a power of two */
	bool ran_dry;			/* the budget, in this round */
	uint64_t round_ns;		/* when this round began */
	uint64_t last_round_ns;		/* from the one before it */
	uint64_t tick_ns;		/* when the last tick was */
	uint64_t process_ns;		/* CPU time of the process, then */
	struct profile_budget budget;
	uint64_t cpu_ns;		/* used by the sampler */
	uint64_t charged_ns;		/* the steward's CPU time, then */
	uint64_t sampled_ns;		/* of unwind_ns: in the budget */
	uint64_t share_ns;		/* since sampling was paced: granted */
	uint64_t took_ns;		/* and what sampling took of it */
	uint64_t asked;
	uint64_t asked_ns;
	uint64_t started_ns;
	uint64_t published_ns;
	uint64_t reuse[UZSWAP_PROFILE_REUSE];
};

/* --- the program's threads.  Context: app, may be in a signal handler ---- */

/*
 * Bytes until the next sample, for a thread whose random numbers come from
 * *SEED: exponential, INTERVAL on the average.
 */
uint64_t profile_distance(uint64_t *seed, uint64_t interval);

/* LEN bytes at ADDR were just allocated by the NR FRAMES, and are sampled. */
void profile_add(struct profile *p, enum uzswap_profile_kind kind,
		 uintptr_t addr, size_t len, uint64_t born_ns,
		 const uint64_t *frames, size_t nr);

/*
 * ADDR is about to be freed: forget it.  If OUT is not NULL and it was there,
 * *OUT is what it was and the result true, for a realloc that may fail.
 */
bool profile_drop(struct profile *p, uintptr_t addr,
		  struct uzswap_profile_live *out);

/* That realloc has failed: it is still there. */
void profile_put_back(struct profile *p,
		      const struct uzswap_profile_live *row);

/* [START, START + LEN) is about to be unmapped, or mapped over. */
void profile_unmap(struct profile *p, uintptr_t start, size_t len);

/* --- the steward's ------------------------------------------------------- */

/* Make the page and begin to record; again in the child of a fork. */
void profile_start(struct profile *p);

/* Stop recording and put all pages back. */
void profile_stop(struct profile *p);

/* A little work now and then: ten times a second. */
void profile_tick(struct profile *p);

/* For the parts: have the steward see a row of live. */
static inline void profile_see(struct profile *p, uint32_t row)
{
	atomic_fetch_or(&p->new_lives[row / 64], (uint64_t)1 << (row % 64));
}

/* The site of a stack, or UINT32_MAX if there is no room. */
uint32_t profile_site(struct profile *p, enum uzswap_profile_kind kind,
		      const uint64_t *frames, size_t nr, uint64_t len);
/*
 * Sampling took the program TOOK_NS of a time in which SHARE_NS were meant for
 * watching it: from now on half as often, or twice.
 */
void profile_live_pace(struct profile *p, uint64_t took_ns, uint64_t share_ns);
MUST_USE int profile_point_init(struct profile *p);
void profile_point_begin(struct profile *p);
void profile_point_again(struct profile *p);	/* from the first cell on */
bool profile_point_cells(struct profile *p);	/* true: all were seen */
bool profile_point_lives(struct profile *p);
void profile_point_owner(struct profile *p, struct profile_point *pt);
void profile_point_forget(struct profile *p, uint32_t i);
void profile_round_init(struct profile *p);
void profile_round_tick(struct profile *p, uint64_t now_ns);
bool profile_round_forget_all(struct profile *p);
void profile_charge(struct profile *p);

#endif
