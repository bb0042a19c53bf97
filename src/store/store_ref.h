/* SPDX-License-Identifier: MIT */
/*
 * What a store ref says, for store.c and store_repack.c.
 *
 *	41                                  2 1 0
 *	| 0                | joint entry    |  0 | an object of several pages
 *	| pool ref                          |  1 | an object of the pool
 *	| the low 40 bits of a word         |  2 | same-filled: sign-extended
 *	| 0                | 32 bits        |  3 | same-filled: repeated twice
 *
 * Zeros, small numbers of either sign, user addresses below 2^39 and any
 * repeated 32-bit pattern cost no memory.  No entry is 0, so that no ref is.
 */
#ifndef UZ_STORE_STORE_REF_H
#define UZ_STORE_STORE_REF_H

#include "store/store.h"

enum store_tag {
	TAG_JOINT,
	TAG_POOL,
	TAG_WORD,
	TAG_HALF,
	TAG_MASK = 3
};

#define TAG_BITS	2

static inline enum store_tag store_tag_of(struct store_ref ref)
{
	return (enum store_tag)(ref.bits & TAG_MASK);
}

static inline struct pool_ref store_pool_ref(struct store_ref ref)
{
	return (struct pool_ref){ ref.bits >> TAG_BITS };
}

static inline struct store_ref store_ref_of(struct pool_ref ref)
{
	return (struct store_ref){ ref.bits << TAG_BITS | TAG_POOL };
}

static inline uint32_t store_entry_of(struct store_ref ref)
{
	return (uint32_t)(ref.bits >> TAG_BITS);
}

static inline struct store_ref store_ref_joint(uint32_t entry)
{
	return (struct store_ref){ (uint64_t)entry << TAG_BITS | TAG_JOINT };
}

/*
 * Where the object of REF is just now, which nobody needs to have claimed: a
 * hint.  False: it has none.
 */
static inline bool store_object_of(const struct store *s, struct store_ref ref,
				   struct pool_ref *out)
{
	*out = store_tag_of(ref) == TAG_JOINT
		? joint_object(&s->joint, store_entry_of(ref))
		: store_pool_ref(ref);
	return store_tag_of(ref) <= TAG_POOL && out->bits;
}

/* Tell the owner of FROM, a page or a joint entry. */
bool store_moved(struct store *s, uint64_t owner, struct pool_ref from,
		 struct pool_ref to);

#endif
