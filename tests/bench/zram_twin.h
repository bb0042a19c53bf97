/* SPDX-License-Identifier: MIT */
/*
 * The kernel's zram on the same pages, to compare with: an idle zram device
 * of this machine, if there is one, is set up, filled and reset again.
 */
#ifndef UZ_BENCH_ZRAM_TWIN_H
#define UZ_BENCH_ZRAM_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zram_usage {
	uint64_t orig;		/* bytes kept */
	uint64_t packed;	/* bytes of objects */
	uint64_t used;		/* bytes of RAM of the pool */
};

/*
 * Keep NR pages by ALGORITHM.
 * Returns  false if there is no device, or somebody uses it
 */
bool zram_fill(struct zram_usage *out, const char *algorithm,
	       const void *pages, size_t nr);

#endif
