/* SPDX-License-Identifier: MIT */
/*
 * Reading the pages of a process that has ended: see uzswap/core.h.  Not part
 * of libuzswap; zctl and tests link it.
 *
 *	page_map.dir -> table -> chunk -> words -> ref -> slab -> slot -> page
 *	                                        -> staging slot -> page
 *
 * Each arrow is an address or a number from the core, read through read_at().
 * The structures on the way are copied and never followed in place.
 */
#include "watch/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/torture.h"
#include "engine/staging.h"
#include "space/page.h"
#include "store/pool_slot.h"
#include "store/store_ref.h"

#define ARENA_LEN	(256 * MIB)

struct uzswap_image {
	uzswap_core_read read;
	void *ctx;
	struct page_map pages;		/* copies; their pointers are there */
	struct store store;
	struct staging staging;
	struct dict_set dicts;		/* made anew, here */
	struct arena arena;
	struct codec *codec;
	uint64_t at;			/* address of the next page */
	uint64_t highs[PAGE_DIR_SIZE];	/* addresses of tables */
	uint64_t lows[PAGE_DIR_SIZE];	/* addresses of chunks, around AT */
	uint64_t words[CHUNK_PAGES];	/* around AT */
	uint64_t nr_damaged;
};

_Static_assert(UZSWAP_IMAGE_PAGE == PAGE_SIZE, "one size of page");

static int read_at(const struct uzswap_image *im, uint64_t addr, void *to,
		   size_t len)
{
	return addr && addr + len > addr ? im->read(im->ctx, addr, to, len)
					 : -EFAULT;
}

/* --- opening -------------------------------------------------------------- */

static int fail(char *why, size_t why_len, int err, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return err;
}

static int check_root(const struct uzswap_core *root, char *why, size_t why_len)
{
	uint32_t sizes[UZSWAP_CORE_SIZES];

	image_sizes(sizes);
	if (root->magic != UZSWAP_CORE_MAGIC)
		return fail(why, why_len, -EBADMSG, "uzswap was not active, "
			    "or too old to leave anything");
	if (root->version == UZSWAP_CORE_VERSION &&
	    root->size == sizeof(*root) &&
	    !memcmp(root->sizes, sizes, sizeof(sizes)) &&
	    !strncmp(root->library_version, PACKAGE_VERSION,
		     sizeof(root->library_version)))
		return 0;
	snprintf(why, why_len, "written by uzswap %.31s, this is "
		 PACKAGE_VERSION, root->library_version);
	return -EBADMSG;
}

/* Its content is there, what codecs made of it is made anew. */
static int take_dict(struct uzswap_image *im, unsigned i,
		     const struct uzswap_core *root)
{
	const struct dict *there = &im->store.dicts.dict[i];
	struct dict *d = &im->dicts.dict[i];
	uint64_t ops = (uintptr_t)there->ops;
	int ret;

	if (!atomic_load(&there->ready) || there->len > DICT_LARGE ||
	    (ops != root->lz4 && ops != root->zstd))
		return 0;
	ret = dict_prepare(&im->dicts, i, &im->arena,
			   ops == root->lz4 ? &codec_lz4 : &codec_zstd,
			   there->level);
	if (ret || read_at(im, (uintptr_t)there->content, d->content,
			   there->len))
		return ret;
	d->len = there->len;
	if (d->ops->digest(d))
		atomic_store(&d->ready, true);
	return 0;
}

static int take_all(struct uzswap_image *im, const struct uzswap_core *root)
{
	int ret = read_at(im, root->pages, &im->pages, sizeof(im->pages));

	if (!ret)
		ret = read_at(im, root->store, &im->store, sizeof(im->store));
	if (!ret)
		ret = read_at(im, root->staging, &im->staging,
			      sizeof(im->staging));
	if (!ret)
		ret = read_at(im, (uintptr_t)im->pages.dir, im->highs,
			      sizeof(im->highs));
	if (!ret)
		ret = arena_start(&im->arena, ARENA_LEN);
	for (unsigned i = 0; i < DICT_NR && !ret; i++)
		ret = take_dict(im, i, root);
	if (!ret && !(im->codec = codec_new(&im->arena, &im->dicts)))
		ret = -ENOMEM;
	return ret;
}

int uzswap_image_open(struct uzswap_image **image,
		      const struct uzswap_core *root, uzswap_core_read read,
		      void *ctx, char *why, size_t why_len)
{
	struct uzswap_image *im;
	int ret = check_root(root, why, why_len);

	if (ret)
		return ret;
	im = calloc(1, sizeof(*im));
	if (!im)
		return fail(why, why_len, -ENOMEM, "out of memory");
	im->read = read;
	im->ctx = ctx;
	torture_start(root->torture);	/* objects have a sum of the page */
	ret = take_all(im, root);
	if (ret) {
		uzswap_image_close(im);
		return fail(why, why_len, ret, "the tables of uzswap are not "
			    "in it");
	}
	*image = im;
	return 0;
}

