/* SPDX-License-Identifier: MIT */
/*
 * Choosing what is cold, without accessed bits.
 *
 * A clock hand goes round all regions.  Each page it meets is taken out on
 * probation, unless it has heat: then it only cools by one.  A page asked
 * for while on probation comes back hotter (it is passed over 1, 3, 7 .. 63
 * rounds); one that is not asked for is stored.  A page that was stored
 * and came back soon gets hotter too, one that came back late starts anew.
 * If all is hot and memory is short, warm pages are taken too (eager).
 *
 * Pages restored for a thread that goes through memory in order are taken
 * out behind it again, before the hand looks anywhere (cold_passed).  So are
 * pages that came back late, after a short time (cold_returned): most are not
 * asked for again, and what is there for long is what came back soon.
 *
 * So a page in steady use is tried once in 64 rounds, at the price of
 * one soft fault; a page never used again leaves at the first round.
 *
 * This is CLOCK with a second chance (Corbato 1968) where the reference bit
 * is replaced by a soft page fault, as in VAX/VMS's free-page list (Levy and
 * Lipman 1982), and the skip count by reuse history.
 *
 * This interface is all the engine knows of it: a kernel that reports
 * accesses can replace it.  Context: server.
 */
#ifndef UZ_ENGINE_COLD_H
#define UZ_ENGINE_COLD_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/pagemap.h"
#include "base/types.h"
#include "engine/busy.h"
#include "engine/early.h"
#include "engine/pin.h"
#include "engine/trail.h"

#define COLD_RUNS	64	/* from one look */

struct engine;
struct helper;

struct cold {
	struct lock lock;	/* LOCK_COLD: the hand */
	uintptr_t hand;		/* where the clock hand is */
	_Atomic uint32_t tick;	/* eviction time, for refault distance */
	_Atomic uint32_t evicted_in_tick;
	_Atomic uint32_t tick_len;	/* evictions per tick: resident / 16 */
	_Atomic uint32_t eager;	/* heat that counts as cold, 0..63 */
	struct pins pins;	/* never taken out */
	struct trail passed;		/* by threads that read on */
	struct trail returned;		/* late */
	struct early early;		/* do they leave too early? */
	struct busy busy;		/* chunks that are to stay */
	_Atomic uint64_t no_hand_ns;	/* shared memory: rests until then */
};

/* What was present at the last look; its own helper. */
struct cold_look {
	struct page_run runs[COLD_RUNS];
	long at;		/* the next to sweep */
	long nr;		/* that were found; negative: no memory */
};

MUST_USE int cold_init(struct cold *c, struct arena *a, uint64_t limit);

/* All memory is a relative's as well: what was passed cannot leave. */
void cold_share(struct cold *c);

/*
 * Move the hand over the next stretch of memory and take out what is cold
 * there, about MOST pages; what is left of it is looked at the next time.
 *
 * taken    out: pages that left
 *
 * Returns  false when there is no memory to look at
 */
bool cold_sweep(struct helper *h, size_t most, size_t *taken);

/*
 * The NR pages at START, in one chunk, have been found idle: take out those
 * that are there, but what was in use lately.  Returns how many left.
 */
size_t cold_take(struct helper *h, uintptr_t start, size_t nr);

/*
 * A thread that reads through its memory in order has left this stretch:
 * what came back there for its sake goes first.  So a pass over more than
 * fits does not push out all that was resident, to find nothing of it at
 * its next pass.  Only a hint: the oldest are forgotten.
 *
 * While memory is shared since a fork, all that came back since is listed
 * here: it is most of what this process has to itself, and all that can leave.
 * Oldest first, but what comes back again and again stays for a while.
 */
void cold_passed(struct cold *c, struct page_run run);

/*
 * The page at ADDR came back late, for somebody who asked: it stays for some
 * hundred others like it, and leaves if nobody asks for it on probation.
 *
 * While too many of them come back soon (early.h) they stay until the hand
 * comes.
 */
void cold_returned(struct cold *c, uintptr_t addr);

/* The page at ADDR came back as somebody asked for it. */
void cold_asked(struct engine *e, uintptr_t addr);

/* Is the chunk of ADDR busy?  Then its pages stay together (busy.h). */
bool cold_is_busy(struct engine *e, uintptr_t addr);

/* Nothing was found to leave: if memory is shared, the hand takes a rest. */
void cold_rest(struct engine *e);

/*
 * Nothing but hot pages was found while memory is needed: take warmer ones
 * from now on; and back to normal.
 */
void cold_be_eager(struct cold *c);
void cold_be_calm(struct cold *c);

/* WORD, STORED, of a page that left now; EARLY: it still had its object. */
uint64_t cold_stored(struct cold *c, uint64_t word, bool early);

/* Pages left for the store: advances eviction time. */
void cold_evicted(struct cold *c, size_t nr);

/* The word of a page that was asked for while on probation. */
uint64_t cold_rescued(uint64_t word);

/* The word of a page that is fresh. */
uint64_t cold_fresh(uint64_t word);

/* The word of a page restored from the store; SOON: it was a refault. */
uint64_t cold_restored(struct cold *c, uint64_t word, bool asked, bool *soon);

#endif
