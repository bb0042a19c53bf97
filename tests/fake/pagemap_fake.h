/* SPDX-License-Identifier: MIT */
/*
 * /proc/self/pagemap of the fake kernel: what base/pagemap.c reads of it.
 * Memory of which nothing is known is present, and of no interest.
 *
 * Context: actor_lock().
 */
#ifndef UZ_FAKE_PAGEMAP_FAKE_H
#define UZ_FAKE_PAGEMAP_FAKE_H

#include "base/types.h"

long pagemap_fake_read(void *buf, size_t len, uint64_t offset);
long pagemap_fake_scan(unsigned long cmd, void *arg);

#endif
