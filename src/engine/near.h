/* SPDX-License-Identifier: MIT */
/*
 * Where pages are taken out: near the thread that uses them.
 *
 * Taking a page out ends its mapping on every CPU that runs this process, and
 * for that the kernel interrupts the others and waits: 18 us for a single page
 * on a virtual machine whose page tables the host shadows, 1 us where no other
 * CPU runs the process (bench/floor).  So while one thread faults on single
 * pages here and there, its server, which runs on the same CPU (follow.h),
 * takes out as many, some at a time, while the evictors sleep.  These only
 * pack what was taken out, a few trays at a time, and sleep again.
 *
 * Long runs, which need one interrupt for all, are the evictors' as before,
 * and so is everything when there is no room left all the same.
 */
#ifndef UZ_ENGINE_NEAR_H
#define UZ_ENGINE_NEAR_H

#include "base/types.h"

struct engine;
struct helper;

/* A fault has brought NR pages from here and there.  Context: server. */
void near_gave(struct helper *h, size_t nr);

/*
 * Between two faults; CPU: where the server and its thread are, -1 if they
 * may be anywhere.
 * Context: server.
 */
void near_take(struct helper *h, int32_t cpu);

/* Free the memory of trays that wait for it, unless servers will. */
void near_empty(struct helper *h);

/* Have servers taken pages out lately? */
bool near_is_on(struct engine *e);

/* Where they did: evictors are to be elsewhere.  -1: nowhere. */
int32_t near_cpu(struct engine *e);

/* Are there trays that evictors should pack, whatever room there is? */
bool near_is_waiting(struct engine *e);

/*
 * Pack them; and lie down for a moment if a server wants to take some out.
 * False if there was none that could be packed.
 * Context: worker, an evictor.
 */
bool near_pack(struct helper *h);

#endif
