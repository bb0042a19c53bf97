/* SPDX-License-Identifier: MIT */
/*
 * Engine A, "move": a run of pages is moved to staging by UFFDIO_MOVE
 * (Linux 6.8), atomically.  From then on nobody can change the bytes, a touch
 * is a fault, and pinned pages (O_DIRECT, io_uring, RDMA) were refused.
 *
 * It happens inside a section, raises no event, and any helper may do it.
 * Context: server.
 */
#ifndef UZ_ENGINE_EVICT_MOVE_H
#define UZ_ENGINE_EVICT_MOVE_H

#include "base/types.h"
#include "base/uffd.h"

struct engine;
struct helper;

/* Does the kernel do it, and right?  Tried in our own memory.  Init. */
bool evict_move_works(struct engine *e);

/* As evict_leave(). */
size_t evict_move_leave(struct helper *h, uintptr_t addr, size_t nr,
			bool huge);

/*
 * As evict_back().  ALREADY: it may have moved, or was never here;
 * evict_move_is_filled() knows.
 */
enum uffd_result evict_move_back(struct engine *e, uintptr_t addr,
				 uint64_t slot, unsigned how);

/* Is there a page in SLOT?  Asked only where there is doubt. */
bool evict_move_is_filled(struct engine *e, uint64_t slot);

/* Free the memory of NR dead slots at FROM; false: not all, try again. */
bool evict_move_empty(struct helper *h, uintptr_t from, size_t nr);

#endif
