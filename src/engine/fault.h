/* SPDX-License-Identifier: MIT */
/*
 * The fault servers: threads that read the userfaultfd.
 *
 *	wait -> exclusive: read, apply events -> answer faults -> make room
 *
 * A fault that can't be answered now (the kernel says EAGAIN while an event
 * is pending) is put aside and tried again after a bounded, growing pause.
 */
#ifndef UZ_ENGINE_FAULT_H
#define UZ_ENGINE_FAULT_H

#include "base/types.h"

struct helper;
struct arena;

#define FAULT_QUEUE	64u	/* faults that a server can put aside */

/* What a server needs of its own; -ENOMEM.  Context: init. */
MUST_USE int fault_init(struct helper *h, struct arena *a);

/*
 * Open what it waits on, before it is started; without, as when the program
 * may have no more descriptors, it polls.  Closed by who has joined it.
 * Context: steward.
 */
void fault_open_wait(struct helper *h);

/* The life of a server thread. */
void fault_run(void *helper);

#endif
