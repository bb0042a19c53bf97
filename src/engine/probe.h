/* SPDX-License-Identifier: MIT */
/*
 * Watching single pages: when are they used?
 *
 * A probe is a page taken out on probation (LEAVING) into a slot of its own,
 * which no packer takes.  When the program asks for the page, a server moves
 * it back, as from any staging slot, and the time is noted.  So the time of
 * its first use after probe_take() is known exactly, at the price of one
 * soft fault, and nothing is compressed or stored.
 *
 *	slot i of the probes = slot (nr_trays * TRAY_SLOTS + i) of staging
 *
 * The first PROBE_SLOTS are the profile's, the others of engine/age.c.
 *
 * Engine A only.  Probes are only ever taken in registered memory.  All
 * functions are the steward's, inside fork_work_begin(), but for
 * probe_asked(), which is the servers'.
 */
#ifndef UZ_ENGINE_PROBE_H
#define UZ_ENGINE_PROBE_H

#include "base/types.h"
#include "engine/staging.h"

struct engine;
struct helper;

#define PROBE_SLOTS	(STAGING_PROBE_TRAYS * TRAY_SLOTS)
#define AGE_SLOTS	(STAGING_AGE_TRAYS * TRAY_SLOTS)
#define PROBE_ALL_SLOTS	(PROBE_SLOTS + AGE_SLOTS)

enum probe_result {
	PROBE_OUT,	/* in its slot, since probe_take() */
	PROBE_USED,	/* it was asked for, and is back */
	PROBE_STORED,	/* in the store, or about to be */
	PROBE_EMPTY,	/* never written, or given up by the program */
	PROBE_STUCK,	/* the kernel will not move it: pinned, shared, ... */
	PROBE_AGAIN,	/* not now: a fork, an event, another probe */
};

struct probe {
	_Atomic uintptr_t addr;		/* the page; 0 when nothing is out */
	_Atomic uint64_t asked_ns;	/* when a server moved it back */
};

struct probe_set {
	struct probe *all;		/* PROBE_ALL_SLOTS, NULL: not yet */
	_Atomic uint32_t on;		/* regions are kept for watching */
};

/* Memory for all; may be called again.  0, -ENOMEM, or -ENOSYS (engine B). */
MUST_USE int probe_start(struct engine *e);

/* Take the page at ADDR out into slot I, which must be free. */
enum probe_result probe_take(struct helper *h, unsigned i, uintptr_t addr);

/*
 * What became of the page in slot I; after anything but PROBE_OUT the slot
 * is free.
 *
 * addr     out: where the page is now; mremap may have moved it
 * used_ns  out: when it was used, for PROBE_USED
 */
enum probe_result probe_check(struct helper *h, unsigned i, uintptr_t *addr,
			      uint64_t *used_ns);

/* Put it back, used or not; false if it has to be tried again. */
bool probe_return(struct helper *h, unsigned i);

/*
 * Bytes of pool that storing the page in slot I would take (see
 * store_measure()), or -E2BIG; -EAGAIN if it is not there any more.
 */
long probe_measure(struct helper *h, unsigned i);

/* Where is the page at ADDR, which is in no slot of ours? */
enum probe_result probe_look(struct helper *h, uintptr_t addr);

bool probe_owns(const struct engine *e, uint64_t slot);

/* The page in staging slot SLOT has been moved back.  Context: server. */
void probe_asked(struct engine *e, uint64_t slot);

#endif
