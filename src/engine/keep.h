/* SPDX-License-Identifier: MIT */
/*
 * Pages that are here and still have their object.
 *
 *	HERE with KEPT    the word names the object
 *	LEAVING           the object waits beside the slot (tray->kept)
 *	PACKING           its packer has it in hand
 *
 * When such a page leaves again, the packer unpacks the object and compares:
 * if the page was not written, the object is what is to be stored.  That is
 * cheaper than packing, and takes no memory of the pool; which
 * matters most after a fork, when parent and child share the pool as long
 * as nobody changes it.
 *
 * The object costs memory while the page is here, so it is kept for pages
 * likely to leave soon, and after a fork (keep_wanted).  Whether the page was
 * written is not watched: comparing needs no write faults, and is exact.
 * A hash instead of the comparison would be faster, and wrong one day.
 *
 * Context: server, in a section, unless noted.
 */
#ifndef UZ_ENGINE_KEEP_H
#define UZ_ENGINE_KEEP_H

#include "base/types.h"
#include "space/page.h"
#include "store/store.h"

struct engine;
struct helper;

/*
 * Is the object of a page that was restored to be kept?  PASSING: it is
 * likely to leave soon.  Any context.
 */
bool keep_wanted(struct engine *e, bool passing);

/* Are there so many that pages in use are to lose theirs?  Any context. */
bool keep_sheds(struct engine *e);

/* The word of a page that is HERE and keeps REF. */
static inline uint64_t keep_word(uint64_t word, struct store_ref ref)
{
	return page_at(word, PAGE_HERE, ref.bits) | PAGE_KEPT;
}

/* The page of WORD, HERE, was changed or is going: so does its object. */
void keep_drop(struct engine *e, uint64_t word);

/* The object of WORD, HERE, goes along to SLOT; or the slot has none. */
void keep_to_slot(struct engine *e, uint64_t slot, uint64_t word);

/* Take the object from SLOT; false if there is none. */
bool keep_take(struct engine *e, uint64_t slot, struct store_ref *ref);

/* Take it and drop it. */
void keep_drop_slot(struct engine *e, uint64_t slot);

/* Its page has moved: tell the store.  Exclusive. */
void keep_set_owner(struct engine *e, uint64_t slot, uintptr_t addr);

/* Compaction moved an object from FROM to TO: is it the slot's? */
bool keep_object_moved(struct engine *e, uint64_t slot, struct store_ref from,
		struct store_ref to);

/* Is PAGE what REF holds?  Not in a section. */
bool keep_is_same(struct helper *h, struct store_ref ref, const void *page);

/* Drop what is kept in [START, END).  Exclusive. */
void keep_forget(struct engine *e, uintptr_t start, uintptr_t end);

#endif
