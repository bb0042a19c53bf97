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

/* What a server needs of its own; -ENOMEM.  Context: init. */
MUST_USE int fault_init(struct helper *h, struct arena *a);

/* The life of a server thread. */
void fault_run(void *helper);

#endif
