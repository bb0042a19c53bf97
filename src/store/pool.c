/* SPDX-License-Identifier: MIT */
/*
 * Objects in and out.
 *
 *	pool_put   length -> class -> fullest slab with a slot -> fill it
 *	pool_find  ref -> slab, slot -> check it
 *	pool_drop  ref -> the slot is free; the slab too, if it was the last
 *
 * The lock of a class is held for a few dozen instructions each time: never
 * while bytes are copied, memory is touched for the first time, or the
 * kernel is called.  Two threads meet only when they work on objects of
 * nearly the same length.
 *
 * Finding takes no lock: the caller has claimed the object, so that its
 * slab stays what it is, and the ref came to it through an atomic (the page
 * word) after the object was complete.
 */
#include "store/pool.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "store/pool_slot.h"
#include "store/sum.h"

/* A pool that was full takes objects again below so many % of the cap. */
#define ACCEPT_PCT	97

/* What a put at the cap takes from warm slabs of other lengths: 0.1 ms. */
#define TRIM_PAGES	256

_Static_assert(POOL_OWNER_SHIFT + POOL_OWNER_BITS == 64, "header is full");
_Static_assert(POOL_MAX_LEN < 1 << POOL_LEN_BITS, "length fits in header");
_Static_assert(POOL_MAX_LEN + 8 <= POOL_SLOT_MAX, "largest object has a class");
_Static_assert(SLAB_ID_BITS + POOL_SLOT_BITS == POOL_REF_BITS, "ref is full");

int pool_start(struct pool *p, const struct pool_config *cfg)
{
	size_t len;

	memset(p, 0, sizeof(*p));
	p->cfg = *cfg;
	atomic_init(&p->max, cfg->max);
	pool_class_derive(&p->classes);
	len = p->classes.nr * sizeof(*p->class);
	p->class = arena_alloc(cfg->arena, len);
	if (!p->class)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->classes.nr; i++) {
		lock_init(&p->class[i].lock, LOCK_CLASS);
		p->class[i].shape = p->classes.shape[i];
	}
	if (pool_seal_init(p))
		return -ENOMEM;
	return slab_start(&p->slabs, cfg->arena, cfg->reserve_len);
}

void pool_set_max(struct pool *p, uint64_t max)
{
	atomic_store_explicit(&p->max, max, memory_order_relaxed);
}

bool pool_is_full(struct pool *p)
{
	uint64_t max = atomic_load_explicit(&p->max, memory_order_relaxed);
	uint64_t used;

	if (likely(!atomic_load_explicit(&p->full, memory_order_relaxed)))
		return false;
	used = atomic_load_explicit(&p->slabs.nr_used, memory_order_relaxed);
	if (max && used * PAGE_SIZE > max / 100 * ACCEPT_PCT)
		return true;
	atomic_store_explicit(&p->full, false, memory_order_relaxed);
	return false;
}

/* Written under the lock only: need not be read and written in one. */
static void add64(_Atomic uint64_t *sum, uint64_t n)
{
	atomic_store_explicit(sum, n + atomic_load_explicit(sum,
						memory_order_relaxed),
			      memory_order_relaxed);
}

static void add32(_Atomic uint32_t *sum, uint32_t n)
{
	atomic_store_explicit(sum, n + atomic_load_explicit(sum,
						memory_order_relaxed),
			      memory_order_relaxed);
}

void pool_count_locked(struct pool_class *c, bool more, size_t len,
		       unsigned codec)
{
	add32(&c->nr_by_codec[codec], more ? 1 : UINT32_MAX);
	add64(&c->packed_by_codec[codec], more ? len : 0 - (uint64_t)len);
}

static bool add_slab(struct pool *p, struct pool_class *c)
{
	uint32_t id = slab_take(&p->slabs, c->shape.nr_pages);

	if (!id)
		return false;
	pool_slab_prepare(p, c, id);
	lock_take(&c->lock);
	pool_slab_add_locked(p, c, id);
	lock_drop(&c->lock);
	return true;
}

/* RAM for this put; a worker gives back the rest. */
static void trim_some(struct pool *p)
{
	uint64_t nr = slab_nr_warm(&p->slabs);

	slab_trim(&p->slabs, nr > TRIM_PAGES ? nr - TRIM_PAGES : 0);
}

static int be_full(struct pool *p)
{
	atomic_store_explicit(&p->full, true, memory_order_relaxed);
	return -ENOSPC;
}

