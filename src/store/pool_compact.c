/* SPDX-License-Identifier: MIT */
/*
 * Compaction: empty the emptiest slabs into the fullest.
 *
 * A class that has a whole slab's worth of free slots and a little more
 * loses its emptiest slab (drain).  A class that has less than that, but
 * much for what is in it, has its emptiest slab drained as far as there is
 * room elsewhere, the rest slid to its lower end, and the pages above given
 * back (squeeze).
 *
 * The slab is taken off the lists ("draining"), so that nobody puts anything
 * into it, and its objects move one by one:
 *
 *	lock     read the header; take another slot; note MOVING
 *	unlock   copy
 *	         moved(owner, from, to) says who is the object now
 *	lock     free the loser; forget MOVING
 *
 * What can happen to the object meanwhile:
 *
 *  - It is claimed and loaded.  Both only read.  moved() says no, or, before
 *    the claim, yes: then the claimer has found TO in the page word.
 *  - It is dropped as FROM.  The slot of a MOVING object is not freed but
 *    marked, so that it can't be taken again before moved() is through:
 *    else the same page might be stored there anew, and moved() would take
 *    that for the object that was copied.  The copy reads old bytes, and
 *    moved() says no.
 *  - moved() says yes and it is dropped as TO before the last step.  TO is
 *    an object like any other by then; the last step only touches FROM.
 *  - Its owner changes.  The copy has the old owner, who does not have FROM
 *    any more: moved() says no.
 *  - It is not yet in its page word, as the put has just ended: moved() says
 *    no.  The slab goes back to the lists and is looked at again later.
 *
 * The lock is never held while bytes are copied or pages given back.
 */
#include "store/pool.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "store/pool_slot.h"

/*
 * Free slots that a class may have, beyond one slab's: a 1/SLACK_PART of its
 * objects.  Half of it would move 1.25 times as many objects for 0.2 % less
 * RAM (tests/bench/bench_pack.c).
 */
#define SLACK_PART	128

/*
 * A class is squeezed when the RAM it does not need is a 1/LOOSE_PART of
 * what it needs, and a page.  Less would give pages back only to touch them
 * again: here a random free and store costs 0.1 us of compaction, with twice
 * as many 0.06 us and 0.2 % more RAM (tests/bench/bench_pack.c).
 */
#define LOOSE_PART	32

/* How many slabs of the emptiest list are compared. */
#define LOOK_SLABS	16

enum move_result {
	MOVE_DONE,		/* the slot is free */
	MOVE_SKIPPED,		/* there was no object */
	MOVE_REFUSED,		/* the owner was busy */
	MOVE_NO_ROOM
};

static bool has_excess_locked(const struct pool_class *c)
{
	uint64_t nr = pool_class_objects(c);
	uint64_t slots = (uint64_t)c->nr_slabs * c->shape.nr_slots;

	return slots >= nr + nr / SLACK_PART + c->shape.nr_slots;
}

static bool is_loose_locked(const struct pool_class *c)
{
	uint64_t need = c->shape.slot_len * pool_class_objects(c);

	return c->nr_touched * PAGE_SIZE > need + need / LOOSE_PART + PAGE_SIZE;
}

static uint32_t emptiest_locked(const struct pool *p,
				const struct pool_class *c)
{
	uint32_t best = 0;
	uint32_t id = 0;

	for (unsigned i = 0; !id && i < POOL_FULL; i++)
		id = c->heads[i];
	for (int i = 0; id && i < LOOK_SLABS; i++) {
		const struct slab *s = slab_at(&p->slabs, id);

		if (!best || s->nr_used < slab_at(&p->slabs, best)->nr_used)
			best = id;
		id = s->next;
	}
	return best;
}

/* The slab to empty next, or 0 if there is none with REASON. */
static uint32_t begin_drain(struct pool *p, struct pool_class *c,
			    bool (*reason_locked)(const struct pool_class *c))
{
	uint32_t id = 0;

	lock_take(&c->lock);
	if (reason_locked(c))
		id = emptiest_locked(p, c);
	if (id) {
		pool_slab_unfile_locked(p, c, id);
		c->draining = id;
	}
	lock_drop(&c->lock);
	return id;
}