void uzswap_image_close(struct uzswap_image *im)
{
	if (im && im->arena.base)
		munmap((void *)(im->arena.base - PAGE_SIZE),
		       im->arena.end - im->arena.base + 2 * PAGE_SIZE);
	free(im);
}

/* --- from page to page ---------------------------------------------------- */

/* The words of the chunk at AT; false: there are none, AT is behind it. */
static bool load_chunk(struct uzswap_image *im)
{
	const uint64_t span = (uint64_t)CHUNK_SIZE << PAGE_DIR_BITS;
	uint64_t table = im->highs[im->at / span];
	struct chunk c;
	uint64_t at;

	if (im->at % span == 0 &&
	    (!table || read_at(im, table, im->lows, sizeof(im->lows)))) {
		im->nr_damaged += table != 0;
		im->at += span;
		return false;
	}
	at = im->lows[im->at % span / CHUNK_SIZE];
	if (at && !read_at(im, at, &c, sizeof(c)) && c.base == im->at &&
	    !read_at(im, (uintptr_t)c.words, im->words, sizeof(im->words)))
		return true;
	im->nr_damaged += at != 0;
	im->at += CHUNK_SIZE;
	return false;
}

/* The object REF of the pool, unpacked. */
static bool load_object(const struct uzswap_image *im, struct pool_ref ref,
			void *page)
{
	const struct pool *pool = &im->store.pool;
	uint64_t buf[POOL_SLOT_MAX / sizeof(uint64_t)];
	const struct pool_shape *shape;
	struct pool_object o;
	struct slab slab;
	uint64_t at;

	if (read_at(im, (uintptr_t)slab_at(&pool->slabs, pool_ref_slab(ref)),
		    &slab, sizeof(slab)) || slab.class >= POOL_NR_CLASSES)
		return false;
	shape = &pool->classes.shape[slab.class];
	at = (uintptr_t)slab_addr(&pool->slabs, &slab) +
	     (uint64_t)pool_ref_slot(ref) * shape->slot_len;
	return pool_ref_slot(ref) < shape->nr_slots &&
	       shape->slot_len >= POOL_SLOT_MIN &&
	       shape->slot_len <= POOL_SLOT_MAX &&
	       !read_at(im, at, buf, shape->slot_len) &&
	       !pool_slot_read((void *)buf, shape->slot_len, &o) &&
	       !codec_unpack(im->codec, page, (enum codec_id)o.codec, o.buf,
			     o.len);
}

static bool load_ref(struct uzswap_image *im, uint64_t where, void *page)
{
	struct store_ref ref = { where };
	uint64_t word;

	switch (store_tag_of(ref)) {
	case TAG_JOINT:
		return !read_at(im, (uintptr_t)&im->store.joint.entries[
					store_entry_of(ref)], &word,
				sizeof(word)) &&
		       load_object(im, joint_word_object(word), page);
	case TAG_POOL:
		return load_object(im, store_pool_ref(ref), page);
	default:
		return !store_load(&im->store, im->codec, ref, page);
	}
}

/* The page at ADDR, if it waits in staging slot SLOT. */
static bool load_slot(const struct uzswap_image *im, uint64_t slot,
		      uint64_t addr, void *page)
{
	uint64_t tray = (uintptr_t)im->staging.trays +
			slot / TRAY_SLOTS * sizeof(struct tray);
	uint64_t owner;

	return slot < staging_len(&im->staging) / PAGE_SIZE &&
	       !read_at(im, tray + offsetof(struct tray, owner) +
			slot % TRAY_SLOTS * sizeof(owner), &owner,
			sizeof(owner)) &&
	       owner == addr &&
	       !read_at(im, staging_addr(&im->staging, slot), page, PAGE_SIZE);
}

static enum uzswap_image_kind load_page(struct uzswap_image *im, uint64_t addr,
					uint64_t word, void *page)
{
	uint64_t where = page_where(word);

	if (page_state(word) == PAGE_STORED)
		return load_ref(im, where, page) ? UZSWAP_IMAGE_STORED
						 : UZSWAP_IMAGE_LOST;
	if (load_slot(im, where, addr, page) ||
	    (page_state(word) == PAGE_ARRIVING && load_ref(im, where, page)))
		return UZSWAP_IMAGE_MOVING;
	/* of the others, those that are in place */
	memset(page, 0, PAGE_SIZE);
	return UZSWAP_IMAGE_MOVING;
}

enum uzswap_image_kind uzswap_image_next(struct uzswap_image *im,
					 uint64_t *addr, void *page)
{
	while (im->at >> ADDR_BITS == 0) {
		uint64_t word;

		if (im->at % CHUNK_SIZE == 0 && !load_chunk(im))
			continue;
		word = im->words[im->at % CHUNK_SIZE / PAGE_SIZE];
		*addr = im->at;
		im->at += PAGE_SIZE;
		if (page_is_away(word))
			return load_page(im, *addr, word, page);
	}
	return UZSWAP_IMAGE_END;
}

uint64_t uzswap_image_nr_damaged(const struct uzswap_image *im)
{
	return im->nr_damaged;
}
