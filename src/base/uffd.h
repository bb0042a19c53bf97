/* SPDX-License-Identifier: MIT */
/*
 * userfaultfd(2) as verbs.
 *
 * Expected races are outcomes (enum uffd_result), classified in one function
 * of uffd.c and nowhere else.  Operations on a run say how many bytes were
 * done before the outcome; those are done for good, and their waiters woken.
 *
 * Addresses and lengths are page-aligned.  Context: server, unless noted.
 */
#ifndef UZ_BASE_UFFD_H
#define UZ_BASE_UFFD_H

#include "base/types.h"

struct uffd {
	int fd;			/* -1 when closed */
	uint64_t features;	/* what the kernel granted */
};

enum uffd_result {
	UFFD_DONE,	/* all of it */
	UFFD_ALREADY,	/* destination is mapped already (EEXIST) */
	UFFD_AGAIN,	/* an event is pending or locks were busy (EAGAIN) */
	UFFD_HOLE,	/* nothing there to move, or range not ours (ENOENT) */
	UFFD_BUSY,	/* pinned, or shared since a fork (EBUSY) */
	UFFD_REFUSED,	/* locked, read-only, not anonymous (EINVAL, EPERM) */
	UFFD_NOMEM,	/* the kernel has no memory (ENOMEM, ENOSPC) */
	UFFD_GONE,	/* the process is ending (ESRCH) */
};

/* What may be asked for; features the kernel lacks are simply not granted. */
#define UFFD_WANT_EVENTS	0x1u	/* remove, unmap, remap */
#define UFFD_WANT_FORK		0x2u	/* needs CAP_SYS_PTRACE */

enum uffd_source {
	UFFD_FROM_FD,		/* an open /dev/userfaultfd */
	UFFD_FROM_DEVICE,	/* open /dev/userfaultfd ourselves */
	UFFD_FROM_BROKER,	/* as FROM_FD, by broker_ask(); not for open */
	UFFD_FROM_SYSCALL,
	UFFD_NR_SOURCES
};

/*
 * Open a userfaultfd that also sees faults of system calls.
 *
 * dev_fd   for UFFD_FROM_FD
 *
 * Returns  0 or -errno
 */
MUST_USE int uffd_open(struct uffd *u, enum uffd_source from, int dev_fd,
		       unsigned want);
void uffd_close(struct uffd *u);

bool uffd_has_move(const struct uffd *u);
bool uffd_has_wp(const struct uffd *u);

/* Take [START, START+LEN) into care; WP also for write-protection. */
MUST_USE int uffd_register(const struct uffd *u, uintptr_t start, size_t len,
			   bool wp);
int uffd_unregister(const struct uffd *u, uintptr_t start, size_t len);

/*
 * Is [START, START+LEN) one mapping, registered, with no event outstanding?
 * From then on no part of it can go without an event.  NOWHERE is an address
 * at which there is nothing to read.  Changes nothing.
 */
bool uffd_is_whole(const struct uffd *u, uintptr_t start, size_t len,
		   uintptr_t nowhere);

/*
 * Is no event outstanding: none unread, nobody who raised one and has not run
 * since?  NOWHERE is not registered.  Changes nothing.
 */
bool uffd_is_calm(const struct uffd *u, uintptr_t nowhere);

/* How to copy or move. */
#define UFFD_HOLES	0x1u	/* missing source pages are skipped: done */
#define UFFD_QUIET	0x2u	/* wake nobody: uffd_wake() comes later */

MUST_USE enum uffd_result uffd_copy(const struct uffd *u, size_t *done,
				    uintptr_t to, const void *from,
				    size_t len, unsigned how);
MUST_USE enum uffd_result uffd_zero(const struct uffd *u, size_t *done,
				    uintptr_t to, size_t len);
MUST_USE enum uffd_result uffd_move(const struct uffd *u, size_t *done,
				    uintptr_t to, uintptr_t from, size_t len,
				    unsigned how);
MUST_USE enum uffd_result uffd_protect(const struct uffd *u, uintptr_t start,
				       size_t len, bool on);
void uffd_wake(const struct uffd *u, uintptr_t start, size_t len);

enum uffd_kind {
	UFFD_FAULT,
	UFFD_REMOVE,	/* [addr, addr+len) will be dropped */
	UFFD_UNMAP,	/* [addr, addr+len) is gone */
	UFFD_REMAP,	/* [addr, addr+len) is now at TO */
	UFFD_OTHER,
};

struct uffd_event {
	enum uffd_kind kind;
	uintptr_t addr;
	size_t len;
	uintptr_t to;
	bool write;	/* fault: it was a write */
	bool wp;	/* fault: of a write-protected page */
	int32_t tid;	/* fault: who waits */
};

#define UFFD_BATCH	16	/* messages taken by one read */

/* Take what is queued, without waiting: the number of events, or -errno. */
long uffd_read(const struct uffd *u, struct uffd_event out[UFFD_BATCH]);

#endif
