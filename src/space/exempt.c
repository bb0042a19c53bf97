/* SPDX-License-Identifier: MIT */
/*
 * An entry is CLAIMED from free, filled, and published by its reason; it is
 * shrunk in place, and freed by claiming it first.  Neighbours for the same
 * reason are not merged but when one is added at the end of another: that is
 * how an allocator of secret memory grows.
 */
#include "space/exempt.h"

#define CLAIMED		0x80000000u
#define MOVED_MOST	32u	/* entries in one mapping; then FULL */

static struct exempt_entry *put(struct exempt_set *s, unsigned why,
				uintptr_t start, uintptr_t end)
{
	for (uint32_t i = 0; i < EXEMPT_MAX; i++) {
		struct exempt_entry *x = &s->all[i];
		uint32_t high = atomic_load(&s->high);
		uint32_t none = 0;

		if (!atomic_compare_exchange_strong(&x->why, &none, CLAIMED))
			continue;
		atomic_store(&x->start, start);
		atomic_store(&x->end, end);
		/* before it is published: who sees it looks that far */
		while (high <= i &&
		       !atomic_compare_exchange_weak(&s->high, &high, i + 1))
			;
		atomic_store(&x->why, why);
		return x;
	}
	atomic_store(&s->full, 1);
	return NULL;
}

/* Is it in an entry already, or can one for the same reason be made longer? */
static bool extend(struct exempt_set *s, unsigned why, uintptr_t start,
		   uintptr_t end)
{
	uint32_t high = atomic_load(&s->high);

	for (uint32_t i = 0; i < high; i++) {
		struct exempt_entry *x = &s->all[i];
		uintptr_t its_end = atomic_load(&x->end);

		if (atomic_load(&x->why) != why ||
		    atomic_load(&x->start) > start || its_end < start)
			continue;
		if (its_end >= end ||
		    atomic_compare_exchange_strong(&x->end, &its_end, end))
			return true;
	}
	return false;
}

static void drop(struct exempt_entry *x, uint32_t why)
{
	if (atomic_compare_exchange_strong(&x->why, &why, CLAIMED))
		atomic_store(&x->why, 0);
}

void exempt_add(struct exempt_set *s, unsigned why, uintptr_t start,
		uintptr_t end)
{
	const uint32_t high = atomic_load(&s->high);
	struct exempt_entry *its;

	if (start >= end || extend(s, why, start, end))
		return;
	its = put(s, why, start, end);
	/* what it covers is not needed any more */
	for (uint32_t i = 0; its && i < high; i++) {
		struct exempt_entry *x = &s->all[i];

		if (x != its && atomic_load(&x->why) == why &&
		    atomic_load(&x->start) >= start &&
		    atomic_load(&x->end) <= end)
			drop(x, why);
	}
}

static void cut_entry(struct exempt_set *s, struct exempt_entry *x,
		      uint32_t why, uintptr_t start, uintptr_t end)
{
	uintptr_t its_start = atomic_load(&x->start);
	uintptr_t its_end = atomic_load(&x->end);

	if (its_start >= end || start >= its_end)
		return;
	if (start <= its_start && its_end <= end) {
		drop(x, why);
	} else if (start > its_start && end < its_end) {
		/* the upper part first: what stays is never out of sight */
		put(s, why, end, its_end);
		atomic_store(&x->end, start);
	} else if (start <= its_start) {
		atomic_store(&x->start, end);
	} else {
		atomic_store(&x->end, start);
	}
}

void exempt_cut(struct exempt_set *s, unsigned why, uintptr_t start,
		uintptr_t end)
{
	uint32_t high = atomic_load(&s->high);

	for (uint32_t i = 0; i < high; i++) {
		uint32_t its = atomic_load(&s->all[i].why);

		if (its & why & EXEMPT_ALL)
			cut_entry(s, &s->all[i], its, start, end);
	}
}

void exempt_move(struct exempt_set *s, uintptr_t from, size_t old_len,
		 uintptr_t to, size_t new_len)
{
	struct { unsigned why; uintptr_t start, end; } moved[MOVED_MOST];
	const uintptr_t from_end = from + old_len;
	const uintptr_t to_end = to + new_len;
	unsigned nr = 0;

	for (unsigned why = 1; why <= EXEMPT_ALL; why <<= 1) {
		uintptr_t start;
		uintptr_t end;

		for (uint32_t at = 0; nr < MOVED_MOST &&
		     exempt_next(s, &at, why, &start, &end);) {
			if (start >= from_end || from >= end)
				continue;
			/* a mapping that grows is of one kind up to its end */
			moved[nr].why = why;
			moved[nr].start = start > from ? to + (start - from)
						       : to;
			moved[nr++].end = end < from_end ? to + (end - from)
							 : to_end;
		}
	}
	exempt_cut(s, EXEMPT_ALL, from, from_end);
	if (nr == MOVED_MOST)
		atomic_store(&s->full, 1);
	while (nr--)
		if (moved[nr].start < to_end)
			exempt_add(s, moved[nr].why, moved[nr].start,
				   moved[nr].end < to_end ? moved[nr].end
							  : to_end);
}

bool exempt_next(const struct exempt_set *s, uint32_t *at, unsigned why,
		 uintptr_t *start, uintptr_t *end)
{
	while (*at < atomic_load(&s->high)) {
		const struct exempt_entry *x = &s->all[(*at)++];

		*start = atomic_load(&x->start);
		*end = atomic_load(&x->end);
		if ((atomic_load(&x->why) & why & EXEMPT_ALL) &&
		    *start < *end)
			return true;
	}
	return false;
}

bool exempt_has(const struct exempt_set *s, uintptr_t start, uintptr_t end)
{
	bool more = true;

	/* entry after entry, as long as one goes on where the last one ended */
	while (more && start < end) {
		uintptr_t its_start;
		uintptr_t its_end;

		more = false;
		for (uint32_t at = 0; !more && exempt_next(s, &at, EXEMPT_ALL,
							   &its_start,
							   &its_end);)
			more = its_start <= start && start < its_end;
		if (more)
			start = its_end;
	}
	return start >= end;
}

bool exempt_overlaps(const struct exempt_set *s, unsigned why,
		     uintptr_t start, uintptr_t end)
{
	uintptr_t its_start;
	uintptr_t its_end;

	for (uint32_t at = 0; exempt_next(s, &at, why, &its_start, &its_end);)
		if (its_start < end && start < its_end)
			return true;
	return false;
}
