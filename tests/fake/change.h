/* SPDX-License-Identifier: MIT */
/*
 * What changes the address space of the fake kernel's one process, by calls of
 * the program or of the engine.  Returns as the system calls do.
 *
 *	DONTNEED         event, and when it was read, the pages go
 *	munmap, mmap     the pages go, then events are waited for
 *	mremap           the same; first that of what was in the way
 *
 * Context: actor_lock(), which others have while an event is waited for.
 */
#ifndef UZ_FAKE_CHANGE_H
#define UZ_FAKE_CHANGE_H

#include "base/types.h"

long change_remove(uintptr_t start, uintptr_t end);
long change_unmap(uintptr_t start, uintptr_t end);
long change_map(uintptr_t start, uintptr_t end);
/* TORN: it fails when what was at TO has gone. */
long change_remap(uintptr_t from, size_t len, uintptr_t to, bool keep,
		  bool torn);
/* MADV_POPULATE_WRITE */
long change_populate(uintptr_t start, uintptr_t end);

#endif
