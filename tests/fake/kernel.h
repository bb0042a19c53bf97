/* SPDX-License-Identifier: MIT */
/*
 * A kernel below base/sys.c, for tests of the engine: another sys_call6().
 *
 *	call_*.c    the calls, by what they are about
 *	actor.c     threads, time, waiting
 *	memory.c    the process's memory; change.c what changes it
 *	missing.c   userfaultfd
 *	handle.c    descriptors: epoll, files of /proc; pagemap_fake.c
 *	refusal.c   what fails though it need not
 *	program.c   what the program does
 *
 * All of the engine is as it is, from engine_wake() on; only threads are
 * started another way (as in tests/live/sanitized_threads.c).  A call that the
 * engine has not made before is the end of the test: it is to be thought of
 * what the kernel answers, and how it fails.
 */
#ifndef UZ_FAKE_KERNEL_H
#define UZ_FAKE_KERNEL_H

#include "base/types.h"

/* Before anything else, in the process that is to be the test. */
void kernel_start(void);
/* Print what the library logs, not only why it dies. */
void kernel_be_loud(void);
bool kernel_says(const char *text, size_t len);

/* Bytes that the process uses besides what is known of. */
void kernel_use(uint64_t bytes);

/* Processes that share our memory since a fork: as many more. */
void kernel_relatives(int more);
bool kernel_has_relatives(void);
void kernel_fork_child(void);

#endif