int pool_put(struct pool *p, struct pool_ref *ref, uint64_t owner,
	     unsigned codec, const void *buf, size_t len)
{
	bool trimmed = false;
	struct pool_class *c;
	struct pool_slot *slot;
	enum pool_take got;
	uint64_t sum;

	ref->bits = 0;
	ASSERT(len && len <= POOL_MAX_LEN && !(owner >> POOL_OWNER_BITS));
	if (pool_is_full(p))
		return -ENOSPC;
	c = &p->class[pool_class_of(&p->classes, sizeof(*slot) + len)];
	for (;;) {
		lock_take(&c->lock);
		got = pool_slot_take_locked(p, c, ref);
		if (got == POOL_TAKEN)
			pool_count_locked(c, true, len, codec);
		lock_drop(&c->lock);
		if (got == POOL_TAKEN)
			break;
		if (got == POOL_NO_SLAB && !add_slab(p, c))
			return -ENOSPC;
		if (got == POOL_AT_CAP) {
			if (trimmed)
				return be_full(p);
			trim_some(p);
			trimmed = true;
		}
	}
	slot = pool_slot_at(p, *ref);
	sum = sum_bytes(buf, len, codec);
	memcpy(slot->bytes, buf, len);
	memcpy(slot->bytes + len, &sum, pool_tail_len(c->shape.slot_len, len));
	/* release: pairs with the acquire of compaction */
	atomic_store_explicit(&slot->header,
			      owner << POOL_OWNER_SHIFT |
			      pool_sum_check(sum) << POOL_CHECK_SHIFT |
			      (uint64_t)codec << POOL_CODEC_SHIFT | len,
			      memory_order_release);
	return 0;
}

bool pool_ref_is_plausible(const struct pool *p, struct pool_ref ref)
{
	uint32_t id = pool_ref_slab(ref);

	return !(ref.bits >> POOL_REF_BITS) && id &&
	       id <= atomic_load_explicit(&p->slabs.nr,
					  memory_order_relaxed) &&
	       pool_ref_slot(ref) <
	       p->class[slab_class_now(slab_at(&p->slabs, id))].shape.nr_slots;
}

int pool_slot_read(const struct pool_slot *slot, size_t slot_len,
		   struct pool_object *out)
{
	uint64_t h = atomic_load_explicit(&slot->header, memory_order_acquire);
	uint64_t sum;

	out->len = pool_header_len(h);
	out->codec = pool_header_codec(h);
	out->buf = slot->bytes;
	if (!out->len || sizeof(*slot) + out->len > slot_len)
		return -EBADMSG;
	sum = sum_bytes(out->buf, out->len, out->codec);
	if (pool_sum_check(sum) != pool_header_check(h) ||
	    !pool_tail_is(slot->bytes + out->len,
			  pool_tail_len(slot_len, out->len), sum))
		return -EBADMSG;
	return 0;
}

int pool_find(const struct pool *p, struct pool_object *out,
	      struct pool_ref ref)
{
	*out = (struct pool_object){ 0 };
	if (!pool_ref_is_plausible(p, ref))
		return -EBADMSG;
	return pool_slot_read(pool_slot_at(p, ref),
			      pool_class_at(p, ref)->shape.slot_len, out);
}

bool pool_is_of(const struct pool *p, struct pool_ref ref, uint64_t owner)
{
	uint64_t h;

	if (!pool_ref_is_plausible(p, ref))
		return false;
	h = atomic_load_explicit(&pool_slot_at(p, ref)->header,
				 memory_order_acquire);
	return pool_header_len(h) && pool_header_owner(h) == owner;
}

unsigned pool_codec_of(const struct pool *p, struct pool_ref ref)
{
	if (!pool_ref_is_plausible(p, ref))
		return 0;
	/* relaxed: a hint */
	return pool_header_codec(atomic_load_explicit(
					&pool_slot_at(p, ref)->header,
					memory_order_relaxed));
}

void pool_drop(struct pool *p, struct pool_ref ref)
{
	struct pool_class *c = pool_class_at(p, ref);
	struct pool_slot *slot = pool_slot_at(p, ref);
	bool empty = false;
	uint64_t h;

	lock_take(&c->lock);
	/* relaxed: the caller has the object, so it is complete */
	h = atomic_load_explicit(&slot->header, memory_order_relaxed);
	if (unlikely(!pool_header_len(h)))
		die("pool: an object is dropped that does not exist");
	pool_count_locked(c, false, pool_header_len(h), pool_header_codec(h));
	if (c->moving == ref.bits)
		c->moving_dropped = true;	/* compaction frees the slot */
	else if (!pool_note_late_locked(p, c, ref))
		empty = pool_slot_free_locked(p, c, ref);
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, pool_ref_slab(ref));
}

