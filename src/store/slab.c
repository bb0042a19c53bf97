/* SPDX-License-Identifier: MIT */
/*
 * How the table grows and shrinks.
 *
 * Growing is an mprotect of GROW_PAGES at a time.  One thread claims it by
 * the flag GROWING and does it without the lock, ahead of need, so that the
 * others hardly ever find nothing left to cut; if they do, they yield.
 *
 * Shrinking is a madvise per slab, of a slab that was taken off its list
 * first, so that nobody else has it.  A dropping server does it only when
 * the worker that calls slab_trim() has fallen far behind.
 *
 * Rejected: a buddy allocator, which would let free slabs of one length
 * serve another.  Address space is plentiful, and the merging would need the
 * lock for longer.  Only when address space runs out a longer slab is given
 * instead.
 */
#include "store/slab.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"

/* Pages made accessible at a time: 8 MiB.  More only delays the first. */
#define GROW_PAGES	2048u

/*
 * The RAM kept in warm slabs: a 1/WARM_PART of all, at least WARM_MIN pages.
 * Enough for the coming and going between two trims.
 */
#define WARM_PART	128
#define WARM_MIN	(2 * SLAB_MAX_PAGES)

/* A dropper trims when there is so many times the reserve. */
#define WARM_EXCESS	4

_Static_assert(sizeof(struct slab) == 24, "a slab costs 24 bytes");

int slab_start(struct slab_table *t, struct arena *a, size_t reserve_len)
{
	size_t nr = min_size(reserve_len >> PAGE_SHIFT,
			     ((size_t)1 << SLAB_ID_BITS) - 2);

	*t = (struct slab_table){ .arena = a, .nr_max = (uint32_t)nr };
	lock_init(&t->lock, LOCK_SLABS);
	t->base = arena_reserve(a, nr * PAGE_SIZE, CHUNK_SIZE);
	t->slabs = arena_reserve(a, (nr + 1) * sizeof(*t->slabs), PAGE_SIZE);
	if (!t->base || !t->slabs)
		return -ENOMEM;
	/*
	 * With huge pages the first byte of a slab would cost 2 MiB, and RAM
	 * given back would stay with the kernel's queue of pages to split.
	 */
	sys_madvise((uintptr_t)t->base, nr * PAGE_SIZE, MADV_NOHUGEPAGE);
	return 0;
}

void slab_link(struct slab_table *t, uint32_t *head, uint32_t id)
{
	struct slab *s = slab_at(t, id);

	s->prev = 0;
	s->next = *head;
	if (*head)
		slab_at(t, *head)->prev = id;
	*head = id;
}

void slab_unlink(struct slab_table *t, uint32_t *head, uint32_t id)
{
	struct slab *s = slab_at(t, id);

	if (s->prev)
		slab_at(t, s->prev)->next = s->next;
	else
		*head = s->next;
	if (s->next)
		slab_at(t, s->next)->prev = s->prev;
}

/* Bytes of the table for NR slabs besides the unused number 0. */
static size_t table_len(uint32_t nr)
{
	return round_up(((size_t)nr + 1) * sizeof(struct slab), PAGE_SIZE);
}

/* Make more accessible; the caller has set GROWING and holds no lock. */
static bool grow(struct slab_table *t)
{
	uint32_t from = t->nr_committed;	/* ours, while we are growing */
	uint32_t to = (uint32_t)min_size((size_t)from + GROW_PAGES, t->nr_max);
	/* every page might become a slab of its own */
	size_t had = from ? table_len(from) : 0;
	size_t want = table_len(to);
	bool ok;

	ok = !arena_commit(t->arena, t->base + (size_t)from * PAGE_SIZE,
			   (size_t)(to - from) * PAGE_SIZE) &&
	     (want == had || !arena_commit(t->arena, (char *)t->slabs + had,
					   want - had));
	lock_take(&t->lock);
	if (ok)
		t->nr_committed = to;
	t->growing = false;
	lock_drop(&t->lock);
	return ok;
}

static uint32_t cut_locked(struct slab_table *t, unsigned nr_pages)
{
	uint32_t id;

	if (t->nr_committed - t->next_page < nr_pages)
		return 0;
	id = atomic_load_explicit(&t->nr, memory_order_relaxed) + 1;
	*slab_at(t, id) = (struct slab){
		.page = t->next_page,
		.nr_pages = (uint8_t)nr_pages,
	};
	t->next_page += nr_pages;
	atomic_store_explicit(&t->nr, id, memory_order_relaxed);
	return id;
}

