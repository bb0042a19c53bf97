/* SPDX-License-Identifier: MIT */
/*
 * Where evictors take pages out: on the CPU of the thread that uses them, where
 * it is dear elsewhere.
 *
 * Each UFFDIO_MOVE has the kernel interrupt every other CPU that runs this
 * process, and wait: 23 us on a virtual machine whose page tables the host
 * shadows, for a page as for sixty, of two that it takes with nobody to
 * interrupt (bench/floor).  And who is interrupted, or comes to ask for a page
 * meanwhile, waits as well.  So an evictor measures what a MOVE takes; if that
 * is much, and there is one thread whose faults are answered, it goes to that
 * thread's CPU, takes out some hundred pages, which is as long as five
 * interrupts, and packs them where it came from.
 *
 * This is for runs of pages, as evictors find them.  Where a thread faults on
 * single pages here and there, its server takes them out itself (near.h).
 */
#ifndef UZ_ENGINE_VISIT_H
#define UZ_ENGINE_VISIT_H

#include "base/types.h"
#include "engine/follow.h"

struct engine;
struct helper;

struct visit {
	struct follow where;	/* the evictor is, or is not, to be */
	uint64_t move_ns;	/* one UFFDIO_MOVE without a visit: mean */
	uint32_t since;		/* visits since that was measured */
};

/*
 * The thread whose faults are answered is where F is.  While pages are taken
 * out there (near.h), evictors leave that CPU before they are woken on it.
 * Context: server, its own F.
 */
void visit_thread_is_on(struct engine *e, const struct follow *f);

/* Context of all others: worker, an evictor, of its own helper. */

void visit_start(struct helper *h);

/* Be where evictors pack: not where the thread is. */
void visit_rest(struct helper *h);

/* As cold_sweep() without a bound; out: pages taken. */
bool visit_sweep(struct helper *h, size_t *taken);

/* A MOVE took NS. */
void visit_note_move(struct helper *h, uint64_t ns);

#endif
