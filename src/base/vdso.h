/* SPDX-License-Identifier: MIT */
/*
 * sys_now_ns() without a system call: the kernel's vDSO (vdso(7)), found by
 * ourselves.
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

#endif
