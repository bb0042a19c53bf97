/* SPDX-License-Identifier: MIT */
/*
 * Leaving: HERE -> LEAVING -> PACKING -> STORED.  The mirror image of
 * engine/restore.h.
 *
 *	evict_leave   the kernel moves a run of pages to staging   (LEAVING)
 *	evict_pack    a tray of them is packed and stored          (STORED)
 *
 * Whatever fails on the way leaves the page where it was, whole.
 * Context: server, unless noted.
 */
#ifndef UZ_ENGINE_EVICT_H
#define UZ_ENGINE_EVICT_H

#include "base/types.h"

struct helper;

enum evict_mode {
	EVICT_AHEAD,	/* background: pages get their probation */
	EVICT_NOW,	/* somebody waits: pack what is there */
};

/*
 * Take NR pages at ADDR, all in one chunk, out on probation.
 * Returns the number of pages that left.
 */
size_t evict_leave(struct helper *h, uintptr_t addr, size_t nr, bool huge);

/* Pack the oldest tray; -1 when none waits, else pages freed. */
long evict_pack(struct helper *h);

/* Hand over the tray being filled, full or not. */
void evict_flush(struct helper *h);

/*
 * Make room for about NR pages: choose, take out, pack.
 * Returns the number of pages whose memory was freed.
 */
size_t evict_some(struct helper *h, size_t nr, enum evict_mode mode);

#endif
