/* SPDX-License-Identifier: MIT */
/*
 * Blocks of memory that were found in use: which are not to be tried again
 * for a while, since each try costs the program a fault.
 *
 *	found in use	  1, 2, 3 times and more in a row
 *	passed over for	  1, 3, 7 rounds
 *
 * A byte per hash of a block's address, and no blocks: those whose hash is the
 * same share it, which delays the colder one.  Memory of the arena; one thread
 * at a time.  A forked child goes on with its copy.
 */
#ifndef UZ_ENGINE_HOT_H
#define UZ_ENGINE_HOT_H

#include "base/types.h"

struct arena;

#define HOT_BLOCK	(256 * KIB)	/* the smallest */

struct hot {
	uint8_t *notes;		/* rounds to pass over, times in use: 4 bits */
};

/* Returns 0 or -ENOMEM. */
MUST_USE int hot_init(struct hot *h, struct arena *a);

/* The block at START was in use. */
void hot_note(struct hot *h, uintptr_t start);

/* It was not. */
void hot_forget(struct hot *h, uintptr_t start);

/* In a round: is the block to be passed over? */
bool hot_passes(struct hot *h, uintptr_t start);

#endif
