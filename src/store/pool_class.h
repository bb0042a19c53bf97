/* SPDX-License-Identifier: MIT */
/*
 * Classes: which slot sizes exist and how long their slabs are.  Pure
 * arithmetic, done once when a pool starts.
 *
 * Cutting a slab of K pages into N slots costs K * 4096 / N bytes per
 * object.  With K up to POOL_SLAB_PAGES these fractions lie close enough
 * together that an object of any length finds one hardly larger than itself;
 * see pool_class.c for how the classes are picked from them.
 *
 * Context: any.
 */
#ifndef UZ_STORE_POOL_CLASS_H
#define UZ_STORE_POOL_CLASS_H

#include "base/types.h"

/* Slots are multiples of this, so that headers are aligned, bytes. */
#define POOL_SLOT_ALIGN	8

/* The smallest slot: a header and one word, bytes. */
#define POOL_SLOT_MIN	16

/* The largest slot: an object of POOL_MAX_LEN and its header, bytes. */
#define POOL_SLOT_MAX	3512

/* The longest slab, pages; see the table in pool_class.c. */
#define POOL_SLAB_PAGES	16

/* At most so many classes; a slab keeps its class in one byte. */
#define POOL_NR_CLASSES	255

struct pool_shape {
	uint16_t slot_len;	/* bytes, header included */
	uint16_t nr_slots;	/* in one slab */
	uint16_t nr_pages;	/* of one slab */
};

struct pool_classes {
	uint32_t nr;		/* classes, by rising slot length */
	struct pool_shape shape[POOL_NR_CLASSES];
	/* class by slot length, in units of POOL_SLOT_ALIGN, rounded up */
	uint8_t of[POOL_SLOT_MAX / POOL_SLOT_ALIGN + 1];
};

void pool_class_derive(struct pool_classes *pc);

/* The class for slots of LEN bytes, 1..POOL_SLOT_MAX. */
static inline unsigned pool_class_of(const struct pool_classes *pc, size_t len)
{
	return pc->of[(len + POOL_SLOT_ALIGN - 1) / POOL_SLOT_ALIGN];
}

#endif
