/* SPDX-License-Identifier: MIT */
/*
 * Call stacks of the calling thread, for samples of the profile.
 *
 * By frame pointers: from a copy of the stack that the kernel makes, so that
 * a register used for something else misleads but never faults.  Stops at
 * the first function compiled without.
 *
 * By unwind tables: through code compiled with -fomit-frame-pointer too, and
 * on by frame pointers where there are no tables, as in code made by a JIT.
 * The unwinder is that of libgcc, linked from its archive and hidden: the
 * program may have another.  It finds tables by _dl_find_object(), which
 * takes no lock, and it does not allocate; so it may run in a thread that
 * holds any lock of the allocator or the loader.  (libunwind asks
 * dl_iterate_phdr(), which takes the loader's lock, and its archive cannot be
 * part of a shared library in Debian.)  A stack that was walked before is
 * known (known.h), and read like frame pointers.
 *
 * Context: app.
 */
#ifndef UZ_HOOKS_UNWIND_H
#define UZ_HOOKS_UNWIND_H

#include "hooks/known.h"

enum unwind_mode { UNWIND_FP, UNWIND_TABLES };

/* At most MAX frames of who called; none if none can be had. */
void unwind_stack(enum unwind_mode mode, struct stack *out, size_t max);

#endif