/* True if it could be emptied. */
static bool end_drain(struct pool *p, struct pool_class *c, uint32_t id)
{
	bool empty;

	lock_take(&c->lock);
	ASSERT(pool_slab_is_valid_locked(p, c, id));
	empty = !slab_at(&p->slabs, id)->nr_used;
	c->draining = 0;
	if (empty)
		pool_slab_remove_locked(p, c, id);
	else
		pool_slab_file_locked(p, c, id);
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, id);
	return empty;
}

static enum move_result begin_move(struct pool *p, struct pool_class *c,
				   struct pool_ref from, struct pool_ref *to,
				   uint64_t *header, bool below)
{
	enum move_result ret = MOVE_DONE;

	lock_take(&c->lock);
	/* acquire: pairs with the release in pool_put */
	*header = atomic_load_explicit(&pool_slot_at(p, from)->header,
				       memory_order_acquire);
	if (!pool_header_len(*header))
		ret = MOVE_SKIPPED;
	else if (below ? !pool_slot_take_below_locked(p, to, from)
		       : pool_slot_take_locked(p, c, to) != POOL_TAKEN)
		ret = MOVE_NO_ROOM;
	else
		c->moving = from.bits;
	lock_drop(&c->lock);
	return ret;
}

static void end_move(struct pool *p, struct pool_class *c,
		     struct pool_ref from, struct pool_ref to, bool yes)
{
	bool empty = false;

	lock_take(&c->lock);
	if (yes && c->moving_dropped)
		die("pool: an object was dropped and moved");
	if (yes || c->moving_dropped)
		pool_slot_free_locked(p, c, from);	/* it is draining */
	if (!yes)
		empty = pool_slot_free_locked(p, c, to);
	c->moving = 0;
	c->moving_dropped = false;
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, pool_ref_slab(to));
}

/* Move it to another slab, or BELOW: to a lower slot of its own. */
static enum move_result move_object(struct pool *p, struct pool_class *c,
				    struct pool_ref from, bool below)
{
	struct pool_slot *old = pool_slot_at(p, from);
	struct pool_slot *new;
	struct pool_ref to;
	enum move_result ret;
	uint64_t header;
	size_t len;
	bool yes;

	ret = begin_move(p, c, from, &to, &header, below);
	if (ret != MOVE_DONE)
		return ret;
	new = pool_slot_at(p, to);
	len = pool_header_len(header);
	memcpy(new->bytes, old->bytes,
	       len + pool_tail_len(c->shape.slot_len, len));
	/* release: for who finds it through moved() or as we do */
	atomic_store_explicit(&new->header, header, memory_order_release);
	yes = p->cfg.moved(p->cfg.moved_ctx, pool_header_owner(header), from,
			   to);
	end_move(p, c, from, to, yes);
	return yes ? MOVE_DONE : MOVE_REFUSED;
}

/* One call of pool_compact(). */
struct tally {
	size_t max;		/* copies after which it ends */
	size_t copies;		/* made; refused ones count, they cost */
	size_t moved;
};

/* False: the slab can't go on. */
static bool tally_move(struct tally *t, enum move_result r)
{
	t->copies += r == MOVE_DONE || r == MOVE_REFUSED;
	t->moved += r == MOVE_DONE;
	return r != MOVE_NO_ROOM;
}

/* Move the objects of slab ID elsewhere. */
static void drain(struct pool *p, struct pool_class *c, uint32_t id,
		  struct tally *t)
{
	/* a draining slab gets no slots, so this stays */
	unsigned nr = slab_at(&p->slabs, id)->nr_fresh;

	for (unsigned slot = 0; slot < nr; slot++) {
		enum move_result r = move_object(p, c, pool_ref_make(id, slot),
						 false);

		if (!tally_move(t, r))
			break;
	}
}

/* Move the objects of slab ID to its lower end. */
static void slide(struct pool *p, struct pool_class *c, uint32_t id,
		  struct tally *t)
{
	unsigned slot = slab_at(&p->slabs, id)->nr_fresh;

	lock_take(&c->lock);
	pool_slab_sort_locked(p, c, id);
	lock_drop(&c->lock);
	while (slot-- > 0) {
		enum move_result r = move_object(p, c, pool_ref_make(id, slot),
						 true);

		/* one that stays keeps all below it from being worth it */
		if (!tally_move(t, r) || r == MOVE_REFUSED)
			break;
	}
}

