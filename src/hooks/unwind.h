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
 * part of a shared library in Debian.)
 *
 * Context: app.
 */
#ifndef UZ_HOOKS_UNWIND_H
#define UZ_HOOKS_UNWIND_H

#include "base/types.h"

enum unwind_mode { UNWIND_FP, UNWIND_TABLES };

/* At most MAX return addresses, innermost first; 0 if none can be had. */
size_t unwind_stack(enum unwind_mode mode, uint64_t *frames, size_t max);

#endif
