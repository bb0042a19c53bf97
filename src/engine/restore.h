/* SPDX-License-Identifier: MIT */
/*
 * Coming back: STORED -> ARRIVING -> HERE.  The mirror image of
 * engine/evict.h.
 *
 *	restore_page   answer one fault, wherever the page is:
 *	               on probation   move it back
 *	               stored         load, unpack, copy - and its neighbours,
 *	                              if the thread reads on in order
 *	               nowhere        a zero page, and more of them, if the
 *	                              thread fills in order
 */
#ifndef UZ_ENGINE_RESTORE_H
#define UZ_ENGINE_RESTORE_H

#include "base/types.h"
#include "base/uffd.h"
#include "engine/stream.h"

struct helper;

#define RESTORE_WINDOW	STREAM_MOST	/* pages given by one fault */

struct restore {
	struct streams streams;
	const void *zeros;		/* RESTORE_WINDOW pages of zeros */
};

enum restore_result {
	RESTORE_DONE,	/* the thread runs, or somebody else will see to it */
	RESTORE_AGAIN,	/* not now: try the same fault a little later */
	RESTORE_LOST,	/* the address is not ours: just wake the thread */
};

/* What the kernel's answer R means for a fault that got no page by it. */
enum restore_result restore_result_of(enum uffd_result r);

/*
 * Answer the fault EV.  If it is of another kind, nobody has asked, and only
 * a page that is stored or on probation comes back.
 * Context  server; not inside a section
 */
enum restore_result restore_page(struct helper *h,
				 const struct uffd_event *ev);

/*
 * After restore_page(): wake who waits for what it has put there, and bring
 * the neighbours.  BOUND: he runs on our CPU, and is woken last.  Context: as
 * there.
 */
void restore_wake(struct helper *h, bool bound);

#endif
