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

/* 2^64 divided by the golden ratio, odd: spreads bits upwards. */
#define CHECK_MIX	0x9e3779b97f4a7c15ull

unsigned pool_check(const void *buf, size_t len, unsigned codec)
{
	const unsigned char *p = buf;
	uint64_t a[4] = { len, codec, 0, 0 };
	uint64_t b[4] = { 0 };
	uint64_t w[4] = { 0 };
	uint64_t sum = 0;

	/* Fletcher's sums in four lanes: sees order, keeps up with memory */
	for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
		memcpy(w, p, sizeof(w));
		for (int i = 0; i < 4; i++) {
			a[i] += w[i];
			b[i] += a[i];
		}
	}
	memset(w, 0, sizeof(w));
	memcpy(w, p, len);
	for (int i = 0; i < 4; i++) {
		a[i] += w[i];
		b[i] += a[i];
		sum = (sum ^ a[i]) * CHECK_MIX;
		sum = (sum ^ sum >> 32 ^ b[i]) * CHECK_MIX;
	}
	return (unsigned)(sum >> (64 - POOL_CHECK_BITS));
}

/* --- lists ---------------------------------------------------------------- */

static uint8_t list_of(const struct pool_class *c, const struct slab *s)
{
	return (uint8_t)(s->nr_used * POOL_FULL / c->shape.nr_slots);
}

void pool_slab_file_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	uint8_t list = list_of(c, s);

	ASSERT(lock_is_held(&c->lock));
	if (s->list == list)
		return;
	if (s->list != POOL_UNLISTED)
		slab_unlink(&p->slabs, &c->heads[s->list], id);
	slab_link(&p->slabs, &c->heads[list], id);
	s->list = list;
}

void pool_slab_unfile_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);

	ASSERT(lock_is_held(&c->lock));
	slab_unlink(&p->slabs, &c->heads[s->list], id);
	s->list = POOL_UNLISTED;
}

void pool_slab_prepare(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	char *base = slab_addr(&p->slabs, s);
	size_t len = c->shape.slot_len;
	size_t end = s->nr_touched * PAGE_SIZE;

	s->nr_used = 0;
	s->nr_fresh = 0;
	s->free = POOL_NO_SLOT;
	s->class = (uint8_t)(c - p->class);
	s->list = POOL_UNLISTED;
	for (size_t i = 0; i < c->shape.nr_slots && i * len < end; i++) {
		struct pool_slot *slot = (void *)(base + i * len);

		atomic_store_explicit(&slot->header, 0, memory_order_relaxed);
	}
}

void pool_slab_add_locked(struct pool *p, struct pool_class *c, uint32_t id)
{
	c->nr_slabs++;
	pool_slab_file_locked(p, c, id);
}

/* --- slots ---------------------------------------------------------------- */

/* Account for RAM up to page NR of the slab; false: the cap forbids it. */
static bool touch(struct pool *p, struct slab *s, size_t nr)
{
	_Atomic uint64_t *used = &p->slabs.nr_used;
	uint64_t more = nr - s->nr_touched;
	uint64_t sum = more + atomic_fetch_add_explicit(used, more,
							memory_order_relaxed);

	if (p->cfg.max && sum * PAGE_SIZE > p->cfg.max) {
		atomic_fetch_sub_explicit(used, more, memory_order_relaxed);
		atomic_store_explicit(&p->full, true, memory_order_relaxed);
		return false;
	}
	s->nr_touched = (uint8_t)nr;
	return true;
}

static uint32_t fullest(const struct pool_class *c)
{
	for (unsigned i = POOL_FULL; i-- > 0;)
		if (c->heads[i])
			return c->heads[i];
	return 0;
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
		struct pool_slot *slot;

		*ref = pool_ref_make(id, s->free);
		slot = pool_slot_at(p, *ref);
		/* relaxed: the lock orders it */
		s->free = (uint16_t)pool_header_owner(atomic_load_explicit(
			&slot->header, memory_order_relaxed));
	} else {
		*ref = pool_ref_make(id, s->nr_fresh);
		nr_pages = (s->nr_fresh + (size_t)1) * c->shape.slot_len;
		nr_pages = round_up(nr_pages, PAGE_SIZE) / PAGE_SIZE;
		if (nr_pages > s->nr_touched && !touch(p, s, nr_pages))
			return POOL_AT_CAP;
		s->nr_fresh++;
	}
	s->nr_used++;
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
	s->nr_used--;
	if (id == c->draining)
		return false;
	if (s->nr_used) {
		pool_slab_file_locked(p, c, id);
		return false;
	}
	pool_slab_unfile_locked(p, c, id);
	c->nr_slabs--;
	return true;
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
		uint64_t h;

		if (at >= s->nr_fresh || nr_free >= s->nr_fresh)
			return false;
		h = atomic_load(&pool_slot_at(p, pool_ref_make(id, at))->header);
		if (pool_header_len(h))
			return false;
		at = (uint16_t)pool_header_owner(h);
	}
	for (unsigned at = 0; at < s->nr_fresh; at++) {
		uint64_t h;

		h = atomic_load(&pool_slot_at(p, pool_ref_make(id, at))->header);
		nr_live += pool_header_len(h) != 0;
	}
	return s->nr_used + nr_free == s->nr_fresh && nr_live <= s->nr_used;
}
