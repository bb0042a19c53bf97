/* SPDX-License-Identifier: MIT */
/*
 * Counters: every module adds, nobody below watch/ reads.
 *
 * The list of counters with their meaning is the public one in
 * include/uzswap/stats.h; watch/publish.c copies the whole array into the
 * statistics page.  Relaxed: a counter orders nothing.
 */
#ifndef UZ_BASE_COUNT_H
#define UZ_BASE_COUNT_H

#include <stdatomic.h>

#include "base/types.h"
#include "uzswap/stats.h"

extern _Atomic uint64_t count_table[UZSWAP_NR_COUNTERS];

static inline void count_add(enum uzswap_counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&count_table[c], n, memory_order_relaxed);
}

static inline void count_one(enum uzswap_counter c)
{
	count_add(c, 1);
}

static inline uint64_t count_get(enum uzswap_counter c)
{
	return atomic_load_explicit(&count_table[c], memory_order_relaxed);
}

#endif
