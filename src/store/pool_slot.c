/* SPDX-License-Identifier: MIT */
/*
 * Taking slots from slabs and giving them back.
 *
 * Slots come from the fullest slab that has one, so that the emptier ones
 * run empty by themselves; there, a slot that was used before is preferred
 * to a fresh one, whose page may have no RAM yet.  RAM is charged to the
 * pool page by page as fresh slots reach into untouched pages, so a slab
 * that is hardly used costs hardly anything.
 */
#include "store/pool_slot.h"

#include <string.h>

#include "base/log.h"

/* --- lists ---------------------------------------------------------------- */

static uint8_t list_of(const struct pool_class *c, const struct slab *s)
{
	return (uint8_t)(s->nr_used * POOL_FULL / c->shape.nr_slots);
}

/* Where the slab is listed. */
static uint32_t *head_of(struct pool_class *c, const struct slab *s,
			 uint8_t list)
{
	return pool_slab_is_sealed(c, s) ? &c->sealed[list] : &c->heads[list];
}

void pool_slab_file_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	uint8_t list = list_of(c, s);

	ASSERT(lock_is_held(&c->lock));
	if (s->list == list)
		return;
	if (s->list != POOL_UNLISTED)
		slab_unlink(&p->slabs, head_of(c, s, s->list), id);
	slab_link(&p->slabs, head_of(c, s, list), id);
	s->list = list;
}

void pool_slab_unfile_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);

	ASSERT(lock_is_held(&c->lock));
	slab_unlink(&p->slabs, head_of(c, s, s->list), id);
	s->list = POOL_UNLISTED;
}

void pool_slab_prepare(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	char *base = slab_addr(&p->slabs, s);
	size_t len = c->shape.slot_len;
	size_t end = s->nr_touched * PAGE_SIZE;

	slab_set_used(s, 0);
	s->nr_fresh = 0;
	s->free = POOL_NO_SLOT;
	slab_set_class(s, (unsigned)(c - p->class));
	s->list = POOL_UNLISTED;
	for (size_t i = 0; i < c->shape.nr_slots && i * len < end; i++) {
		struct pool_slot *slot = (void *)(base + i * len);

		atomic_store_explicit(&slot->header, 0, memory_order_relaxed);
	}
}

void pool_slab_add_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	slab_at(&p->slabs, id)->epoch = c->epoch;
	c->nr_slabs++;
	c->nr_touched += slab_at(&p->slabs, id)->nr_touched;
	pool_slab_file_locked(p, c, id);
}

void pool_slab_remove_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	ASSERT(lock_is_held(&c->lock));
	c->nr_slabs--;
	c->nr_touched -= slab_at(&p->slabs, id)->nr_touched;
}

/* --- slots ---------------------------------------------------------------- */

/* Account for RAM up to page NR of the slab; false: the cap forbids it. */
static bool touch(struct pool *p, struct pool_class *c, struct slab *s,
		  size_t nr)
{
	uint64_t max = atomic_load_explicit(&p->max, memory_order_relaxed);
	_Atomic uint64_t *used = &p->slabs.nr_used;
	uint64_t more = nr - s->nr_touched;
	uint64_t sum = more + atomic_fetch_add_explicit(used, more,
							memory_order_relaxed);

	if (max && sum * PAGE_SIZE > max) {
		atomic_fetch_sub_explicit(used, more, memory_order_relaxed);
		return false;
	}
	s->nr_touched = (uint8_t)nr;
	c->nr_touched += more;
	return true;
}

/* Pages that NR slots reach into. */
static size_t pages_of(const struct pool_class *c, size_t nr)
{
	return round_up(nr * c->shape.slot_len, PAGE_SIZE) / PAGE_SIZE;
}

static uint32_t fullest(const struct pool_class *c)
{
	for (unsigned i = POOL_FULL; i-- > 0;)
		if (c->heads[i])
			return c->heads[i];
	return 0;
}

static uint64_t header_at(const struct pool *p, struct pool_ref ref)
{
	/* relaxed: the lock orders it */
	return atomic_load_explicit(&pool_slot_at(p, ref)->header,
				    memory_order_relaxed);
}

/* The slot after a free one. */
static uint16_t next_free(const struct pool *p, struct pool_ref ref)
{
	return (uint16_t)pool_header_owner(header_at(p, ref));
}

/* The first of the slab's list of free slots, which is not empty. */
static struct pool_ref pop_free(struct pool *p, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	struct pool_ref ref = pool_ref_make(id, s->free);

	s->free = next_free(p, ref);
	return ref;
}

enum pool_take pool_slot_take_locked(struct pool *p, struct pool_class *c,
				     struct pool_ref *ref)
{
	uint32_t id = fullest(c);
	struct slab *s = slab_at(&p->slabs, id);
	size_t nr_pages;

	ASSERT(lock_is_held(&c->lock));
	if (!id)
		return POOL_NO_SLAB;
	if (s->free != POOL_NO_SLOT) {
		*ref = pop_free(p, id);
	} else {
		nr_pages = pages_of(c, s->nr_fresh + (size_t)1);
		if (nr_pages > s->nr_touched && !touch(p, c, s, nr_pages))
			return POOL_AT_CAP;
		*ref = pool_ref_make(id, s->nr_fresh++);
	}
	slab_set_used(s, s->nr_used + 1u);
	pool_slab_file_locked(p, c, id);
	return POOL_TAKEN;
}

