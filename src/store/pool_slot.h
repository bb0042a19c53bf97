/* SPDX-License-Identifier: MIT */
/*
 * Slots: the insides of slabs, for pool.c and pool_compact.c.
 *
 * A slot is a header and the bytes of an object, and as slots of a class are
 * equal, mostly some that are left over; the first of them take more of the
 * object's sum, so that it costs no memory.
 *
 *	63          28 27        15 14     12 11         0
 *	| owner (36)  | check (13) | codec    | length    |
 *	| bytes of the object ...         | sum (0..4) |  |
 *
 * A length of 0 says: not an object; it is free or being filled.  A free
 * slot has the number of the next free one in place of the owner.
 *
 * A put takes a slot under the lock, fills it without and writes the header
 * last.  So no lock is held while fresh memory is touched, which may make
 * the kernel look for a page, and compaction, which looks at headers only,
 * never sees half an object.  The slots that a class has not handed out yet
 * have a header of 0: their pages are untouched, or pool_slot_prepare() has
 * seen to it.
 */
#ifndef UZ_STORE_POOL_SLOT_H
#define UZ_STORE_POOL_SLOT_H

#include <string.h>

#include "store/pool.h"

#define POOL_SLOT_BITS		10	/* of a ref */
#define POOL_NO_SLOT		UINT16_MAX

#define POOL_LEN_BITS		12
#define POOL_CODEC_SHIFT	12
#define POOL_CHECK_SHIFT	15
#define POOL_CHECK_BITS		13
#define POOL_OWNER_SHIFT	28

struct pool_slot {
	/* release in pool_slot_fill pairs with the acquire of readers */
	_Atomic uint64_t header;
	unsigned char bytes[];
};

static inline struct pool_ref pool_ref_make(uint32_t slab, unsigned slot)
{
	return (struct pool_ref){ (uint64_t)slab << POOL_SLOT_BITS | slot };
}

static inline uint32_t pool_ref_slab(struct pool_ref ref)
{
	return (uint32_t)(ref.bits >> POOL_SLOT_BITS);
}

static inline unsigned pool_ref_slot(struct pool_ref ref)
{
	return (unsigned)(ref.bits & ((1u << POOL_SLOT_BITS) - 1));
}

static inline size_t pool_header_len(uint64_t header)
{
	return (size_t)(header & ((1u << POOL_LEN_BITS) - 1));
}

static inline unsigned pool_header_codec(uint64_t header)
{
	return (unsigned)(header >> POOL_CODEC_SHIFT) &
	       ((1u << POOL_CODEC_BITS) - 1);
}

static inline uint64_t pool_header_check(uint64_t header)
{
	return (header >> POOL_CHECK_SHIFT) & ((1u << POOL_CHECK_BITS) - 1);
}

static inline uint64_t pool_header_owner(uint64_t header)
{
	return header >> POOL_OWNER_SHIFT;
}

/* The class and the slot of a ref that is known to be good. */
static inline struct pool_class *pool_class_at(const struct pool *p,
					       struct pool_ref ref)
{
	return &p->class[slab_class_now(slab_at(&p->slabs,
						pool_ref_slab(ref)))];
}

static inline struct pool_slot *pool_slot_at(const struct pool *p,
					     struct pool_ref ref)
{
	const struct slab *s = slab_at(&p->slabs, pool_ref_slab(ref));
	size_t len = p->class[slab_class_now(s)].shape.slot_len;
	char *base = slab_addr(&p->slabs, s);

	return (struct pool_slot *)(base + pool_ref_slot(ref) * len);
}

/* Could there be an object by this name?  Wild refs must not crash us. */
bool pool_ref_is_plausible(const struct pool *p, struct pool_ref ref);

/* Of all codecs. */
static inline uint64_t pool_class_objects(const struct pool_class *c)
{
	uint64_t nr = 0;

	/* relaxed: exact under the lock */
	for (unsigned i = 0; i < POOL_NR_CODECS; i++)
		nr += atomic_load_explicit(&c->nr_by_codec[i],
					   memory_order_relaxed);
	return nr;
}

/* One more or one less object of LEN bytes. */
void pool_count_locked(struct pool_class *c, bool more, size_t len,
		       unsigned codec);

/* Of the sum of an object, its codec the seed, the top bits: see above. */
static inline uint64_t pool_sum_check(uint64_t sum)
{
	return sum >> (64 - POOL_CHECK_BITS);
}

/* Bytes of the low end of the sum that find room behind LEN bytes. */
static inline size_t pool_tail_len(size_t slot_len, size_t len)
{
	return min_size(slot_len - sizeof(struct pool_slot) - len,
			sizeof(uint32_t));
}

/* Does the tail at P, as long as it is, say SUM? */
static inline bool pool_tail_is(const void *p, size_t len, uint64_t sum)
{
	return !memcmp(p, &sum, len);
}

/* The object in SLOT; 0 or -EBADMSG. */
MUST_USE int pool_slot_read(const struct pool_slot *slot, size_t slot_len,
			    struct pool_object *out);

/* Make slab ID, just taken, one of class C; list it; forget it again. */
void pool_slab_prepare(struct pool *p, struct pool_class *c, uint32_t id);
void pool_slab_add_locked(struct pool *p, struct pool_class *c, uint32_t id);
void pool_slab_remove_locked(struct pool *p, struct pool_class *c,
			     uint32_t id);

/* Put the slab into the list where it belongs; take it out of any list. */
void pool_slab_file_locked(struct pool *p, struct pool_class *c, uint32_t id);
void pool_slab_unfile_locked(struct pool *p, struct pool_class *c,
			     uint32_t id);

enum pool_take {
	POOL_TAKEN,
	POOL_NO_SLAB,		/* all slabs of the class are full */
	POOL_AT_CAP,		/* it would need RAM beyond the cap */
};

/* A slot of the fullest slab that has one free. */
enum pool_take pool_slot_take_locked(struct pool *p, struct pool_class *c,
				     struct pool_ref *ref);

/* Make the list of free slots of a slab run from the lowest to the highest. */
void pool_slab_sort_locked(struct pool *p, struct pool_class *c, uint32_t id);

/* The first free slot in the slab of FROM, if it is lower than FROM. */
bool pool_slot_take_below_locked(struct pool *p, struct pool_ref *ref,
				 struct pool_ref from);

/*
 * Make the free slots at the end of a draining slab fresh ones again.
 * Returns  the pages of RAM that the slab still needs; they are accounted
 *          for, the caller gives the others back
 */
unsigned pool_slab_shorten_locked(struct pool *p, struct pool_class *c,
				  uint32_t id);

/* Must it be left as it is?  See pool_seal.c. */
static inline bool pool_slab_is_sealed(const struct pool_class *c,
				       const struct slab *s)
{
	return unlikely(c->is_sealed) && s->epoch != c->epoch;
}

/* Memory for what is noted; -ENOMEM.  Context: init. */
MUST_USE int pool_seal_init(struct pool *p);

/* It is dropped: have it freed later, if its slab is sealed; else false. */
bool pool_note_late_locked(struct pool *p, struct pool_class *c,
			   struct pool_ref ref);

/*
 * True if the slab has become empty and is no longer of the class: the
 * caller gives it to slab_give() when it has dropped the lock.
 */
bool pool_slot_free_locked(struct pool *p, struct pool_class *c,
			   struct pool_ref ref);

/* The whole slab is as it should be, whichever list it is in. */
bool pool_slab_is_valid_locked(const struct pool *p,
			       const struct pool_class *c, uint32_t id);

#endif
