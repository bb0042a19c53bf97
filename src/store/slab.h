/* SPDX-License-Identifier: MIT */
/*
 * Slabs: runs of 1..SLAB_MAX_PAGES pages, where they come from and how their
 * RAM goes back.  What is in them is the pool's business (store/pool.h).
 *
 *	base                     next_page      nr_committed          nr_max
 *	| slab | slab | slab | ... | accessible ... | address space only ... |
 *
 * Slabs are cut from the bottom and keep their place and length for ever; a
 * free one waits in a list for the next taker of the same length: warm, with
 * the RAM it has, or cold, without.  So nothing is ever split or merged, and
 * a slab's number, not an address, is what a ref holds.
 *
 * A slab has RAM from its first page up to what has been touched; that is
 * what slab_used() adds up.
 *
 * Locks: LOCK_SLABS, never held in a system call.  Context: server.
 */
#ifndef UZ_STORE_SLAB_H
#define UZ_STORE_SLAB_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"
#include "store/pool_class.h"

#define SLAB_MAX_PAGES	POOL_SLAB_PAGES

/* Numbers are below 2^30; 0 is none. */
#define SLAB_ID_BITS	30

/*
 * One per slab ever cut.  While it belongs to a class, the class's lock
 * protects what changes; while it is free, LOCK_SLABS.  Its owner sets CLASS
 * before the first object and readers of objects rely on it, and on PAGE.
 */
struct slab {
	uint32_t page;		/* first page, counted from the base */
	uint32_t next;		/* in the list it is in; numbers, 0 end */
	uint32_t prev;
	/* written by slab_set_used(): who has no claim may read it */
	uint16_t nr_used;	/* slots that are not free */
	uint16_t nr_fresh;	/* slots handed out at least once */
	uint16_t free;		/* first of the free ones among them */
	uint8_t class;
	uint8_t list;		/* of the class's lists by fullness */
	uint8_t nr_pages;	/* its length, for ever */
	uint8_t nr_touched;	/* pages that have RAM, from the first */
	uint16_t epoch;		/* of its class, when it was added there */
};

struct slab_table {
	struct lock lock;			/* LOCK_SLABS */
	uint32_t warm[SLAB_MAX_PAGES + 1];	/* free, by length, with RAM */
	uint32_t cold[SLAB_MAX_PAGES + 1];	/* free, by length, without */
	uint32_t next_page;			/* first page not cut */
	uint32_t nr_committed;			/* pages accessible */
	bool growing;				/* somebody makes it more */
	/* set once */
	char *base CACHE_ALIGNED;
	struct slab *slabs;
	struct arena *arena;
	uint32_t nr_max;			/* pages of address space */
	/* relaxed: they guard nothing */
	_Atomic uint32_t nr;			/* slabs ever cut */
	_Atomic uint64_t nr_warm;		/* pages of RAM in warm slabs */
	_Atomic uint64_t nr_used CACHE_ALIGNED;	/* pages of RAM in all */
};

/* relaxed: all but pool_hold() have the lock */
static inline void slab_set_used(struct slab *s, unsigned nr)
{
	__atomic_store_n(&s->nr_used, (uint16_t)nr, __ATOMIC_RELAXED);
}

/* relaxed: as above */
static inline void slab_set_class(struct slab *s, unsigned class)
{
	__atomic_store_n(&s->class, (uint8_t)class, __ATOMIC_RELAXED);
}

/* The class of a slab that is perhaps just being given to another. */
static inline unsigned slab_class_now(const struct slab *s)
{
	return __atomic_load_n(&s->class, __ATOMIC_RELAXED);
}

/*
 * Does it belong to CLASS, whose lock the caller has?  It does if it has an
 * object: it left the class without any, and got the next one only after it
 * had been given its new class.  Acquire: the class is read after.
 */
static inline bool slab_is_of(const struct slab *s, unsigned class)
{
	return __atomic_load_n(&s->nr_used, __ATOMIC_ACQUIRE) &&
	       slab_class_now(s) == class;
}

/* 0 or -ENOMEM.  Context: init. */
MUST_USE int slab_start(struct slab_table *t, struct arena *a,
			size_t reserve_len);

/*
 * A slab of at least NR_PAGES pages, whose nr_touched says how many of them
 * have RAM with anything in it; the others read as zeros.
 *
 * Returns  its number, or 0 without memory
 */
MUST_USE uint32_t slab_take(struct slab_table *t, unsigned nr_pages);

/* The slab is free.  May give RAM back, if too much of it is warm. */
void slab_give(struct slab_table *t, uint32_t id);

/* Give back the RAM of pages FIRST..END-1 of a slab that nobody uses there. */
void slab_release(struct slab_table *t, uint32_t id, unsigned first,
		  unsigned end);

/* Give back the RAM of warm slabs, until at most NR_PAGES are left. */
void slab_trim(struct slab_table *t, uint64_t nr_pages);

/* What a worker leaves warm, in pages: enough for the coming and going. */
uint64_t slab_reserve(const struct slab_table *t);

static inline uint64_t slab_nr_warm(const struct slab_table *t)
{
	return atomic_load_explicit(&t->nr_warm, memory_order_relaxed);
}

void slab_fork_child(struct slab_table *t);

/* Bytes of RAM of the table itself. */
size_t slab_table_len(const struct slab_table *t);

static inline struct slab *slab_at(const struct slab_table *t, uint32_t id)
{
	return &t->slabs[id];
}

static inline void *slab_addr(const struct slab_table *t,
			      const struct slab *s)
{
	return t->base + (size_t)s->page * PAGE_SIZE;
}

/* Push on and take off a list of the caller's. */
void slab_link(struct slab_table *t, uint32_t *head, uint32_t id);
void slab_unlink(struct slab_table *t, uint32_t *head, uint32_t id);

#endif
