/* SPDX-License-Identifier: MIT */
/*
 * Equal pages: what it costs to share their objects, and what it saves.
 */
#ifndef UZ_BENCH_PACK_EQUAL_H
#define UZ_BENCH_PACK_EQUAL_H

/* A table, of the pages on the shelf. */
void pack_equal(void);

#endif
