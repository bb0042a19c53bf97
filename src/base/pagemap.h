/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a range are in RAM: /proc/self/pagemap, by the PAGEMAP_SCAN
 * ioctl where the kernel has it (6.7), else by reading its words.
 *
 * An answer is a hint: the program runs on, and the page may be gone a
 * moment later.  Context: server; but a struct pagemap belongs to one thread.
 */
#ifndef UZ_BASE_PAGEMAP_H
#define UZ_BASE_PAGEMAP_H

#include "base/types.h"

struct page_run {
	uintptr_t start;
	uintptr_t end;
	bool huge;	/* mapped by one 2 MiB entry */
};

struct pagemap {
	int fd;		/* /proc/self/pagemap, -1 without */
	bool has_scan;	/* PAGEMAP_SCAN ioctl, Linux 6.7 */
	uint64_t *words; /* CHUNK_PAGES entries for the old way, arena */
};

MUST_USE int pagemap_open(struct pagemap *pm, void *words);
void pagemap_close(struct pagemap *pm);

/*
 * The runs of anonymous pages present in [START, END), at most NR; with NR 1
 * the start of the first one, which is found without walking to its end.
 *
 * next     out: everything below it has been looked at
 *
 * Without PAGEMAP_SCAN at most one chunk is looked at.  A pagemap belongs to
 * one thread at a time.  Returns the number of runs or -errno.
 */
long pagemap_present(struct pagemap *pm, uintptr_t *next, uintptr_t start,
		     uintptr_t end, struct page_run *out, size_t nr);

/*
 * Is there a page at ADDR, in RAM or in the kernel's own swap?  What is in swap
 * is only known where /proc is mounted and a descriptor is free.
 */
bool pagemap_is_here(uintptr_t addr);
/* The same of NR pages, each by one byte of HERE: 0 or 1. */
void pagemap_are_here(uintptr_t addr, size_t nr, unsigned char *here);

/* Number of present pages in [START, END), or -errno. */
long pagemap_count(struct pagemap *pm, uintptr_t start, uintptr_t end);

/*
 * How many of NR pages at ADDR, from the first on, are present and like the
 * first one mapped in this process only (bit 56), or not.
 */
size_t pagemap_alike(struct pagemap *pm, uintptr_t addr, size_t nr,
		     bool *exclusive);

#endif
