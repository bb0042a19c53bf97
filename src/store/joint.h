/* SPDX-License-Identifier: MIT */
/*
 * Joint objects: one object for all pages with the same bytes.
 *
 *	page word --+
 *	page word --+--> entry --> object in the pool
 *	page word --+      ^----------- its owner
 *
 * A page that may have equals names an entry instead of an object; the entry
 * knows the object and how many pages name it, and the object has the entry
 * for its owner.  So a move of the object changes the entry and no page word.
 * Entries lie in chains by the sum of their page; a sum proves nothing, who
 * finds an entry compares the bytes.
 *
 * A page that claimed its word keeps moved() from an object of its own.  That
 * does not keep a joint one in place, for others may have claimed nothing: who
 * reads it has it pinned.
 *
 * A reference is taken and dropped under LOCK_JOINT; pins and moves are one
 * atomic each.  All memory is of the arena, none of it before the first entry.
 * Context: server.
 *
 * Rejected: a table of hints, sum to object, that makes an object a joint one
 * when its first equal comes.  It takes half the memory while all pages
 * differ, but it can't tell which hints are stale, and that first equal has to
 * hold an object that somebody else may just claim, move or drop.
 */
#ifndef UZ_STORE_JOINT_H
#define UZ_STORE_JOINT_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"
#include "store/pool.h"

struct joint_entry {
	/* object (40 bits), pins (8), references (16); 0 without an object */
	_Atomic uint64_t word;
	uint32_t sum;		/* of its page, says which chain */
	uint32_t next;		/* of the chain or the free ones, 0 end */
};

static inline struct pool_ref joint_word_object(uint64_t word)
{
	return (struct pool_ref){ word & (((uint64_t)1 << POOL_REF_BITS) - 1) };
}

struct joint_table {
	struct lock lock;		/* LOCK_JOINT */
	uint32_t free;			/* first of the free entries, 0 none */
	_Atomic uint32_t nr_cut;	/* entries that ever were in use */
	uint32_t nr_chains;		/* a chain more with each of them */
	uint32_t half;			/* power of two, over nr_chains / 2 */
	/* set once */
	struct joint_entry *entries;	/* number 0 is not used */
	uint32_t *chains;		/* first entry of each, 0 none */
	struct arena *arena;
	uint64_t first_owner;		/* entry 0, in the headers of objects */
	uint32_t nr_max;
	/* release when accessible; pairs with the acquire in joint_take() */
	_Atomic uint32_t nr_committed;	/* entries, and chains */
	_Atomic bool growing;		/* somebody makes it more */
	/* relaxed: written under the lock, they guard nothing */
	_Atomic uint64_t nr;		/* entries with an object */
	_Atomic uint64_t nr_refs;	/* pages that name them */
};

/*
 * Entries are the owners from FIRST_OWNER on, NR_MAX of them at most.
 * 0 or -ENOMEM.  Context: init.
 */
MUST_USE int joint_start(struct joint_table *t, struct arena *a,
			 uint64_t first_owner, size_t nr_max);

/* An entry whose page has SUM: one reference more, and pinned.  0: none. */
MUST_USE uint32_t joint_find(struct joint_table *t, uint32_t sum);

/* An entry for an object that is about to be put, or 0. */
MUST_USE uint32_t joint_take(struct joint_table *t);

/* It was put; the entry has one reference and can be found. */
void joint_publish(struct joint_table *t, uint32_t entry, uint32_t sum,
		   struct pool_ref object);

/* It was not: the entry is free. */
void joint_give(struct joint_table *t, uint32_t entry);

/*
 * One reference less.
 * Returns  the object, if it was the last: the caller drops that
 */
struct pool_ref joint_drop(struct joint_table *t, uint32_t entry);

/* Keep the object of an entry one has a reference to where it is. */
struct pool_ref joint_pin(struct joint_table *t, uint32_t entry);
void joint_unpin(struct joint_table *t, uint32_t entry);

/* Of an entry that may be anything by now: a hint.  No bits: none. */
struct pool_ref joint_object(const struct joint_table *t, uint32_t entry);

static inline uint64_t joint_owner(const struct joint_table *t, uint32_t entry)
{
	return t->first_owner + entry;
}

/* As moved() of pool_config, if OWNER is an entry. */
static inline bool joint_is_owner(const struct joint_table *t, uint64_t owner)
{
	return owner - t->first_owner <= t->nr_max;
}

bool joint_moved(struct joint_table *t, uint64_t owner, struct pool_ref from,
		 struct pool_ref to);

/* Pages that have no object of their own because of another one. */
static inline uint64_t joint_saved(const struct joint_table *t)
{
	uint64_t refs = atomic_load_explicit(&t->nr_refs, memory_order_relaxed);
	uint64_t nr = atomic_load_explicit(&t->nr, memory_order_relaxed);

	return refs > nr ? refs - nr : 0;
}

/* Bytes of RAM of the table itself. */
size_t joint_len(const struct joint_table *t);

/* Forget the pins of threads that are not here.  Context: child. */
void joint_fork_child(struct joint_table *t);

#endif
