/* SPDX-License-Identifier: MIT */
#include "watch/image.h"

#include <string.h>

#include "base/torture.h"
#include "engine/engine.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

void image_sizes(uint32_t *sizes)
{
	static const uint32_t all[UZSWAP_CORE_SIZES] = {
		sizeof(struct page_map), sizeof(struct chunk),
		sizeof(struct store), sizeof(struct slab),
		sizeof(struct pool), sizeof(struct dict),
		sizeof(struct staging), sizeof(struct tray),
	};

	memcpy(sizes, all, sizeof(all));
}

void image_fill_root(struct uzswap_core *root, const struct engine *e)
{
	*root = (struct uzswap_core){
		.version = UZSWAP_CORE_VERSION,
		.size = sizeof(*root),
		.library_version = PACKAGE_VERSION,
		.torture = atomic_load(&torture_seed),
		.pages = (uintptr_t)&e->pages,
		.store = (uintptr_t)&e->store,
		.staging = (uintptr_t)&e->staging,
		.lz4 = (uintptr_t)&codec_lz4,
		.zstd = (uintptr_t)&codec_zstd,
	};
	image_sizes(root->sizes);
	/* release: pairs with whoever finds the magic */
	atomic_store((_Atomic uint64_t *)&root->magic, UZSWAP_CORE_MAGIC);
}