void pool_set_owner(struct pool *p, struct pool_ref ref, uint64_t owner)
{
	struct pool_class *c = pool_class_at(p, ref);
	struct pool_slot *slot = pool_slot_at(p, ref);
	uint64_t h;

	ASSERT(!(owner >> POOL_OWNER_BITS));
	lock_take(&c->lock);
	h = atomic_load_explicit(&slot->header, memory_order_relaxed);
	h &= ((uint64_t)1 << POOL_OWNER_SHIFT) - 1;
	/* release: as in pool_put, for a reader that sees only this one */
	atomic_store_explicit(&slot->header, owner << POOL_OWNER_SHIFT | h,
			      memory_order_release);
	lock_drop(&c->lock);
}

static uint64_t get64(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void pool_class_usage(const struct pool *p, unsigned class,
		      struct pool_class_usage *out)
{
	const struct pool_class *c = &p->class[class];

	out->shape = c->shape;
	out->objects = pool_class_objects(c);
	out->packed = 0;
	for (unsigned i = 0; i < POOL_NR_CODECS; i++)
		out->packed += get64(&c->packed_by_codec[i]);
	out->slabs = atomic_load_explicit(&c->nr_slabs, memory_order_relaxed);
	out->used = get64(&c->nr_touched) * PAGE_SIZE;
}

void pool_usage(const struct pool *p, struct pool_usage *out)
{
	*out = (struct pool_usage){ 0 };
	for (uint32_t i = 0; i < p->classes.nr; i++) {
		const struct pool_class *c = &p->class[i];

		if (!pool_class_objects(c))
			continue;
		for (unsigned j = 0; j < POOL_NR_CODECS; j++) {
			out->nr_by_codec[j] +=
				atomic_load_explicit(&c->nr_by_codec[j],
						     memory_order_relaxed);
			out->packed_by_codec[j] +=
				get64(&c->packed_by_codec[j]);
		}
	}
	for (unsigned j = 0; j < POOL_NR_CODECS; j++) {
		out->objects += out->nr_by_codec[j];
		out->packed += out->packed_by_codec[j];
	}
	out->used = atomic_load_explicit(&p->slabs.nr_used,
					 memory_order_relaxed) * PAGE_SIZE;
	out->metadata = slab_table_len(&p->slabs) +
			round_up(p->classes.nr * sizeof(*p->class), PAGE_SIZE);
}

/* Sums over slabs of a class. */
struct tally {
	uint64_t nr_touched;
	uint64_t nr_used;
	uint32_t nr;
};

static bool tally_slab_locked(struct tally *t, const struct pool *p,
			      const struct pool_class *c, uint32_t id)
{
	const struct slab *s = slab_at(&p->slabs, id);

	t->nr_touched += s->nr_touched;
	t->nr_used += s->nr_used;
	t->nr++;
	return pool_slab_is_valid_locked(p, c, id);
}

static bool tally_lists_locked(struct tally *t, const struct pool *p,
			       const struct pool_class *c,
			       const uint32_t heads[POOL_NR_LISTS])
{
	for (unsigned list = 0; list < POOL_NR_LISTS; list++) {
		uint32_t prev = 0;

		for (uint32_t id = heads[list]; id;) {
			const struct slab *s = slab_at(&p->slabs, id);

			if (s->list != list || s->prev != prev ||
			    pool_slab_is_sealed(c, s) != (heads == c->sealed) ||
			    !tally_slab_locked(t, p, c, id))
				return false;
			prev = id;
			id = s->next;
		}
	}
	return true;
}

/* One class: its slabs, and that its sums are theirs. */
static bool class_is_valid_locked(const struct pool *p,
				  const struct pool_class *c)
{
	uint64_t nr_objects = pool_class_objects(c) + c->nr_late;
	struct tally t = { 0 };

	if (!tally_lists_locked(&t, p, c, c->heads) ||
	    !tally_lists_locked(&t, p, c, c->sealed) ||
	    (c->draining && !tally_slab_locked(&t, p, c, c->draining)))
		return false;
	/* an object being moved has two slots, or none counted if dropped */
	return t.nr == c->nr_slabs && t.nr_touched == c->nr_touched &&
	       t.nr_used >= nr_objects &&
	       t.nr_used <= nr_objects + (c->moving ? 2 : 0);
}

bool pool_is_valid(struct pool *p)
{
	for (uint32_t i = 0; i < p->classes.nr; i++) {
		struct pool_class *c = &p->class[i];
		bool ok;

		lock_take(&c->lock);
		ok = class_is_valid_locked(p, c);
		lock_drop(&c->lock);
		if (!ok)
			return false;
	}
	return true;
}

void pool_fork_child(struct pool *p)
{
	for (uint32_t i = 0; i < p->classes.nr; i++)
		lock_init(&p->class[i].lock, LOCK_CLASS);
	slab_fork_child(&p->slabs);
	atomic_store(&p->compacting, false);
}