static uint32_t pop_warm_locked(struct slab_table *t, unsigned nr_pages)
{
	uint32_t id = t->warm[nr_pages];

	if (!id)
		return 0;
	slab_unlink(t, &t->warm[nr_pages], id);
	atomic_fetch_sub_explicit(&t->nr_warm, slab_at(t, id)->nr_touched,
				  memory_order_relaxed);
	return id;
}

static uint32_t pop_locked(struct slab_table *t, unsigned nr_pages)
{
	uint32_t id = pop_warm_locked(t, nr_pages);

	if (!id && (id = t->cold[nr_pages]))
		slab_unlink(t, &t->cold[nr_pages], id);
	return id;
}

/* A free slab of NR_PAGES, a new one, or when there is no room a longer. */
static uint32_t find_locked(struct slab_table *t, unsigned nr_pages)
{
	uint32_t id = pop_locked(t, nr_pages);

	if (!id)
		id = cut_locked(t, nr_pages);
	if (!id && t->nr_max - t->next_page < nr_pages)
		for (unsigned k = nr_pages + 1; !id && k <= SLAB_MAX_PAGES; k++)
			id = pop_locked(t, k);
	return id;
}

/* True if the caller must grow() now. */
static bool claim_growing_locked(struct slab_table *t, uint32_t nr_ahead)
{
	if (t->growing || t->nr_committed == t->nr_max ||
	    t->nr_committed - t->next_page >= nr_ahead)
		return false;
	t->growing = true;
	return true;
}

uint32_t slab_take(struct slab_table *t, unsigned nr_pages)
{
	uint32_t id;
	bool mine;
	bool wait;

	for (;;) {
		lock_take(&t->lock);
		id = find_locked(t, nr_pages);
		mine = claim_growing_locked(t, id ? GROW_PAGES / 2 : nr_pages);
		wait = t->growing;
		lock_drop(&t->lock);
		if (mine && !grow(t))
			return id;
		if (id || !wait)
			return id;
		if (!mine)
			sys_yield();
	}
}

uint64_t slab_reserve(const struct slab_table *t)
{
	uint64_t nr = atomic_load_explicit(&t->nr_used, memory_order_relaxed);

	return max_size(nr / WARM_PART, WARM_MIN);
}

static uint32_t pop_any_warm(struct slab_table *t)
{
	uint32_t id = 0;

	lock_take(&t->lock);
	for (unsigned k = SLAB_MAX_PAGES; !id && k > 0; k--)
		id = pop_warm_locked(t, k);
	lock_drop(&t->lock);
	return id;
}

void slab_release(struct slab_table *t, uint32_t id, unsigned first,
		  unsigned end)
{
	char *base = slab_addr(t, slab_at(t, id));

	arena_release(t->arena, base + first * PAGE_SIZE,
		      (end - first) * PAGE_SIZE);
	atomic_fetch_sub_explicit(&t->nr_used, end - first,
				  memory_order_relaxed);
}

void slab_trim(struct slab_table *t, uint64_t nr_pages)
{
	uint32_t id;

	while (slab_nr_warm(t) > nr_pages && (id = pop_any_warm(t))) {
		struct slab *s = slab_at(t, id);

		slab_release(t, id, 0, s->nr_touched);
		s->nr_touched = 0;
		lock_take(&t->lock);
		slab_link(t, &t->cold[s->nr_pages], id);
		lock_drop(&t->lock);
	}
}

void slab_give(struct slab_table *t, uint32_t id)
{
	struct slab *s = slab_at(t, id);
	uint64_t most = slab_reserve(t) * WARM_EXCESS;

	lock_take(&t->lock);
	slab_link(t, &t->warm[s->nr_pages], id);
	atomic_fetch_add_explicit(&t->nr_warm, s->nr_touched,
				  memory_order_relaxed);
	lock_drop(&t->lock);
	if (unlikely(slab_nr_warm(t) > most))
		slab_trim(t, most);
}

size_t slab_table_len(const struct slab_table *t)
{
	uint32_t nr = atomic_load_explicit(&t->nr, memory_order_relaxed);

	return nr ? table_len(nr) : 0;
}

void slab_fork_child(struct slab_table *t)
{
	lock_init(&t->lock, LOCK_SLABS);
	t->growing = false;
}
