/* SPDX-License-Identifier: MIT */
/*
 * How much room there is, and who makes more.
 *
 *	0            limit - reserve            limit
 *	|  used ......|  <- room ->  | reserve  |
 *	                  high  low
 *
 * ROOM counts pages up to the target, which lies a reserve below the limit.
 * Whoever takes memory subtracts, whoever frees adds, and the steward sets
 * it right by what the kernel says, some hundred times a second while it is
 * scarce.  Below LOW the evictors work until HIGH is reached; below zero a
 * fault server, having answered, makes room itself before it takes the next
 * fault: the program is slowed down to what the store can take.
 */
#ifndef UZ_ENGINE_RECLAIM_H
#define UZ_ENGINE_RECLAIM_H

#include <stdatomic.h>

#include "base/types.h"

struct helper;
struct engine;

struct reclaim {
	_Atomic int64_t room;	/* pages; negative when over the target */
	_Atomic int64_t reserve; /* pages kept free below the limit */
	_Atomic int64_t low;	/* pages; evictors start */
	_Atomic int64_t high;	/* pages; evictors stop */
	_Atomic int64_t ample;	/* pages; what a fork should find */
	_Atomic int64_t ahead;	/* pages; a fork waits until they are there */
	_Atomic uint32_t near;	/* > 0: servers take pages out (near.h) */
	_Atomic int32_t near_cpu; /* where that is done, or -1 */
	_Atomic int32_t thread_cpu; /* of who faults; -1 many (visit.h) */
	_Atomic uint32_t pause;	/* evictors are to sleep for a moment */
	_Atomic uint32_t bell;	/* futex: evictors, there is work */
	_Atomic uint32_t asleep; /* evictors waiting for the bell */
	_Atomic int64_t wanted;	/* pages to evict for who asked for it */
	_Atomic uint32_t fruitless; /* rounds for that in vain, in a row */
	_Atomic uint32_t hopeless; /* the limit can't be kept, and need not */
	_Atomic uint32_t stuck;	/* nothing could be evicted lately */
	_Atomic uint64_t no_direct_ns; /* servers: do not even try before */
};

void reclaim_init(struct reclaim *r);

/*
 * What the kernel says: LIMIT and bytes left below it, which NR processes
 * share.  EXTRA pages are to be kept free besides, by evictors, ahead of need.
 * Context: worker.
 */
void reclaim_update(struct reclaim *r, uint64_t limit, int64_t headroom,
		    int64_t extra, unsigned nr);

/* Pages kept free below LIMIT.  Context: any. */
int64_t reclaim_reserve(uint64_t limit);

/* NR pages were taken or freed; rings for the evictors.  Context: server. */
void reclaim_take(struct reclaim *r, size_t nr);
void reclaim_give(struct reclaim *r, size_t nr);

/* A server has given NR pages from ADDR on, and owes as many.  Its own. */
void reclaim_owe(struct helper *h, uintptr_t addr, size_t nr);

/* Wake the evictors.  Context: any. */
void reclaim_ring(struct reclaim *r);

/*
 * Direct reclaim of a server between two faults: in proportion to the pages
 * it has given, so that no fault waits for much more than its own share; and
 * for some dozens of pages at a time if there is hardly anything to find.
 * Context: server.
 */
void reclaim_direct(struct helper *h);

/*
 * Engine B's servers can pack, but not take out.  So when memory is almost
 * used up, a fault asked at SINCE_NS is held back for a while: is it?
 * Context: server.
 */
bool reclaim_holds(struct engine *e, uint64_t since_ns);

/* The life of an evictor thread. */
void reclaim_run(void *helper);

#endif
