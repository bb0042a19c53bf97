/* SPDX-License-Identifier: MIT */
/*
 * The staging area: where pages wait on probation between the program and
 * the store.
 *
 * A page on its way out is moved (UFFDIO_MOVE, no copy) into a slot here.
 * If the program asks for it soon, it is moved back, which costs no codec:
 * that is the second chance.  If not, it is packed and its memory freed.
 *
 *	tray    32 slots, filled by one helper, packed by one helper
 *	queue   full trays, oldest first
 *
 *	FREE -> FILLING -> WAITING -> PACKING ----------> FREE
 *	           ^          |         |  |               ^
 *	           +----------+---------+  +---> DEAD -----+
 *	          (what could not be finished)
 *
 * DEAD trays hold nothing but memory that is to be freed, by a server that
 * can do it for less (near.h).
 *
 * With engine A the area is registered with the main userfaultfd, so that
 * the kernel refuses a move while an event is pending.  Freeing pages there
 * would raise an event; so dead pages are first moved on to a trash window
 * that belongs to a second userfaultfd, without events, and dropped there.
 * With engine B (evict_remap.h) slots in use are mappings brought here, not
 * registered, and the others are address space only.
 *
 * Locks: LOCK_STAGING.  The slots of a tray that is FILLING or PACKING
 * belong to its helper; the owner words are atomic, as restores and events
 * clear them inside sections.  Context: server.
 */
#ifndef UZ_ENGINE_STAGING_H
#define UZ_ENGINE_STAGING_H

#include "base/arena.h"
#include "base/lock.h"
#include "base/types.h"

#define TRAY_SLOTS	32u		/* 128 KiB: one packing, ~130 us */
#define TRAY_LEN	(TRAY_SLOTS * PAGE_SIZE)
#define TRAY_RUNS	8u		/* mappings a tray may be made of */
#define TRAYS_DEAD	8u		/* at most: 1 MiB */
#define HUGE_TRAYS	(CHUNK_PAGES / TRAY_SLOTS)
/* Behind the others; address space only until probe_start(). */
#define STAGING_PROBE_TRAYS	128u	/* of the profile */
#define STAGING_AGE_TRAYS	32u	/* of ageing */
#define STAGING_MORE_TRAYS	(STAGING_PROBE_TRAYS + STAGING_AGE_TRAYS)

enum tray_state {
	TRAY_FREE,
	TRAY_FILLING,
	TRAY_WAITING,
	TRAY_PACKING,
	TRAY_DEAD,		/* packed, and not emptied yet */
	TRAY_LOST,
	TRAY_ASIDE,		/* shared with another process since a fork */
};

struct tray {
	enum tray_state state;		/* under the staging lock */
	_Atomic uint32_t used;		/* slots filled so far; its helper.
					 * Sections see it whole */
	uint32_t runs;			/* mappings, engine B; its helper */
	uint32_t emptied;		/* slots so far, on its way to FREE;
					 * its helper */
	bool stubborn;			/* a server could not empty it; its
					 * helper */
	bool lost;			/* never to be used again; its helper */
	_Atomic bool doubt;		/* a slot may be empty, unsaid */
	_Atomic uintptr_t owner[TRAY_SLOTS]; /* page, or 0: nothing to keep */
	_Atomic uint64_t kept[TRAY_SLOTS]; /* its older object; keep.h */
};

struct staging {
	struct lock lock;
	uint32_t nr_trays;		/* set at init */
	uint32_t hint;			/* where to look for a free tray */
	uint32_t head;			/* queue: next to pack */
	_Atomic uint32_t nr_waiting;	/* queue: length; a hint without lock */
	_Atomic uint32_t nr_dead;	/* a hint without lock */
	struct tray *dead[TRAYS_DEAD];
	uint32_t *queue;		/* nr_trays entries, a ring */
	struct tray *trays;
	uintptr_t area;			/* staging_len(), 2 MiB aligned */
};

MUST_USE int staging_init(struct staging *s, struct arena *a,
			  uint32_t nr_trays);

/*
 * NR free trays in a row on a boundary of NR (a power of two, at most
 * HUGE_TRAYS), now FILLING: the first of them, or NULL.
 */
struct tray *staging_open_row(struct staging *s, uint32_t nr);

/* One. */
static inline struct tray *staging_open(struct staging *s)
{
	return staging_open_row(s, 1);
}

/* Memory for a huge page, on a boundary of one. */
static inline struct tray *staging_open_huge(struct staging *s)
{
	return staging_open_row(s, HUGE_TRAYS);
}

/* FILLING -> the end of the queue. */
void staging_enqueue(struct staging *s, struct tray *t);

/* The oldest waiting tray, now PACKING; NULL if there is none. */
struct tray *staging_take(struct staging *s);

/* PACKING -> DEAD; false if there are too many. */
bool staging_bury(struct staging *s, struct tray *t);

/* The last one that is DEAD, now PACKING; NULL if there is none. */
struct tray *staging_dig(struct staging *s);

/* FILLING or PACKING -> FREE; all its slots are empty. */
void staging_free(struct staging *s, struct tray *t);

static inline size_t staging_len(const struct staging *s)
{
	return (size_t)(s->nr_trays + STAGING_MORE_TRAYS) * TRAY_LEN;
}

static inline bool staging_has(const struct staging *s, uintptr_t addr)
{
	return addr >= s->area && addr < s->area + staging_len(s);
}

static inline uint32_t staging_slot(const struct staging *s,
				    const struct tray *t, uint32_t i)
{
	return (uint32_t)(t - s->trays) * TRAY_SLOTS + i;
}

static inline uintptr_t staging_addr(const struct staging *s, uint64_t slot)
{
	return s->area + slot * PAGE_SIZE;
}

static inline _Atomic uintptr_t *staging_owner(struct staging *s,
					       uint64_t slot)
{
	return &s->trays[slot / TRAY_SLOTS].owner[slot % TRAY_SLOTS];
}

/* What waits stays where it is, for packing it would free nothing ... */
void staging_set_aside(struct staging *s);
/* ... or goes to the queue again. */
void staging_own(struct staging *s);

/* The trays that helpers had at hand wait, too. */
void staging_fork_child(struct staging *s);

#endif
