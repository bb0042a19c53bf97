/* SPDX-License-Identifier: MIT */
/*
 * Ranges can be terabytes, chunks with words are few: walk the chunks.
 *
 * A page without a word may still be present, and after REMOVE it must not
 * leave before it was dropped; such pages get a word now.  The page tables
 * say which they are.
 */
#include "engine/event.h"

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/evict_remap.h"
#include "engine/keep.h"

#define LOOK_RUNS	32

/*
 * A packer was to wake who waits for the page at ADDR, and won't find it any
 * more: whoever it is shall ask again, or see that there is nothing.
 */
static void wake_waiter(struct engine *e, uint64_t word, uintptr_t addr)
{
	if (page_state(word) == PAGE_PACKING && (word & PAGE_WANTED))
		uffd_wake(&e->main, addr, PAGE_SIZE);
}

/* Forget what the word stands for, wherever it is. */
static void drop_content(struct engine *e, uint64_t word)
{
	struct store_ref ref = { page_where(word) };

	switch (page_state(word)) {
	case PAGE_LEAVING:
	case PAGE_PACKING:
		atomic_store(staging_owner(&e->staging, page_where(word)), 0);
		keep_drop_slot(e, page_where(word));
		count_one(UZSWAP_COUNT_leave_dropped);
		break;
	case PAGE_STORED:
		store_drop(&e->store, ref);
		count_one(UZSWAP_COUNT_dropped);
		break;
	case PAGE_HERE:
		keep_drop(e, word);
		break;
	case PAGE_DYING:
	case PAGE_ARRIVING:
		break;
	}
}

static void forget_words(struct engine *e, struct chunk *c, uintptr_t start,
			 uintptr_t end)
{
	size_t first = start > c->base ? (start - c->base) / PAGE_SIZE : 0;
	size_t last = min_size((end - c->base) / PAGE_SIZE, CHUNK_PAGES);

	for (size_t i = first; i < last; i++) {
		uint64_t word = atomic_load(&c->words[i]);

		drop_content(e, word);
		page_set(&e->pages, &c->words[i], 0);
		wake_waiter(e, word, c->base + i * PAGE_SIZE);
	}
	if (first == 0 && last == CHUNK_PAGES)
		page_free_chunk(&e->pages, c);
}

static void apply_unmap(struct engine *e, uintptr_t start, uintptr_t end)
{
	uintptr_t at = start;
	struct chunk *c;

	evict_remap_disturb(e, start, end);
	while ((c = page_next_chunk(&e->pages, at, end))) {
		at = c->base + CHUNK_SIZE;
		forget_words(e, c, start, end);
	}
	region_cut(&e->regions, start, end);
	count_one(UZSWAP_COUNT_events_unmap);
}

/*
 * The words at ADDR, without which an event cannot be told to others.  The
 * program waits for it meanwhile, and memory can be short for a moment.
 */
static page_word *make_word(struct engine *e, uintptr_t addr)
{
	for (unsigned i = 0; i < INSIST_MOST; i++) {
		page_word *w = page_make(&e->pages, addr);

		if (w)
			return w;
		sys_nanosleep(INSIST_NS);
	}
	die("event: no memory for page words");
}

/*
 * Give words to the pages that are present, so that they can be DYING; to all
 * that may be, where the kernel does not say for the moment.
 */
static void make_words(struct helper *h, uintptr_t start, uintptr_t end)
{
	struct page_run runs[LOOK_RUNS];
	uintptr_t next;

	while (start < end) {
		long nr = pagemap_present(&h->pagemap, &next, start, end,
					  runs, LOOK_RUNS);

		if (nr < 0) {
			next = round_down(start, CHUNK_SIZE) + CHUNK_SIZE;
			runs[0] = (struct page_run){
				.start = start, .end = min_size(next, end),
			};
			nr = 1;
		}
		for (long i = 0; i < nr; i++) {
			uintptr_t at = round_down(runs[i].start, CHUNK_SIZE);

			for (; at < runs[i].end; at += CHUNK_SIZE)
				make_word(h->engine, at);
		}
		start = next > start ? next : end;
	}
}

static void apply_remove(struct helper *h, uintptr_t start, uintptr_t end)
{
	struct engine *e = h->engine;
	uintptr_t at = start;
	struct chunk *c;

	make_words(h, start, end);
	while ((c = page_next_chunk(&e->pages, at, end))) {
		size_t first = start > c->base
			? (start - c->base) / PAGE_SIZE : 0;
		size_t last = min_size((end - c->base) / PAGE_SIZE,
				       CHUNK_PAGES);

		at = c->base + CHUNK_SIZE;
		for (size_t i = first; i < last; i++) {
			uint64_t word = atomic_load(&c->words[i]);

			drop_content(e, word);
			page_set(&e->pages, &c->words[i], PAGE_DYING);
			wake_waiter(e, word, c->base + i * PAGE_SIZE);
		}
	}
	count_one(UZSWAP_COUNT_events_remove);
}

/* The page of word W is no longer at FROM, but at ADDR. */
static void move_word(struct engine *e, page_word *w, uintptr_t from,
		      uintptr_t addr)
{
	uint64_t word = atomic_load(w);
	struct store_ref ref = { page_where(word) };
	page_word *to;

	if (!word)
		return;
	to = make_word(e, addr);
	if (page_state(word) == PAGE_STORED || page_has_object(word)) {
		store_set_owner(&e->store, ref, addr >> PAGE_SHIFT);
	} else if (page_state(word) == PAGE_LEAVING ||
		   page_state(word) == PAGE_PACKING) {
		atomic_store(staging_owner(&e->staging, page_where(word)),
			     addr);
		keep_set_owner(e, page_where(word), addr);
	}
	page_set(&e->pages, to, word);
	page_set(&e->pages, w, 0);
	wake_waiter(e, word, from);
}

static void apply_remap(struct engine *e, uintptr_t from, uintptr_t to,
			size_t len)
{
	uintptr_t end = from + len;
	uintptr_t at = from;
	struct chunk *c;

	evict_remap_disturb(e, from, end);
	evict_remap_disturb(e, to, to + len);
	/* the kernel has unmapped what was at TO; its event came first */
	while ((c = page_next_chunk(&e->pages, at, end))) {
		size_t first = from > c->base ? (from - c->base) / PAGE_SIZE
					      : 0;
		size_t last = min_size((end - c->base) / PAGE_SIZE,
				       CHUNK_PAGES);

		at = c->base + CHUNK_SIZE;
		for (size_t i = first; i < last; i++)
			move_word(e, &c->words[i], c->base + i * PAGE_SIZE,
				  c->base + i * PAGE_SIZE - from + to);
	}
	region_cut(&e->regions, from, end);
	if (region_add(&e->regions, to, to + len))
		engine_ring(e);
	count_one(UZSWAP_COUNT_events_remap);
}

void event_apply(struct helper *h, const struct uffd_event *ev)
{
	struct engine *e = h->engine;

	/* dropping dead memory in place raises events of our own */
	if (arena_owns(&e->arena, ev->addr))
		return;
	switch (ev->kind) {
	case UFFD_REMOVE:
		apply_remove(h, ev->addr, ev->addr + ev->len);
		break;
	case UFFD_UNMAP:
		apply_unmap(e, ev->addr, ev->addr + ev->len);
		break;
	case UFFD_REMAP:
		apply_remap(e, ev->addr, ev->to, ev->len);
		break;
	case UFFD_FAULT:
	case UFFD_OTHER:
		break;
	}
}
