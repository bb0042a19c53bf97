/* SPDX-License-Identifier: MIT */
/*
 * An entry beside a slot is the ref and a mark, as a ref may be zero.
 */
#include "engine/keep.h"

#include <string.h>

#include "base/count.h"
#include "base/log.h"
#include "engine/engine.h"

#define ENTRY(ref)	((ref).bits << 1 | 1)

bool keep_wanted(struct engine *e, bool passing)
{
	/* while shared, dropping it would free nothing */
	if (atomic_load(&e->fork.shares))
		return true;
	return passing && page_kept(&e->pages) < e->cold.tick_len;
}

bool keep_sheds(struct engine *e)
{
	/* all that came back while memory was shared has one */
	return !atomic_load(&e->fork.shares) &&
	       page_kept(&e->pages) > 2 * (int64_t)e->cold.tick_len;
}

void keep_drop(struct engine *e, uint64_t word)
{
	struct store_ref ref = { page_where(word) };

	if (page_has_object(word))
		store_drop(&e->store, ref);
}

static _Atomic uint64_t *beside(struct engine *e, uint64_t slot)
{
	return &e->staging.trays[slot / TRAY_SLOTS].kept[slot % TRAY_SLOTS];
}

void keep_to_slot(struct engine *e, uint64_t slot, uint64_t word)
{
	struct store_ref ref = { page_where(word) };

	atomic_store(beside(e, slot), page_has_object(word) ? ENTRY(ref) : 0);
}

bool keep_take(struct engine *e, uint64_t slot, struct store_ref *ref)
{
	uint64_t entry = 0;

	/* mostly there is none: do not write to a line others read */
	if (atomic_load(beside(e, slot)))
		entry = atomic_exchange(beside(e, slot), 0);
	ref->bits = entry >> 1;
	return entry != 0;
}

void keep_drop_slot(struct engine *e, uint64_t slot)
{
	struct store_ref ref;

	if (keep_take(e, slot, &ref))
		store_drop(&e->store, ref);
}

void keep_set_owner(struct engine *e, uint64_t slot, uintptr_t addr)
{
	uint64_t entry = atomic_load(beside(e, slot));
	struct store_ref ref = { entry >> 1 };

	if (entry)
		store_set_owner(&e->store, ref, addr >> PAGE_SHIFT);
}

bool keep_object_moved(struct engine *e, uint64_t slot, struct store_ref from,
		struct store_ref to)
{
	uint64_t entry = ENTRY(from);

	return atomic_compare_exchange_strong(beside(e, slot), &entry,
					      ENTRY(to));
}

bool keep_is_same(struct helper *h, struct store_ref ref, const void *page)
{
	if (store_load(&h->engine->store, h->codec, ref, h->bounce)) {
		count_one(UZSWAP_COUNT_damaged);
		die("store: a stored page does not unpack");
	}
	return !memcmp(h->bounce, page, PAGE_SIZE);
}

void keep_forget(struct engine *e, uintptr_t start, uintptr_t end)
{
	uintptr_t at = start;
	struct chunk *c;

	while ((c = page_next_chunk(&e->pages, at, end))) {
		at = c->base + CHUNK_SIZE;
		for (size_t i = 0; i < CHUNK_PAGES; i++) {
			uint64_t word = atomic_load(&c->words[i]);
			uintptr_t addr = c->base + i * PAGE_SIZE;

			if (addr < start || addr >= end ||
			    !page_has_object(word))
				continue;
			keep_drop(e, word);
			page_set(&e->pages, &c->words[i],
				 page_at(word, PAGE_HERE, 0));
		}
	}
}
