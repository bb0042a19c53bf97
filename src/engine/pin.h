/* SPDX-License-Identifier: MIT */
/*
 * Pages that must never leave: thread descriptors and robust mutexes.  The
 * kernel writes to them where it asks nobody for a missing page (a task that
 * ends) or kills the program if it gets none (rseq).
 */
#ifndef UZ_ENGINE_PIN_H
#define UZ_ENGINE_PIN_H

#include <stdatomic.h>

#include "base/types.h"

#define PIN_BITS	13
#define PIN_MOST	(1u << PIN_BITS)

struct pins {
	_Atomic uintptr_t page[PIN_MOST];	/* hashed */
};

/* The page of ADDR is one of them.  Context: app. */
void pin_add(struct pins *p, uintptr_t addr);

/* Context: server. */
bool pin_is_on(const struct pins *p, uintptr_t page);

#endif
