/* SPDX-License-Identifier: MIT */
/*
 * Where each page is: one 64-bit atomic word per page.
 *
 *	63    22 21  14 13   11 10  5    4     3       2   0
 *	| where | age  | level | heat | mark | refused | state |
 *
 * WHERE is a store ref (STORED, ARRIVING, and HERE if KEPT) or a staging slot
 * (LEAVING, PACKING, ARRIVING).  The mark is WANTED or KEPT, by state;
 * a STORED page has no heat, and two bits there say how long it idles.  A word
 * of zero - also the word of a page we have never heard of - says: the kernel
 * knows.  It is resident, or it was never written.
 *
 * States, and who moves them on:
 *
 *	HERE      the kernel has it       evict: LEAVING, PACKING
 *	LEAVING   in its staging slot,    evict: PACKING; restore: HERE
 *	          on probation
 *	PACKING   being packed, or on     evict: STORED, HERE (refused), LEAVING
 *	          its way to staging
 *	STORED    in the store            restore: ARRIVING; event: DYING
 *	ARRIVING  being put back          restore: HERE, STORED (try again)
 *	DYING     the program is freeing  restore: HERE (with a zero page)
 *	          it: must not leave
 *
 * Every change is a compare-and-swap through page_shift(), which checks it
 * against that table.  Words are only looked at inside an order section
 * (engine/order.h): events, which may free whole chunks of words, run when
 * nobody is inside one.
 *
 * A chunk's words (4 KiB for 2 MiB, 0.2 %) exist only where pages have left.
 * Context: server.
 */
#ifndef UZ_SPACE_PAGE_H
#define UZ_SPACE_PAGE_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"

enum page_state {
	PAGE_HERE,
	PAGE_LEAVING,
	PAGE_PACKING,
	PAGE_STORED,
	PAGE_ARRIVING,
	PAGE_DYING,
};

#define PAGE_NR_STATES	6

typedef _Atomic uint64_t page_word;

#define PAGE_STATE_MASK		((uint64_t)7)
#define PAGE_REFUSED		((uint64_t)1 << 3)
#define PAGE_WANTED		((uint64_t)1 << 4) /* PACKING: asked for */
#define PAGE_KEPT		((uint64_t)1 << 4) /* HERE: has an object */
#define PAGE_EARLY		((uint64_t)1 << 4) /* STORED: had an object */
#define PAGE_HEAT_SHIFT		5	/* sweeps to pass over, 0..63 */
#define PAGE_HEAT_MASK		((uint64_t)63 << PAGE_HEAT_SHIFT)
#define PAGE_LEVEL_SHIFT	11	/* how hot it proved to be, 0..7 */
#define PAGE_LEVEL_MASK		((uint64_t)7 << PAGE_LEVEL_SHIFT)
#define PAGE_AGE_SHIFT		14	/* when it left, in eviction ticks */
#define PAGE_AGE_MASK		((uint64_t)255 << PAGE_AGE_SHIFT)
#define PAGE_IDLE_SHIFT		5	/* enum page_idle; STORED has no heat */
#define PAGE_IDLE_MASK		((uint64_t)3 << PAGE_IDLE_SHIFT)
#define PAGE_WHERE_SHIFT	22

static inline enum page_state page_state(uint64_t word)
{
	return (enum page_state)(word & PAGE_STATE_MASK);
}

static inline uint64_t page_where(uint64_t word)
{
	return word >> PAGE_WHERE_SHIFT;
}

static inline unsigned page_heat(uint64_t word)
{
	return (unsigned)((word & PAGE_HEAT_MASK) >> PAGE_HEAT_SHIFT);
}

static inline unsigned page_level(uint64_t word)
{
	return (unsigned)((word & PAGE_LEVEL_MASK) >> PAGE_LEVEL_SHIFT);
}

static inline unsigned page_age(uint64_t word)
{
	return (unsigned)((word & PAGE_AGE_MASK) >> PAGE_AGE_SHIFT);
}

/* How long a page has been STORED, in passes over all (engine/upkeep.c). */
enum page_idle {
	PAGE_IDLE_NEW,		/* not seen yet */
	PAGE_IDLE_SEEN,		/* seen once: idle when seen again */
	PAGE_IDLE_DONE,		/* looked after */
};

static inline enum page_idle page_idle(uint64_t word)
{
	return (enum page_idle)((word & PAGE_IDLE_MASK) >> PAGE_IDLE_SHIFT);
}

