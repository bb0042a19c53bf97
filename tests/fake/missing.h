/* SPDX-License-Identifier: MIT */
/*
 * userfaultfd(2) of the fake kernel, as docs/kernel.md has it: what matters is
 * what it refuses, and when.
 *
 *	faults    come before events, whatever was first; who waits for one goes
 *	          on when it is woken, and asks anew if the page is not there
 *	events    their raiser waits until they are read; from the beginning of
 *	          the change until he has run again COPY, ZEROPAGE and MOVE are
 *	          refused with EAGAIN
 *	a run     has to be in one mapping, and is done up to the first page
 *	          that can't be
 *
 * Context: actor_lock().
 */
#ifndef UZ_FAKE_MISSING_H
#define UZ_FAKE_MISSING_H

#include "tests/fake/memory.h"
#include "tests/fake/refusal.h"

struct uffd_msg;

/* A number of a userfaultfd, from 1 on; 0: no more. */
uint8_t missing_open(void);
void missing_close(uint8_t nr);
/* In the child of a fork: they were the parent's. */
void missing_fork_child(void);

bool missing_is_readable(uint8_t nr);
long missing_read(uint8_t nr, void *buf, size_t len);
/* HOW: as refusal_now() has it, but no errno. */
long missing_ioctl(uint8_t nr, unsigned long cmd, void *arg, int how);

/*
 * Somebody reads or writes the page at ADDR, which is mapped: it is present
 * when this returns.  NULL: it is not mapped any more.
 */
struct memory_page *missing_touch(uintptr_t addr, bool write);

/* Does UFFD want events? */
bool missing_has_events(uint8_t nr);
/* A change begins; it ends when its raiser has waited until MSG is read. */
void missing_begin(uint8_t nr);
void missing_end(uint8_t nr, const struct uffd_msg *msg);

#endif
