/* SPDX-License-Identifier: MIT */
/*
 * What the program does to its memory, as the kernel tells it: remove,
 * unmap, remap.  Applied while nobody is in a section (engine/order.h).
 *
 * REMOVE comes before the kernel drops the pages: from here to the next
 * missing fault they are DYING and must not leave, or old bytes would
 * outlive the program's order to forget them.
 *
 * Context: server, exclusive.
 */
#ifndef UZ_ENGINE_EVENT_H
#define UZ_ENGINE_EVENT_H

#include "base/uffd.h"

struct helper;

void event_apply(struct helper *h, const struct uffd_event *ev);

#endif
