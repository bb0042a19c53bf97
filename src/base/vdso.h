/* SPDX-License-Identifier: MIT */
/*
 * The clock without a system call, for our own threads: the kernel's vDSO
 * (vdso(7)), found by ourselves.
 *
 * libc's clock_gettime() does the same, but is a symbol that programs replace
 * (libfaketime), with thread-local data that our threads do not have.  A
 * fault takes the time twice, and a system call 0.2 us and more each.
 */
#ifndef UZ_BASE_VDSO_H
#define UZ_BASE_VDSO_H

#include "base/types.h"

/*
 * Look for the vDSO of this process; without one, or with one that is not
 * understood, the clock stays a system call.  Context: init.
 */
void vdso_start(void);

/* CLOCK_MONOTONIC, in ns.  Context: any. */
uint64_t vdso_now_ns(void);

#endif
