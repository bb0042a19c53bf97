/* SPDX-License-Identifier: MIT */
/*
 * What the store does not do, measured on the pages of the shelf.
 */
#ifndef UZ_BENCH_PACK_LEFT_OUT_H
#define UZ_BENCH_PACK_LEFT_OUT_H

/* Keeping one of several equal pages: how many there are, what it costs. */
void pack_equal(void);

/* Several neighbouring pages in one object. */
void pack_units(void);

#endif