bool pool_slot_free_locked(struct pool *p, struct pool_class *c,
			   struct pool_ref ref)
{
	uint32_t id = pool_ref_slab(ref);
	struct slab *s = slab_at(&p->slabs, id);
	struct pool_slot *slot = pool_slot_at(p, ref);

	ASSERT(lock_is_held(&c->lock));
	ASSERT(s->nr_used);
	/* relaxed: the lock orders it */
	atomic_store_explicit(&slot->header,
			      (uint64_t)s->free << POOL_OWNER_SHIFT,
			      memory_order_relaxed);
	s->free = (uint16_t)pool_ref_slot(ref);
	slab_set_used(s, s->nr_used - 1u);
	if (id == c->draining)
		return false;
	if (s->nr_used) {
		pool_slab_file_locked(p, c, id);
		return false;
	}
	pool_slab_unfile_locked(p, c, id);
	pool_slab_remove_locked(p, c, id);
	return true;
}

/* --- slots in order, for compaction --------------------------------------- */

/* A bit for each slot of a slab. */
struct slot_map {
	uint64_t bits[(1 << POOL_SLOT_BITS) / 64];
};

static bool map_has(const struct slot_map *m, unsigned slot)
{
	return m->bits[slot / 64] >> slot % 64 & 1;
}

/* The free slots of slab ID among those handed out before. */
static void map_free(struct slot_map *m, const struct pool *p, uint32_t id)
{
	unsigned at = slab_at(&p->slabs, id)->free;

	memset(m, 0, sizeof(*m));
	while (at != POOL_NO_SLOT) {
		m->bits[at / 64] |= (uint64_t)1 << at % 64;
		at = next_free(p, pool_ref_make(id, at));
	}
}

/* Link the free slots below END in rising order. */
static void relink_free(const struct slot_map *m, struct pool *p, uint32_t id,
			unsigned end)
{
	struct slab *s = slab_at(&p->slabs, id);

	s->free = POOL_NO_SLOT;
	while (end-- > 0) {
		struct pool_slot *slot = pool_slot_at(p,
						      pool_ref_make(id, end));

		if (!map_has(m, end))
			continue;
		atomic_store_explicit(&slot->header,
				      (uint64_t)s->free << POOL_OWNER_SHIFT,
				      memory_order_relaxed);
		s->free = (uint16_t)end;
	}
}

void pool_slab_sort_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slot_map m;

	(void)c;
	ASSERT(lock_is_held(&c->lock));
	map_free(&m, p, id);
	relink_free(&m, p, id, slab_at(&p->slabs, id)->nr_fresh);
}

bool pool_slot_take_below_locked(struct pool *p, struct pool_ref *ref,
				 struct pool_ref from)
{
	uint32_t id = pool_ref_slab(from);
	struct slab *s = slab_at(&p->slabs, id);

	if (s->free == POOL_NO_SLOT || s->free >= pool_ref_slot(from))
		return false;
	*ref = pop_free(p, id);
	slab_set_used(s, s->nr_used + 1u);
	return true;
}

unsigned pool_slab_shorten_locked(struct pool *p, struct pool_class *c,
				  uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	unsigned end = s->nr_fresh;
	struct slot_map m;
	size_t nr_pages;

	ASSERT(lock_is_held(&c->lock) && id == c->draining);
	map_free(&m, p, id);
	while (end > 0 && map_has(&m, end - 1))
		end--;
	relink_free(&m, p, id, end);
	s->nr_fresh = (uint16_t)end;
	nr_pages = pages_of(c, end);
	if (nr_pages < s->nr_touched) {
		c->nr_touched -= s->nr_touched - nr_pages;
		s->nr_touched = (uint8_t)nr_pages;
	}
	return (unsigned)nr_pages;
}

bool pool_slab_is_valid_locked(const struct pool *p,
			       const struct pool_class *c, uint32_t id)
{
	const struct slab *s = slab_at(&p->slabs, id);
	unsigned nr_free = 0;
	unsigned nr_live = 0;

	if (&p->class[s->class] != c || s->nr_pages < c->shape.nr_pages ||
	    s->nr_touched > s->nr_pages || s->nr_fresh > c->shape.nr_slots ||
	    s->nr_fresh * (size_t)c->shape.slot_len >
	    s->nr_touched * PAGE_SIZE)
		return false;
	if (s->list != (id == c->draining ? POOL_UNLISTED : list_of(c, s)))
		return false;
	for (unsigned at = s->free; at != POOL_NO_SLOT; nr_free++) {
		struct pool_ref ref = pool_ref_make(id, at);

		if (at >= s->nr_fresh || nr_free >= s->nr_fresh ||
		    pool_header_len(header_at(p, ref)))
			return false;
		at = next_free(p, ref);
	}
	for (unsigned at = 0; at < s->nr_fresh; at++)
		if (pool_header_len(header_at(p, pool_ref_make(id, at))))
			nr_live++;
	return s->nr_used + nr_free == s->nr_fresh && nr_live <= s->nr_used;
}
