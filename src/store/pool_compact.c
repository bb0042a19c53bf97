/* SPDX-License-Identifier: MIT */
/*
 * Compaction: empty the emptiest slabs into the fullest.
 *
 * A class that has a whole slab's worth of free slots and a little more
 * loses its emptiest slab.  The slab is taken off the lists ("draining"), so
 * that nobody puts anything into it, and its objects move one by one:
 *
 *	lock     read the header; take a slot elsewhere; note MOVING
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
 * The lock is never held while bytes are copied.
 */
#include "store/pool.h"

#include <string.h>

#include "base/log.h"
#include "store/pool_slot.h"

/*
 * Free slots that a class may have, beyond one slab's: a 1/SLACK_PART of its
 * objects.  Less makes compaction move ever more objects per slab freed.
 */
#define SLACK_PART	64

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
	uint64_t nr = atomic_load_explicit(&c->nr_objects,
					   memory_order_relaxed);
	uint64_t slots = (uint64_t)c->nr_slabs * c->shape.nr_slots;

	return slots >= nr + nr / SLACK_PART + c->shape.nr_slots;
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

/* The slab to empty next, or 0. */
static uint32_t begin_drain(struct pool *p, struct pool_class *c)
{
	uint32_t id = 0;

	lock_take(&c->lock);
	if (has_excess_locked(c))
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
	bool empty = !slab_at(&p->slabs, id)->nr_used;

	lock_take(&c->lock);
	empty = !slab_at(&p->slabs, id)->nr_used;
	c->draining = 0;
	if (empty)
		c->nr_slabs--;
	else
		pool_slab_file_locked(p, c, id);
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, id);
	return empty;
}

static enum move_result begin_move(struct pool *p, struct pool_class *c,
				   struct pool_ref from, struct pool_ref *to,
				   uint64_t *header)
{
	enum move_result ret = MOVE_DONE;

	lock_take(&c->lock);
	/* acquire: pairs with the release in pool_put */
	*header = atomic_load_explicit(&pool_slot_at(p, from)->header,
				       memory_order_acquire);
	if (!pool_header_len(*header))
		ret = MOVE_SKIPPED;
	else if (pool_slot_take_locked(p, c, to) != POOL_TAKEN)
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

static enum move_result move_object(struct pool *p, struct pool_class *c,
				    struct pool_ref from)
{
	struct pool_slot *old = pool_slot_at(p, from);
	struct pool_slot *new;
	struct pool_ref to;
	enum move_result ret;
	uint64_t header;
	bool yes;

	ret = begin_move(p, c, from, &to, &header);
	if (ret != MOVE_DONE)
		return ret;
	new = pool_slot_at(p, to);
	memcpy(new->bytes, old->bytes, pool_header_len(header));
	/* release: for who finds it through moved() or as we do */
	atomic_store_explicit(&new->header, header, memory_order_release);
	yes = p->cfg.moved(p->cfg.moved_ctx, pool_header_owner(header), from,
			   to);
	end_move(p, c, from, to, yes);
	return yes ? MOVE_DONE : MOVE_REFUSED;
}

/* Objects moved out of slab ID. */
static size_t drain(struct pool *p, struct pool_class *c, uint32_t id)
{
	/* a draining slab gets no slots, so this stays */
	unsigned nr = slab_at(&p->slabs, id)->nr_fresh;
	size_t moved = 0;

	for (unsigned slot = 0; slot < nr; slot++) {
		switch (move_object(p, c, pool_ref_make(id, slot))) {
		case MOVE_DONE:
			moved++;
			break;
		case MOVE_SKIPPED:
		case MOVE_REFUSED:
			break;
		case MOVE_NO_ROOM:
			return moved;
		}
	}
	return moved;
}

static size_t compact_class(struct pool *p, struct pool_class *c,
			    size_t max_moves)
{
	size_t moved = 0;
	uint32_t id;

	while (moved < max_moves && (id = begin_drain(p, c))) {
		moved += drain(p, c, id);
		if (!end_drain(p, c, id))
			break;		/* busy: another time */
	}
	return moved;
}

size_t pool_compact(struct pool *p, size_t max_moves)
{
	size_t moved = 0;

	/* acquire, and release below: next_class is handed over */
	if (atomic_exchange_explicit(&p->compacting, true,
				     memory_order_acquire))
		return 0;
	for (uint32_t i = 0; i < p->classes.nr && moved < max_moves; i++) {
		moved += compact_class(p, &p->class[p->next_class],
				       max_moves - moved);
		if (moved < max_moves)
			p->next_class = (p->next_class + 1) % p->classes.nr;
	}
	slab_trim(&p->slabs, atomic_load_explicit(&p->full,
						  memory_order_relaxed));
	atomic_store_explicit(&p->compacting, false, memory_order_release);
	return moved;
}
