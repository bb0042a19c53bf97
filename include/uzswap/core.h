/* SPDX-License-Identifier: MIT */
/*
 * After a crash: where in a core file the stored pages are, and what reads
 * them.  For zctl core.
 *
 * The root lies in the memfd of the statistics page (stats.h) at
 * UZSWAP_CORE_AT, and with it in every core that has anonymous shared memory,
 * which is the default (core(5), coredump_filter).  Behind it are structures
 * of the library itself: only the version that wrote them can read them, and
 * their sizes are there to tell.
 *
 * Nothing in a core is believed: every address is read through a function
 * that may say no, every number is checked, and an object carries a checksum.
 */
#ifndef UZSWAP_CORE_H
#define UZSWAP_CORE_H

#include <stddef.h>
#include <stdint.h>

#define UZSWAP_CORE_MAGIC	0x6f635f7061777a75ull	/* "uzwap_co" */
#define UZSWAP_CORE_VERSION	1

#define UZSWAP_CORE_AT		69632
#define UZSWAP_CORE_SIZES	8

struct uzswap_core {
	uint64_t magic;			/* UZSWAP_CORE_MAGIC, set last */
	uint32_t version;		/* UZSWAP_CORE_VERSION */
	uint32_t size;			/* of this structure */
	char library_version[32];
	uint32_t sizes[UZSWAP_CORE_SIZES];	/* of what is behind */
	uint64_t torture;		/* not 0: objects have one more sum */
	/* addresses in the process that has ended */
	uint64_t pages;
	uint64_t store;
	uint64_t staging;
	uint64_t lz4;			/* to tell codecs of dictionaries */
	uint64_t zstd;
};

/* Copy LEN bytes at ADDR of the process to TO; 0 or -errno. */
typedef int (*uzswap_core_read)(void *ctx, uint64_t addr, void *to, size_t len);

struct uzswap_image;

#define UZSWAP_IMAGE_PAGE	4096u

enum uzswap_image_kind {
	UZSWAP_IMAGE_END,	/* there is no other */
	UZSWAP_IMAGE_STORED,	/* its place holds nothing */
	UZSWAP_IMAGE_MOVING,	/* the same, unless it is back already */
	UZSWAP_IMAGE_LOST	/* it was away, and cannot be read */
};

/*
 * Look at the process behind ROOT.
 *
 * why	out, WHY_LEN bytes: if it fails, why, for people
 *
 * Returns  0
 *          -EBADMSG  no root, or one that this version does not know
 *          -ENOMEM
 *          what READ said
 * Threads  one image at a time in a process
 */
int uzswap_image_open(struct uzswap_image **image,
		      const struct uzswap_core *root, uzswap_core_read read,
		      void *ctx, char *why, size_t why_len);

/*
 * The next page that was away, by rising address.
 *
 * addr		out
 * page		out, UZSWAP_IMAGE_PAGE bytes: what it contains
 */
enum uzswap_image_kind uzswap_image_next(struct uzswap_image *image,
					 uint64_t *addr, void *page);

void uzswap_image_close(struct uzswap_image *image);

/* Parts of the tables that made no sense, so that pages may be missing. */
uint64_t uzswap_image_nr_damaged(const struct uzswap_image *image);

#endif
