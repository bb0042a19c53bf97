/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries, made of the process's own pages: what occurs in many of
 * them, so that a page packed alone is packed as if others had come before
 * it.
 *
 * A dictionary is made for one codec and level.  It is never changed while
 * an object needs it: a new version gets a place of its own, and with it a
 * codec number, which objects keep; a place is free when no object has its
 * number.  Only one thread, the one that packs with dictionaries, makes them.
 *
 * All memory is from the arena, so that a forked child has them too.
 */
#ifndef UZ_STORE_DICT_H
#define UZ_STORE_DICT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/types.h"

/* Versions at a time; a codec number each. */
#define DICT_NR		4u

/*
 * Bytes of one.  A large one is worth its tables, 1.2 MiB with zstd, when so
 * many pages (256 MiB) are stored: what packs gets 2 to 4 % smaller by it
 * (docs/store.md).
 */
#define DICT_SMALL	(32 * KIB)
#define DICT_LARGE	(128 * KIB)
#define DICT_LARGE_FROM	65536u

/* Pages to collect for each, and those that it is not made of but tried on. */
#define DICT_SAMPLES_SMALL	256u
#define DICT_SAMPLES_LARGE	1024u
#define DICT_TRIED		64u

struct codec_ops;	/* store/codec.h */

struct dict {
	unsigned char *content;		/* of DICT_LARGE; NULL: no memory yet */
	void *digest;			/* memory of these two, of any codec */
	const void *packing;		/* what the codec made of it */
	const void *unpacking;
	const struct codec_ops *ops;	/* the codec it is for */
	size_t len;			/* of the content */
	int level;			/* to pack at */
	/* release when made; pairs with the acquire in dict_at() */
	_Atomic bool ready;
};

struct dict_set {
	struct dict dict[DICT_NR];
};

/* NULL if there is none. */
static inline const struct dict *dict_at(const struct dict_set *set, unsigned i)
{
	const struct dict *d = &set->dict[i];

	return atomic_load_explicit(&d->ready, memory_order_acquire) ? d : NULL;
}

/* Where pages are collected, and what is counted in them. */
struct dict_trainer {
	unsigned char *samples;		/* pages, DICT_TRIED last */
	struct dict_count *counts;
	size_t len;			/* of the dictionary to be made */
	unsigned nr_wanted;		/* pages to collect */
	unsigned nr;			/* pages collected */
	bool full_ram;			/* has RAM that can be given back */
};

/* 0 or -ENOMEM.  Address space only, until it is used. */
MUST_USE int dict_trainer_init(struct dict_trainer *t, struct arena *a);

/*
 * Forget what was collected, give its RAM back, and collect for a dictionary
 * that fits a store of NR pages.
 */
void dict_trainer_reset(struct dict_trainer *t, struct arena *a, uint64_t nr);

/* Where the next page goes; NULL when there are enough. */
void *dict_trainer_next(struct dict_trainer *t);

/* That page was gone. */
void dict_trainer_undo(struct dict_trainer *t);

/* The page I of those to try a dictionary on, below DICT_TRIED. */
const void *dict_trainer_tried(const struct dict_trainer *t, unsigned i);

/*
 * Have memory for number I of SET, which no object needs, to be made for OPS
 * at LEVEL.
 *
 * Returns  0 or -ENOMEM
 */
MUST_USE int dict_prepare(struct dict_set *set, unsigned i, struct arena *a,
			  const struct codec_ops *ops, int level);

/*
 * Make it of what was collected; some 20 ms, or 100 of a large one.  Touches
 * nothing but T and that dictionary.
 *
 * Returns  0 or -ENOMEM: too few pages
 */
MUST_USE int dict_make(struct dict_set *set, unsigned i,
		       struct dict_trainer *t);

#endif
