/* SPDX-License-Identifier: MIT */
/*
 * The gate: which memory is registered, and when.
 *
 *	open     with memory to spare nothing is registered; the program's
 *	         first touches run at the kernel's own speed
 *	closed   all large private anonymous mappings are registered, however
 *	         they came to be; first touches come to us
 *
 * Mappings are found in /proc/self/smaps, so that the heap, thread arenas,
 * .bss and raw system calls count as well; the hooks only make that timely.
 * Whole reservations are taken, PROT_NONE parts too: what is made
 * accessible in them later is then ours from its first touch.
 *
 * Never taken: our own memory, shared and file mappings, stacks, locked,
 * MADV_DONTDUMP and secret memory, and what somebody else registered; see
 * space/exempt.h, and yield.h for what the program wants back.
 *
 * Context: steward.
 */
#ifndef UZ_ENGINE_ADOPT_H
#define UZ_ENGINE_ADOPT_H

#include <stdatomic.h>

#include "base/proc.h"
#include "base/types.h"

struct engine;

#define ADOPT_BUF_LEN	(64 * KIB)

#define ADOPT_OLD_BITS	16384u	/* a Bloom filter of mappings' bounds */

struct adopt {
	bool closed;			/* steward */
	_Atomic uint32_t gate;		/* the same, for the hooks */
	_Atomic size_t eligible;	/* bytes that could be managed */
	void *buf;			/* for reading smaps */
	uintptr_t nowhere;		/* a page that is never readable */
	_Atomic uintptr_t brk;		/* program break seen last */
	_Atomic size_t unseen;		/* bytes mapped since the last look */
	_Atomic size_t seen;		/* private bytes at the last look */
	bool flags_known;		/* smaps was read since closing */
	_Atomic uint32_t looked;	/* futex: counts looks at the maps */
	_Atomic uint32_t wipes;		/* MADV_WIPEONFORK was used; hooks */
	uint64_t calm_since_ns;		/* steward: plenty of room since */
	uint64_t old_maps[2][ADOPT_OLD_BITS / 64]; /* steward: bounds seen by
					   the last look, and by this one */
};

MUST_USE int adopt_init(struct engine *e);

/*
 * The mappings that could be managed, by rising address: one list at a time,
 * read to its end.
 */
struct adopt_list {
	struct engine *engine;
	struct proc_maps maps;
	struct proc_map before;
	struct proc_map map;
};

MUST_USE bool adopt_list(struct engine *e, struct adopt_list *l);
const struct proc_map *adopt_next(struct adopt_list *l);

/*
 * While open: how much is there?  With FLAGS also what must be left alone,
 * so that closing the gate need not ask.
 */
void adopt_survey(struct engine *e, bool flags);

/* Close the gate: register all there is. */
void adopt_close(struct engine *e);

/* While closed: register what is new. */
void adopt_look(struct engine *e);

/*
 * While open, and memory is watched (probe.h): register what was there at the
 * last look already, so that what comes and goes pays nothing.
 */
void adopt_watch(struct engine *e);

/*
 * In the child of a fork: what the kernel left out (MADV_DONTFORK) or gave as
 * zeros (MADV_WIPEONFORK) is forgotten, before all else.
 */
void adopt_forget_uncopied(struct engine *e);

/*
 * In the child of a fork: register what the parent had.  False: not all could
 * be; what is no region any more must not stay stored.
 */
MUST_USE bool adopt_again(struct engine *e);

/* Cheap: has the heap grown?  Register that. */
void adopt_heap(struct engine *e);

/*
 * Nothing is away: unregister all that may be registered, in the books or not,
 * as it was changing when it was looked at.  Context: steward; exclusive.
 */
void adopt_unregister_all(struct engine *e);

/* With plenty of room: give back what has nothing stored. */
void adopt_open(struct engine *e);

/* With plenty of room: the same, but what is watched stays registered. */
void adopt_open_watched(struct engine *e);

#endif
