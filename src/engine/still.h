/* SPDX-License-Identifier: MIT */
/*
 * Nothing is registered or let go while a thread of the program moves a
 * mapping.
 *
 * A mapping of which a part is registered is two to the kernel.  mremap() of
 * both is refused, or worse: since Linux 6.17 a move to a fixed place is done
 * mapping by mapping, and refused when it comes to one that is registered,
 * with those before it moved.  So the hook of mremap() looks first how many
 * there are (hooks/hook_remap.c), and has the steward hold still meanwhile.
 *
 *	program   begin .. look, mremap() .. end	many at once
 *	steward   change .. register .. changed		nobody is in there
 *
 * The program waits for the steward, which takes a system call or two; the
 * steward never waits, the next look at the maps will do.
 */
#ifndef UZ_ENGINE_STILL_H
#define UZ_ENGINE_STILL_H

#include <stdatomic.h>

#include "base/types.h"

struct still {
	_Atomic uint32_t moving;	/* threads between begin and end */
	_Atomic uint32_t changing;	/* the steward; futex */
};

/* With all signals blocked.  Context: app. */
void still_begin(struct still *s);
void still_end(struct still *s);

/* False: not now.  Context: steward. */
MUST_USE bool still_change(struct still *s);
void still_changed(struct still *s);

/* Neither the steward nor other threads are there.  Context: child. */
void still_fork_child(struct still *s);

#endif
