/* SPDX-License-Identifier: MIT */
/*
 * A pool that is shared with another process since a fork.
 *
 * The two have one copy of it as long as neither writes there: the first
 * write to a page of it takes a page of memory, and a freed object frees
 * none.  So what was there at the fork is sealed:
 *
 *	heads	 slabs of after the fork: puts go there
 *	sealed	 slabs of before it: their objects are only read
 *	late	 objects of those that were dropped, to be freed in the end
 *
 * A slab's epoch says to which of them it belongs.  So sealing costs some
 * work per class and none per slab, whose table is shared as well.
 */
#include "store/pool.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "store/pool_slot.h"

/* Drops noted; beyond, objects are freed at once.  4 MiB, as it is used. */
#define LATE_MOST	(1u << 19)
#define LATE_LEN	(LATE_MOST * sizeof(struct pool_ref))

int pool_seal_init(struct pool *p)
{
	p->late = arena_reserve(p->cfg.arena, LATE_LEN, PAGE_SIZE);
	return p->late ? 0 : -ENOMEM;
}

bool pool_note_late_locked(struct pool *p, struct pool_class *c,
			   struct pool_ref ref)
{
	const struct slab *s = slab_at(&p->slabs, pool_ref_slab(ref));
	uint32_t at;

	ASSERT(lock_is_held(&c->lock));
	if (likely(!pool_slab_is_sealed(c, s)) ||
	    atomic_load(&p->nr_late) >= p->most_late)
		return false;
	at = atomic_fetch_add(&p->nr_late, 1);
	if (at >= p->most_late) {
		atomic_store(&p->nr_late, p->most_late);
		return false;
	}
	p->late[at] = ref;
	c->nr_late++;
	return true;
}

/* All slabs in FROM's lists into those of TO. */
static void join_lists(struct pool *p, uint32_t to[POOL_NR_LISTS],
		       uint32_t from[POOL_NR_LISTS])
{
	for (unsigned i = 0; i < POOL_NR_LISTS; i++) {
		uint32_t id;

		if (!to[i]) {
			to[i] = from[i];
			from[i] = 0;
		}
		while ((id = from[i])) {
			slab_unlink(&p->slabs, &from[i], id);
			slab_link(&p->slabs, &to[i], id);
		}
	}
}

/* Epochs begin anew: all slabs of before are of the first. */
static void wrap_epochs(struct pool *p, struct pool_class *c)
{
	for (unsigned i = 0; i < POOL_NR_LISTS; i++)
		for (uint32_t id = c->sealed[i]; id;
		     id = slab_at(&p->slabs, id)->next)
			slab_at(&p->slabs, id)->epoch = 0;
	if (c->draining)
		slab_at(&p->slabs, c->draining)->epoch = 0;
	c->epoch = 1;
}

void pool_seal(struct pool *p)
{
	if (!p->most_late && !arena_commit(p->cfg.arena, p->late, LATE_LEN))
		p->most_late = LATE_MOST;
	for (uint32_t i = 0; i < p->classes.nr; i++) {
		struct pool_class *c = &p->class[i];

		lock_take(&c->lock);
		join_lists(p, c->sealed, c->heads);
		c->is_sealed = true;
		if (!++c->epoch)
			wrap_epochs(p, c);
		lock_drop(&c->lock);
	}
}

static void free_late(struct pool *p, struct pool_ref ref)
{
	struct pool_class *c = pool_class_at(p, ref);
	bool empty;

	lock_take(&c->lock);
	c->nr_late--;
	empty = pool_slot_free_locked(p, c, ref);
	lock_drop(&c->lock);
	if (empty)
		slab_give(&p->slabs, pool_ref_slab(ref));
}

void pool_unseal(struct pool *p)
{
	for (uint32_t i = 0; i < p->classes.nr; i++) {
		struct pool_class *c = &p->class[i];

		lock_take(&c->lock);
		/* there are few in heads */
		join_lists(p, c->sealed, c->heads);
		memcpy(c->heads, c->sealed, sizeof(c->heads));
		memset(c->sealed, 0, sizeof(c->sealed));
		c->is_sealed = false;
		lock_drop(&c->lock);
	}
	/* no class notes any more */
	for (uint32_t i = 0; i < atomic_load(&p->nr_late); i++)
		free_late(p, p->late[i]);
	atomic_store(&p->nr_late, 0);
}
