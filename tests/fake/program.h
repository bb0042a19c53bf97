/* SPDX-License-Identifier: MIT */
/*
 * What threads of the program do to its memory on the fake kernel, in whole
 * pages.  They may wait for the engine, as a fault or an event is what it has
 * to answer.
 *
 * Context: actors, holding nothing.
 */
#ifndef UZ_FAKE_PROGRAM_H
#define UZ_FAKE_PROGRAM_H

#include <sys/types.h>

#include "base/types.h"

/* False: nothing is mapped there. */
bool program_read(uintptr_t addr, void *page);
bool program_write(uintptr_t addr, const void *page);

void program_map(uintptr_t start, size_t nr);
void program_unmap(uintptr_t start, size_t nr);
bool program_dontneed(uintptr_t start, size_t nr);
/* KEEP: MREMAP_DONTUNMAP.  False: it is several mappings. */
bool program_remap(uintptr_t from, uintptr_t to, size_t nr, bool keep);
/* A device writes to it: it can't be moved.  It is brought in, and locked. */
void program_pin(uintptr_t addr, size_t nr, bool on);
void program_lock(uintptr_t addr, size_t nr, bool on);

/* It does something else for so long. */
void program_think(uint64_t ns);

/* As fork(2); and wait until the child has ended: its status. */
pid_t program_fork(void);
int program_wait(pid_t child);

#endif
