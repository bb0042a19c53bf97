/* SPDX-License-Identifier: MIT */
/*
 * A sorted array: a few dozen to a few thousand entries, searched by
 * bisection and changed rarely, where a tree would only cost more.
 */
#include "space/region.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

int region_init(struct region_set *s, struct arena *a)
{
	lock_init(&s->lock, LOCK_SPACE);
	s->nr = 0;
	atomic_init(&s->bytes, 0);
	s->all = arena_alloc(a, REGIONS_MAX * sizeof(s->all[0]));
	return s->all ? 0 : -ENOMEM;
}

/* Index of the first region that ends above ADDR, or nr. */
static uint32_t find_locked(const struct region_set *s, uintptr_t addr)
{
	uint32_t low = 0;
	uint32_t high = s->nr;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (s->all[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void remove_locked(struct region_set *s, uint32_t at, uint32_t nr)
{
	memmove(&s->all[at], &s->all[at + nr],
		(s->nr - at - nr) * sizeof(s->all[0]));
	s->nr -= nr;
}

static int insert_locked(struct region_set *s, uint32_t at,
			 struct region r)
{
	if (s->nr == REGIONS_MAX)
		return -ENOSPC;
	memmove(&s->all[at + 1], &s->all[at],
		(s->nr - at) * sizeof(s->all[0]));
	s->all[at] = r;
	s->nr++;
	return 0;
}

int region_add(struct region_set *s, uintptr_t start, uintptr_t end)
{
	struct region r = { start, end };
	size_t old = 0;
	uint32_t at;
	uint32_t last;
	int ret;

	lock_take(&s->lock);
	/* start - 1: a neighbour that ends exactly at START merges too */
	at = find_locked(s, start ? start - 1 : 0);
	for (last = at; last < s->nr && s->all[last].start <= end; last++) {
		old += s->all[last].end - s->all[last].start;
		if (s->all[last].start < r.start)
			r.start = s->all[last].start;
		if (s->all[last].end > r.end)
			r.end = s->all[last].end;
	}
	remove_locked(s, at, last - at);
	ret = insert_locked(s, at, r);
	if (!ret)
		atomic_fetch_add(&s->bytes, r.end - r.start - old);
	lock_drop(&s->lock);
	return ret;
}

void region_cut(struct region_set *s, uintptr_t start, uintptr_t end)
{
	uint32_t i;

	lock_take(&s->lock);
	i = find_locked(s, start);
	while (i < s->nr && s->all[i].start < end) {
		struct region *r = &s->all[i];
		uintptr_t from = r->start > start ? r->start : start;
		uintptr_t to = r->end < end ? r->end : end;
		struct region tail = { to, r->end };

		atomic_fetch_sub(&s->bytes, to - from);
		r->end = from;
		if (r->start == r->end)
			remove_locked(s, i, 1);
		else
			i++;
		/* a full table loses the tail: it is merely unmanaged */
		if (tail.start < tail.end && insert_locked(s, i, tail))
			atomic_fetch_sub(&s->bytes, tail.end - tail.start);
		if (tail.start < tail.end)
			break;
	}
	lock_drop(&s->lock);
}

bool region_next(struct region_set *s, uintptr_t addr, struct region *out)
{
	uint32_t i;
	bool found;

	lock_take(&s->lock);
	i = find_locked(s, addr);
	found = i < s->nr;
	*out = found ? s->all[i] : (struct region){ 0, 0 };
	lock_drop(&s->lock);
	return found;
}

bool region_has(struct region_set *s, uintptr_t start, uintptr_t end)
{
	struct region r;

	return region_next(s, start, &r) && r.start <= start && r.end >= end;
}

size_t region_overlap(struct region_set *s, uintptr_t start, uintptr_t end)
{
	struct region r;
	size_t sum = 0;

	while (start < end && region_next(s, start, &r) && r.start < end) {
		uintptr_t from = r.start > start ? r.start : start;
		uintptr_t to = r.end < end ? r.end : end;

		sum += to - from;
		start = to;
	}
	return sum;
}

bool region_is_valid(struct region_set *s)
{
	size_t sum = 0;
	bool ok = true;

	lock_take(&s->lock);
	for (uint32_t i = 0; i < s->nr; i++) {
		const struct region *r = &s->all[i];

		ok = ok && r->start < r->end;
		ok = ok && (!i || s->all[i - 1].end < r->start);
		sum += r->end - r->start;
	}
	ok = ok && sum == atomic_load(&s->bytes);
	lock_drop(&s->lock);
	return ok;
}

void region_fork_child(struct region_set *s)
{
	lock_init(&s->lock, LOCK_SPACE);
}
