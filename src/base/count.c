/* SPDX-License-Identifier: MIT */
/*
 * The counters themselves: one flat array.  They are bumped a few times per
 * page moved, which costs microseconds, so a shared cache line is cheap
 * enough.
 */
#include "base/count.h"

_Atomic uint64_t count_table[UZSWAP_NR_COUNTERS];
