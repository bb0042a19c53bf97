/* SPDX-License-Identifier: MIT */
/*
 * Engine B, for kernels without UFFDIO_MOVE (Linux 5.7 .. 6.7): a run of
 * pages is taken to staging by mremap(MREMAP_DONTUNMAP), atomically, and the
 * mapping it came from stays, empty and registered.  So from then on nobody
 * can change the bytes and a touch is a fault, as with engine A.
 *
 * It differs in this: the call acts on whatever is mapped there, and raises
 * an event that a server must read before it returns.  So it is made outside
 * of sections, by evictors only, never by servers; a run on its way is a
 * FLIGHT that all others respect.
 *
 *	section   announce the flight; words HERE -> PACKING
 *	mremap    the pages are in staging; a server reads the event
 *	section   words PACKING -> LEAVING; the flight has landed
 *
 * The way back is UFFDIO_COPY from the slot.
 *
 * Why not write-protect, pack in place, and MADV_DONTNEED?  The program would
 * be seen reading only after the page was gone, the packer would read memory
 * the program may unmap, and the dropping call releases its lock for as long
 * as a server takes to read an event: whatever is mapped there afterwards is
 * lost.  Here a wrong mapping is noticed, and put back with its content.
 *
 * What remains, and only here: a page that a device writes to by DMA
 * (O_DIRECT, io_uring, RDMA) while it leaves may lose that write, for the
 * kernel does not refuse it; a raw system call that replaces a mapping just
 * while it is taken lets other threads see it empty for a moment.
 */
#ifndef UZ_ENGINE_EVICT_REMAP_H
#define UZ_ENGINE_EVICT_REMAP_H

#include <stdatomic.h>

#include "base/types.h"
#include "base/uffd.h"

struct engine;
struct helper;

/* A run of pages on its way to staging. */
struct flight {
	_Atomic uintptr_t start;	/* its evictor */
	_Atomic uintptr_t end;		/* its evictor; 0 none */
	_Atomic uint32_t seen;		/* exclusive: the event came */
	_Atomic uint32_t disturbed;	/* exclusive: unmapped meanwhile */
};

/*
 * Does the kernel do it, and right?  Tried in our own memory; the staging area
 * is ready for it then.  Init.
 */
bool evict_remap_works(struct engine *e);

/* It is used from now on; again in the child of a fork.  Init. */
void evict_remap_start(struct engine *e);

/* As evict_leave(); nothing leaves by a server.  Context: worker. */
size_t evict_remap_leave(struct helper *h, uintptr_t addr, size_t nr);

/* As evict_back(). */
enum uffd_result evict_remap_back(struct engine *e, uintptr_t addr,
				  uint64_t slot, unsigned how);

/* Free the memory of NR dead slots at FROM; false: not now. */
bool evict_remap_empty(struct helper *h, uintptr_t from, size_t nr);

/* How many of NR pages at ADDR come before any flight; in a section. */
size_t evict_remap_before(struct engine *e, uintptr_t addr, size_t nr);

/* Is it the event of a flight of ours?  Then it is noted.  Exclusive. */
bool evict_remap_is_own(struct engine *e, const struct uffd_event *ev);

/* The program has changed what is mapped there.  Exclusive. */
void evict_remap_disturb(struct engine *e, uintptr_t start, uintptr_t end);

/*
 * The program uses io_uring, and may have buffers pinned for as long as it
 * likes; UFFDIO_MOVE would refuse such pages, mremap takes them, and what is
 * read into them is lost.  With engine B nothing leaves any more, for good.
 * WAIT: until nobody is at it; not for helpers.  Context: any.
 */
void evict_remap_pins(struct engine *e, bool wait);

#endif
