/* SPDX-License-Identifier: MIT */
/*
 * What the store does not do, measured on the pages of the shelf.
 */
#ifndef UZ_BENCH_PACK_LEFT_OUT_H
#define UZ_BENCH_PACK_LEFT_OUT_H

/* Several neighbouring pages in one object. */
void pack_units(void);

#endif
