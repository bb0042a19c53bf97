/* SPDX-License-Identifier: MIT */
/*
 * A core with random tables: reading its pages ends, and touches nothing but
 * what it asked for.  The memory of the process is the input, over and over;
 * the root is right, for another one is refused at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_main.h"
#include "uzswap/core.h"
#include "watch/image.h"

#define READS	200	/* then the core ends, so that a round does */

const char *const fuzz_seeds[] = {
	"\1", "\0\0\0\0\0\0\1\0", "\3\0\0\0\0\0\0\20", "\10\0\0\0\0\0\0\0\4",
	NULL,
};

const char *const fuzz_words[] = {
	"\0\0\0\0\0\0\0\0", "\3", "\4", "\377\377\377\377\377\377\377\377",
	NULL,
};

struct memory {
	const uint8_t *data;
	size_t size;
	unsigned reads;
};

static int read_memory(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct memory *m = ctx;
	uint8_t *at = to;

	if (m->reads++ > READS)
		return -EFAULT;
	while (len) {
		size_t from = addr % m->size;
		size_t n = m->size - from < len ? m->size - from : len;

		memcpy(at, m->data + from, n);
		addr += n;
		at += n;
		len -= n;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { data, size, 0 };
	struct uzswap_core root = {
		.magic = UZSWAP_CORE_MAGIC,
		.version = UZSWAP_CORE_VERSION,
		.size = sizeof(root),
		.library_version = PACKAGE_VERSION,
		.pages = 4096, .store = 8192, .staging = 12288,
		.lz4 = 1, .zstd = 2,
	};
	unsigned char page[UZSWAP_IMAGE_PAGE];
	struct uzswap_image *image;
	uint64_t addr;
	char why[160];

	if (!size)
		return 0;
	image_sizes(root.sizes);
	root.torture = data[0] & 1;
	if (uzswap_image_open(&image, &root, read_memory, &m, why,
			      sizeof(why)))
		return 0;
	while (m.reads < READS && uzswap_image_next(image, &addr, page) !=
				  UZSWAP_IMAGE_END)
		if (addr % UZSWAP_IMAGE_PAGE || addr >> 47)
			abort();
	uzswap_image_close(image);
	return 0;
}
