/* SPDX-License-Identifier: MIT */
/*
 * Memory that the program wants left alone, and why.
 *
 *	LOCKED    mlock and the like
 *	NO_DUMP   kept out of core dumps, where the pool would be
 *	WATCHED   registered with a userfaultfd of the program's own
 *	GUARD     MADV_GUARD_INSTALL, which what we fill would take away
 *	NEVER     the library's own data, and mappings of special kinds
 *
 * A range may be in here for several reasons, and leaves for each of them
 * separately.  It is what the hooks were told; the kernel knows better, and
 * splits its mappings at the same bounds: so a mapping is left alone if all
 * of it is in here (exempt_has), and an entry for a part of one is out of
 * date: the program took its wish back by a way that no hook saw.  But what
 * is NEVER to be touched has its own bounds.
 *
 * Hooks write, in any thread of the program and in signal handlers, so there
 * is no lock: an entry belongs to who claims it, and is seen whole.  Two
 * threads that change their mind about the same range at once get either's.
 * When all places are taken, FULL says so, and who needs to know asks the
 * kernel (smaps has the flags).
 *
 * Context: any.
 */
#ifndef UZ_SPACE_EXEMPT_H
#define UZ_SPACE_EXEMPT_H

#include <stdatomic.h>

#include "base/types.h"

#define EXEMPT_LOCKED	0x1u
#define EXEMPT_NO_DUMP	0x2u
#define EXEMPT_WATCHED	0x4u
#define EXEMPT_NEVER	0x8u
#define EXEMPT_GUARD	0x10u
#define EXEMPT_ALL	0x1fu

#define EXEMPT_MAX	2048u	/* entries; 48 KiB of .bss, untouched */

struct exempt_entry {
	_Atomic uint32_t why;	/* one of the above, or 0: free, or claimed */
	_Atomic uintptr_t start;
	_Atomic uintptr_t end;
};

struct exempt_set {
	_Atomic uint32_t high;	/* entries from here on were never used */
	_Atomic uint32_t full;	/* something is not in here */
	struct exempt_entry all[EXEMPT_MAX];
};

/* Add [START, END) for the one reason WHY. */
void exempt_add(struct exempt_set *s, unsigned why, uintptr_t start,
		uintptr_t end);

/* Whatever of [START, END) is in here for one of the reasons WHY goes. */
void exempt_cut(struct exempt_set *s, unsigned why, uintptr_t start,
		uintptr_t end);

/* What was at [FROM, FROM+OLD_LEN) is at [TO, TO+NEW_LEN) now. */
void exempt_move(struct exempt_set *s, uintptr_t from, size_t old_len,
		 uintptr_t to, size_t new_len);

/* Is all of [START, END) in here, whatever for? */
bool exempt_has(const struct exempt_set *s, uintptr_t start, uintptr_t end);

/* Is any of it, for one of the reasons WHY? */
bool exempt_overlaps(const struct exempt_set *s, unsigned why,
		     uintptr_t start, uintptr_t end);

/* The entry after *AT for a reason in WHY, from *AT = 0 on; false: no more. */
bool exempt_next(const struct exempt_set *s, uint32_t *at, unsigned why,
		 uintptr_t *start, uintptr_t *end);

#endif
