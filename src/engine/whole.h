/* SPDX-License-Identifier: MIT */
/*
 * Making memory whole: whatever is away in a range comes back, as if it had
 * been touched.
 *
 * For the switch (mode.h), which does it to all memory before everything is
 * unregistered, and for ranges the program wants for itself (yield.h).  What
 * cannot come back now - somebody packs it, an event is pending - is left
 * for another round; nothing must leave meanwhile, or there is no end to it.
 *
 * Context: steward.
 */
#ifndef UZ_ENGINE_WHOLE_H
#define UZ_ENGINE_WHOLE_H

#include "base/types.h"

struct helper;

/*
 * Restore from *AT up to END, for some milliseconds.
 *
 * at       in and out: where to go on
 * moved    out: set if something came back, else left alone
 *
 * Returns  true when the end was reached
 */
bool whole_piece(struct helper *h, uintptr_t *at, uintptr_t end,
		 bool *moved);

#endif
