/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries for zstd, made of the process's own pages: what occurs in
 * many of them, 32 KiB in all, so that a page packed alone is packed as if
 * others had come before it.
 *
 * A dictionary is never changed while an object needs it.  A new version
 * gets a place of its own, and with it a codec number, which objects keep;
 * a place is free when no object has its number.  Only one thread, the one
 * that packs with dictionaries, makes them.
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
 * Bytes of one: with 64 KiB mixed pages are 1 % smaller, with 16 KiB 2 %
 * larger, and its tables cost eight times as much again.
 */
#define DICT_LEN	(32 * KIB)

/*
 * Pages that are collected, and those of them that it is not made of but
 * tried on.  Twice as many gain nothing measurable.
 */
#define DICT_SAMPLES	256u
#define DICT_TRIED	(DICT_SAMPLES / 4)

struct dict {
	unsigned char *content;		/* DICT_LEN; NULL: no memory yet */
	void *digest;			/* memory of these two */
	const void *packing;		/* what the codec made of it */
	const void *unpacking;
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
	unsigned char *samples;		/* DICT_SAMPLES pages, TRIED last */
	struct dict_count *counts;
	unsigned nr;			/* pages collected */
	bool full_ram;			/* has RAM that can be given back */
};

/* 0 or -ENOMEM.  Address space only, until it is used. */
MUST_USE int dict_trainer_init(struct dict_trainer *t, struct arena *a);

/* Where the next page goes; NULL when there are enough. */
void *dict_trainer_next(struct dict_trainer *t);

/* That page was gone. */
void dict_trainer_undo(struct dict_trainer *t);

/*
 * Make number I of SET, which no object needs, from what was collected, for
 * LEVEL.  Takes some 20 ms.
 *
 * Returns  0 or -ENOMEM
 */
MUST_USE int dict_train(struct dict_set *set, unsigned i,
			struct dict_trainer *t, struct arena *a, int level);

/* Forget what was collected and give its RAM back. */
void dict_trainer_clear(struct dict_trainer *t, struct arena *a);

#endif
