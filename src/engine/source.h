/* SPDX-License-Identifier: MIT */
/*
 * Where userfaultfds come from: an inherited descriptor of the device, the
 * device, the broker, the system call; the first that works.
 *
 * Context: worker.
 */
#ifndef UZ_ENGINE_SOURCE_H
#define UZ_ENGINE_SOURCE_H

#include "base/uffd.h"

struct engine_config;

/*
 * Open the userfaultfd for the program's memory, and the one for trash
 * windows, without events.
 *
 * Returns 0, or -EPERM: all that was tried, and why it failed, has been said,
 * by this process or lately by another one of its session
 */
MUST_USE int source_open(struct uffd *main, struct uffd *aside,
			 const struct engine_config *cfg);

/* Can userfaultfds be had?  Says why not, if not.  Context: init. */
bool source_is_there(const struct engine_config *cfg);

#endif
