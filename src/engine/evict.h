/* SPDX-License-Identifier: MIT */
/*
 * Leaving: HERE -> LEAVING -> PACKING -> STORED.  The mirror image of
 * engine/restore.h.
 *
 *	evict_leave   a run of pages is taken to staging           (LEAVING)
 *	evict_pack    some of them are packed and stored           (STORED)
 *
 * Whatever fails on the way leaves the page where it was, whole.
 * Context: server, unless noted.
 */
#ifndef UZ_ENGINE_EVICT_H
#define UZ_ENGINE_EVICT_H

#include "base/types.h"
#include "base/uffd.h"
#include "space/page.h"

struct engine;
struct helper;
struct tray;

enum evict_mode {
	EVICT_AHEAD,	/* background: pages get their probation */
	EVICT_NOW,	/* somebody waits: pack what is there */
};

/*
 * Take NR pages at ADDR, all in one chunk, out on probation.
 * Returns the number of pages that left.
 */
size_t evict_leave(struct helper *h, uintptr_t addr, size_t nr, bool huge);

/*
 * Pack the next MOST slots of the tray at hand, else of the oldest waiting;
 * -1 when there is none, else pages stored.  What they held is freed when
 * the tray is done.
 */
long evict_pack(struct helper *h, size_t most);

/* Trays that are to wait for packing, as pages on probation. */
size_t evict_queue_most(struct engine *e);

/* Hand over the tray being filled, full or not. */
void evict_flush(struct helper *h);

/*
 * Free the memory of the next MOST slots of T, PACKING, whose pages are all
 * elsewhere; with some left it is DEAD then.
 */
void evict_empty(struct helper *h, struct tray *t, uint32_t most);

/*
 * For the two engines: the tray being filled, with room in it, or NULL; and
 * up to NR words at ADDR from HERE to the state AS, in T's next slots: how
 * many, from the first on; and NR trays in a row of which USED slots are
 * filled, to the queue.
 */
struct tray *evict_tray(struct helper *h);
size_t evict_mark(struct helper *h, struct tray *t, uintptr_t addr, size_t nr,
		  enum page_state as);
void evict_enqueue(struct helper *h, struct tray *t, size_t nr, size_t used);

/*
 * The page in SLOT back to ADDR, as uffd_copy() by HOW.  In a section, the
 * word claimed.
 */
enum uffd_result evict_back(struct engine *e, uintptr_t addr, uint64_t slot,
			    unsigned how);

/*
 * Make room for about NR pages: choose, take out, pack.
 * Returns the number of pages whose memory was freed.
 */
size_t evict_some(struct helper *h, size_t nr, enum evict_mode mode);

#endif
