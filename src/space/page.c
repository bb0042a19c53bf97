/* SPDX-License-Identifier: MIT */
/*
 * The legal transitions, as a table; see page.h for who makes them.
 *
 *	to:        HERE LEAV PACK STOR ARRI DYIN
 *	HERE        x    x    x         x    x
 *	LEAVING     x    x    x         x    x
 *	PACKING     x    x    x    x    x    x
 *	STORED      x              x    x    x
 *	ARRIVING    x    x         x    x    x
 *	DYING       x                   x    x
 *
 * The diagonal is a change of flags or place.  HERE -> ARRIVING does not
 * exist for pages with content, but a fill claims its page that way.
 */
#include "space/page.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define TO(s)	(1u << PAGE_##s)

static const uint8_t legal[PAGE_NR_STATES] = {
	[PAGE_HERE] = TO(HERE) | TO(LEAVING) | TO(PACKING) | TO(ARRIVING) |
		      TO(DYING),
	[PAGE_LEAVING] = TO(HERE) | TO(LEAVING) | TO(PACKING) | TO(ARRIVING) |
			 TO(DYING),
	[PAGE_PACKING] = TO(HERE) | TO(LEAVING) | TO(PACKING) | TO(STORED) |
			 TO(ARRIVING) | TO(DYING),
	[PAGE_STORED] = TO(HERE) | TO(STORED) | TO(ARRIVING) | TO(DYING),
	[PAGE_ARRIVING] = TO(HERE) | TO(LEAVING) | TO(STORED) |
			  TO(ARRIVING) | TO(DYING),
	[PAGE_DYING] = TO(HERE) | TO(ARRIVING) | TO(DYING),
};

#define CHUNKS_AT_ONCE	64	/* chunks whose memory is taken together */

int page_init(struct page_map *m, struct arena *a)
{
	memset(m, 0, sizeof(*m));
	lock_init(&m->lock, LOCK_CHUNKS);
	m->arena = a;
	m->dir = arena_alloc(a, PAGE_DIR_SIZE * sizeof(*m->dir));
	return m->dir ? 0 : -ENOMEM;
}

static unsigned dir_high(uintptr_t addr)
{
	return (unsigned)(addr >> (CHUNK_SHIFT + PAGE_DIR_BITS)) &
	       (PAGE_DIR_SIZE - 1);
}

static unsigned dir_low(uintptr_t addr)
{
	return (unsigned)(addr >> CHUNK_SHIFT) & (PAGE_DIR_SIZE - 1);
}

static struct chunk *find_chunk(struct page_map *m, uintptr_t addr)
{
	/* acquire: pairs with the release in page_make */
	struct chunk *_Atomic *low;

	if (addr >> ADDR_BITS)
		return NULL;
	low = atomic_load_explicit(&m->dir[dir_high(addr)],
				   memory_order_acquire);
	if (!low)
		return NULL;
	return atomic_load_explicit(&low[dir_low(addr)],
				    memory_order_acquire);
}

page_word *page_find(struct page_map *m, uintptr_t addr)
{
	struct chunk *c = find_chunk(m, addr);

	return c ? &c->words[(addr - c->base) >> PAGE_SHIFT] : NULL;
}

static bool refill_locked(struct page_map *m)
{
	struct chunk *all = arena_alloc(m->arena,
					CHUNKS_AT_ONCE * sizeof(*all));
	char *words = arena_alloc(m->arena, CHUNKS_AT_ONCE * PAGE_SIZE);

	if (!all || !words)
		return false;
	for (size_t i = 0; i < CHUNKS_AT_ONCE; i++) {
		all[i].words = (page_word *)(void *)(words + i * PAGE_SIZE);
		all[i].next_free = m->free;
		m->free = &all[i];
	}
	return true;
}

static struct chunk *make_chunk_locked(struct page_map *m, uintptr_t addr)
{
	struct chunk *_Atomic *low = atomic_load(&m->dir[dir_high(addr)]);
	struct chunk *c;

	if (!low) {
		low = arena_alloc(m->arena, PAGE_DIR_SIZE * sizeof(*low));
		if (!low)
			return NULL;
		/* release: pairs with the acquire in find_chunk */
		atomic_store_explicit(&m->dir[dir_high(addr)], low,
				      memory_order_release);
	}
	if (!m->free && !refill_locked(m))
		return NULL;
	c = m->free;
	m->free = c->next_free;
	c->base = round_down(addr, CHUNK_SIZE);
	atomic_store_explicit(&low[dir_low(addr)], c, memory_order_release);
	atomic_fetch_add(&m->nr_chunks, 1);
	return c;
}

page_word *page_make(struct page_map *m, uintptr_t addr)
{
	struct chunk *c = find_chunk(m, addr);

	if (!c && !(addr >> ADDR_BITS)) {
		lock_take(&m->lock);
		c = find_chunk(m, addr);
		if (!c)
			c = make_chunk_locked(m, addr);
		lock_drop(&m->lock);
	}
	return c ? &c->words[(addr - c->base) >> PAGE_SHIFT] : NULL;
}

struct chunk *page_next_chunk(struct page_map *m, uintptr_t addr,
			      uintptr_t end)
{
	const uintptr_t span = CHUNK_SIZE << PAGE_DIR_BITS;

	if (end > (uintptr_t)1 << ADDR_BITS)
		end = (uintptr_t)1 << ADDR_BITS;
	addr = round_down(addr, CHUNK_SIZE);
	while (addr < end) {
		struct chunk *c;

		if (!atomic_load(&m->dir[dir_high(addr)])) {
			addr = round_down(addr, span) + span;
			continue;
		}
		c = find_chunk(m, addr);
		if (c)
			return c;
		addr += CHUNK_SIZE;
	}
	return NULL;
}

static void recount(struct page_map *m, uint64_t old, uint64_t new)
{
	enum page_state from = page_state(old);
	enum page_state to = page_state(new);

	if (from != to) {
		if (from != PAGE_HERE)
			atomic_fetch_sub_explicit(&m->totals.in[from], 1,
						  memory_order_relaxed);
		if (to != PAGE_HERE)
			atomic_fetch_add_explicit(&m->totals.in[to], 1,
						  memory_order_relaxed);
	}
	if (unlikely(page_has_object(old) != page_has_object(new)))
		atomic_fetch_add_explicit(&m->totals.kept,
					  page_has_object(new) ? 1 : -1,
					  memory_order_relaxed);
	if ((old ^ new) & PAGE_REFUSED)
		atomic_fetch_add_explicit(&m->totals.refused,
					  new & PAGE_REFUSED ? 1 : -1,
					  memory_order_relaxed);
}

bool page_shift(struct page_map *m, page_word *w, uint64_t *old,
		uint64_t new)
{
	uint64_t was = *old;

	if (unlikely(!(legal[page_state(was)] & (1u << page_state(new)))))
		die("page: illegal change of state");
	if (!atomic_compare_exchange_strong(w, old, new))
		return false;
	recount(m, was, new);
	return true;
}

void page_set(struct page_map *m, page_word *w, uint64_t new)
{
	recount(m, atomic_exchange(w, new), new);
}

void page_free_chunk(struct page_map *m, struct chunk *c)
{
	struct chunk *_Atomic *low = atomic_load(&m->dir[dir_high(c->base)]);

	lock_take(&m->lock);
	atomic_store(&low[dir_low(c->base)], NULL);
	c->next_free = m->free;
	m->free = c;
	atomic_fetch_sub(&m->nr_chunks, 1);
	lock_drop(&m->lock);
}

void page_fork_child(struct page_map *m)
{
	lock_init(&m->lock, LOCK_CHUNKS);
}
