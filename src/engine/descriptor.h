/* SPDX-License-Identifier: MIT */
/*
 * Thread descriptors: pages that must never leave.
 *
 * In the child of a fork glibc walks the descriptors of all threads before
 * anybody answers faults there, and the kernel writes to them on its own
 * account.  The hook of pthread_create knows most threads; not those that an
 * allocator starts past it, as jemalloc does.  The kernel knows all, and each
 * thread's list of robust mutexes begins in its descriptor.
 */
#ifndef UZ_ENGINE_DESCRIPTOR_H
#define UZ_ENGINE_DESCRIPTOR_H

#include "base/types.h"

struct engine;

#define DESCRIPTOR_LEN	4096u	/* glibc 2.36: struct pthread is 2.3 KiB */

/*
 * Pin the descriptors of all threads there are, and have them resident.
 * Waits for servers.  Context: steward, outside of sections.
 */
void descriptor_pin_all(struct engine *e);

#endif