/* Give back the RAM above the last object of slab ID, which is draining. */
static void cut_tail(struct pool *p, struct pool_class *c, uint32_t id)
{
	struct slab *s = slab_at(&p->slabs, id);
	unsigned keep;
	unsigned had;

	lock_take(&c->lock);
	had = s->nr_touched;
	keep = pool_slab_shorten_locked(p, c, id);
	lock_drop(&c->lock);
	/* nobody takes a slot of it or looks above nr_fresh */
	if (keep < had)
		slab_release(&p->slabs, id, keep, had);
}

static void compact_class(struct pool *p, struct pool_class *c,
			  struct tally *t)
{
	uint32_t id;

	while (t->copies < t->max &&
	       (id = begin_drain(p, c, has_excess_locked))) {
		drain(p, c, id, t);
		if (!end_drain(p, c, id))
			break;		/* busy: another time */
	}
	if (t->copies < t->max && (id = begin_drain(p, c, is_loose_locked))) {
		drain(p, c, id, t);
		slide(p, c, id, t);
		cut_tail(p, c, id);
		end_drain(p, c, id);
	}
}

/* --- one object, for others ----------------------------------------------- */

int pool_hold(struct pool *p, struct pool_ref ref, struct pool_object *out,
	      uint64_t *owner)
{
	struct pool_class *c;
	uint64_t h = 0;

	*out = (struct pool_object){ 0 };
	*owner = 0;
	if (!pool_ref_is_plausible(p, ref))
		return -EBADMSG;
	/* acquire, and release in pool_unhold(): as in pool_compact() */
	if (atomic_exchange_explicit(&p->compacting, true,
				     memory_order_acquire))
		return -EBUSY;
	c = pool_class_at(p, ref);
	lock_take(&c->lock);
	if (slab_is_of(slab_at(&p->slabs, pool_ref_slab(ref)),
		       (unsigned)(c - p->class)))
		/* acquire: pairs with the release in pool_put */
		h = atomic_load_explicit(&pool_slot_at(p, ref)->header,
					 memory_order_acquire);
	if (pool_header_len(h))
		c->moving = ref.bits;
	lock_drop(&c->lock);
	*owner = pool_header_owner(h);
	if (!pool_header_len(h)) {
		atomic_store_explicit(&p->compacting, false,
				      memory_order_release);
		return -EBADMSG;
	}
	if (!pool_find(p, out, ref))
		return 0;
	pool_unhold(p, ref, false);
	return -EBADMSG;
}

void pool_unhold(struct pool *p, struct pool_ref ref, bool moved)
{
	struct pool_class *c = pool_class_at(p, ref);
	bool empty = false;
	uint64_t h;

	lock_take(&c->lock);
	if (moved && c->moving_dropped)
		die("pool: an object was dropped and moved");
	/* relaxed: it is held */
	h = atomic_load_explicit(&pool_slot_at(p, ref)->header,
				 memory_order_relaxed);
	if (moved)
		pool_count_locked(c, false, pool_header_len(h),
				  pool_header_codec(h));
	if (moved || c->moving_dropped)
		empty = pool_slot_free_locked(p, c, ref);
	c->moving = 0;
	c->moving_dropped = false;
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, pool_ref_slab(ref));
	atomic_store_explicit(&p->compacting, false, memory_order_release);
}

size_t pool_compact(struct pool *p, size_t max_moves)
{
	struct tally t = { .max = max_moves };

	/* acquire, and release below: next_class is handed over */
	if (atomic_exchange_explicit(&p->compacting, true,
				     memory_order_acquire))
		return 0;
	for (uint32_t i = 0; i < p->classes.nr && t.copies < t.max; i++) {
		compact_class(p, &p->class[p->next_class], &t);
		p->next_class = (p->next_class + 1) % p->classes.nr;
	}
	slab_trim(&p->slabs, atomic_load_explicit(&p->full,
						  memory_order_relaxed)
		  ? 0 : slab_reserve(&p->slabs));
	atomic_store_explicit(&p->compacting, false, memory_order_release);
	return t.moved;
}
