/* SPDX-License-Identifier: MIT */
/*
 * The store against bare LZ4 on the same pages, turn by turn: pack and put,
 * unpack and load, drop.  Prints one table.
 */
#ifndef UZ_BENCH_PACK_TIME_H
#define UZ_BENCH_PACK_TIME_H

#include "store/store.h"

#define PACK_TIME_THREADS	2	/* at most */
#define PACK_TIME_ROUNDS	999	/* at most */

/*
 * Each of NR_THREADS has its CODEC and its share of the NR PAGES, all of
 * which pay.  The store is empty, and is again afterwards.
 *
 * Returns  0, or -1 if a page was refused, damaged, or there is no memory
 */
int pack_time(struct store *s, struct codec *const *codec,
	      unsigned nr_threads, unsigned nr_rounds,
	      const char *const *pages, size_t nr);

#endif