static inline uint64_t page_with_idle(uint64_t word, enum page_idle idle)
{
	return (word & ~PAGE_IDLE_MASK) | (uint64_t)idle << PAGE_IDLE_SHIFT;
}

/* The word of a page whose object has moved. */
static inline uint64_t page_moved(uint64_t word, uint64_t where)
{
	return (word & (((uint64_t)1 << PAGE_WHERE_SHIFT) - 1)) |
	       where << PAGE_WHERE_SHIFT;
}

/* Is the page somewhere else than in its mapping, or on its way? */
static inline bool page_is_away(uint64_t word)
{
	switch (page_state(word)) {
	case PAGE_LEAVING:
	case PAGE_PACKING:
	case PAGE_STORED:
	case PAGE_ARRIVING:
		return true;
	case PAGE_HERE:
	case PAGE_DYING:
		break;
	}
	return false;
}

static inline bool page_has_object(uint64_t word)
{
	return page_state(word) == PAGE_HERE && (word & PAGE_KEPT);
}

/* The word with another state and place; the mark and IDLE are cleared. */
static inline uint64_t page_at(uint64_t word, enum page_state state,
			       uint64_t where)
{
	word &= PAGE_REFUSED | PAGE_HEAT_MASK | PAGE_LEVEL_MASK |
		PAGE_AGE_MASK;
	if (state == PAGE_STORED)
		word &= ~PAGE_HEAT_MASK;
	return word | (uint64_t)state | where << PAGE_WHERE_SHIFT;
}

static inline uint64_t page_with_heat(uint64_t word, unsigned level,
				      unsigned heat)
{
	word &= ~(PAGE_HEAT_MASK | PAGE_LEVEL_MASK);
	return word | (uint64_t)level << PAGE_LEVEL_SHIFT |
	       (uint64_t)heat << PAGE_HEAT_SHIFT;
}

static inline uint64_t page_with_age(uint64_t word, unsigned age)
{
	return (word & ~PAGE_AGE_MASK) |
	       (uint64_t)(age & 255) << PAGE_AGE_SHIFT;
}

struct chunk {
	uintptr_t base;		/* address of the first page */
	page_word *words;	/* CHUNK_PAGES */
	struct chunk *next_free;
};

/* Gauges, in pages, kept by page_shift(). */
struct page_totals {
	_Atomic int64_t in[PAGE_NR_STATES];	/* HERE is not counted */
	_Atomic int64_t refused;
	_Atomic int64_t kept;
};

/* The directory is two levels of 2^13 for 47-bit addresses of 2 MiB. */
#define PAGE_DIR_BITS	13
#define PAGE_DIR_SIZE	(1u << PAGE_DIR_BITS)

struct page_map {
	struct lock lock;		/* LOCK_CHUNKS: creation */
	struct chunk *free;		/* under lock */
	struct arena *arena;
	struct chunk *_Atomic *_Atomic *dir;	/* PAGE_DIR_SIZE */
	struct page_totals totals;
	_Atomic uint32_t nr_chunks;
};

MUST_USE int page_init(struct page_map *m, struct arena *a);

/* The word of the page at ADDR; NULL if its chunk has none yet. */
page_word *page_find(struct page_map *m, uintptr_t addr);

/* The same, made when missing; NULL only without memory. */
page_word *page_make(struct page_map *m, uintptr_t addr);

/* The first chunk at or above ADDR and below END, or NULL. */
struct chunk *page_next_chunk(struct page_map *m, uintptr_t addr,
			      uintptr_t end);

/*
 * Change *W from *OLD to NEW, if it still is *OLD; else *OLD is what it is
 * now, and false.  The only way a word changes its state.
 */
bool page_shift(struct page_map *m, page_word *w, uint64_t *old,
		uint64_t new);

/* Set a word to anything.  Exclusive (order.h) only. */
void page_set(struct page_map *m, page_word *w, uint64_t new);

/* Take back a chunk whose words are all zero.  Exclusive (order.h) only. */
void page_free_chunk(struct page_map *m, struct chunk *c);

static inline uint64_t page_total(const struct page_map *m,
				  enum page_state state)
{
	int64_t n = atomic_load_explicit(&m->totals.in[state],
					 memory_order_relaxed);

	return n > 0 ? (uint64_t)n : 0;
}

/* Pages that are here and have an object. */
static inline int64_t page_kept(const struct page_map *m)
{
	return atomic_load_explicit(&m->totals.kept, memory_order_relaxed);
}

void page_fork_child(struct page_map *m);

#endif
