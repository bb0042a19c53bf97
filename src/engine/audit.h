/* SPDX-License-Identifier: MIT */
/*
 * Do the books close?  A walk over everything, for torture and for tests:
 *
 *	words     as many pages in each state as the totals say
 *	staging   a page on probation or being packed is in a slot that
 *	          belongs to it, and every slot that has a page is that page's
 *	store     as many objects as pages that have one, and each the page's
 *	counters  what was evicted was restored, dropped, overtaken or is stored
 *	regions   in order
 *
 * It is made while nobody changes anything: no evictor at work, nobody in a
 * section, the books of a fork settled.  What is wrong is a bug, and the
 * process ends saying which.
 *
 * In torture the steward does it now and then, and when the program ends.
 */
#ifndef UZ_ENGINE_AUDIT_H
#define UZ_ENGINE_AUDIT_H

#include <stdatomic.h>

#include "base/types.h"

struct engine;
struct helper;

struct audit {
	_Atomic uint32_t asked;	/* how often; whoever asks */
	_Atomic uint32_t done;	/* of these; steward; futex */
};

/*
 * Exclusive, with no evictor at work: NULL, or what is wrong.
 * Context: steward.
 */
const char *audit_books(struct engine *e);

/*
 * Have one made and wait for it: false if that took longer than MAX_NS or
 * nobody is there to do it.  Context: app.
 */
MUST_USE bool audit_wait(struct engine *e, uint64_t max_ns);

/* Make one if it is asked for, or in torture by chance.  Context: steward. */
void audit_work(struct helper *steward);

#endif
