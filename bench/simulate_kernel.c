/* SPDX-License-Identifier: MIT */
/*
 * simulate_kernel.c - what sees every access: one list for lru, two and
 * accessed bits for clock.
 */
#include <stdlib.h>

#include "simulate.h"

#define NONE		UINT32_MAX

static void list_add(struct sim *s, struct list *l, uint32_t n)
{
	struct page *p = &s->page[n];

	p->prev = NONE;
	p->next = l->nr ? l->head : NONE;
	if (l->nr++)
		s->page[l->head].prev = n;
	else
		l->tail = n;
	l->head = n;
}

static void list_del(struct sim *s, struct list *l, uint32_t n)
{
	struct page *p = &s->page[n];

	l->nr--;
	if (p->prev != NONE)
		s->page[p->prev].next = p->next;
	else
		l->head = p->next;
	if (p->next != NONE)
		s->page[p->next].prev = p->prev;
	else
		l->tail = p->prev;
}

void lru_touch(struct sim *s, uint32_t n)
{
	struct page *p = &s->page[n];

	if (p->place == HERE)
		list_del(s, &s->inactive, n);
	else
		become_here(s, p);
	list_add(s, &s->inactive, n);
	while (s->used > s->memory && s->inactive.nr) {
		uint32_t last = s->inactive.tail;

		list_del(s, &s->inactive, last);
		become_stored(s, &s->page[last]);
	}
}

/* Half of the pages are to be inactive, as for anonymous memory. */
static void clock_age(struct sim *s)
{
	while (s->active.nr > s->inactive.nr) {
		uint32_t n = s->active.tail;

		list_del(s, &s->active, n);
		s->page[n].active = false;
		s->page[n].used = false;
		list_add(s, &s->inactive, n);
	}
}

static void clock_shrink(struct sim *s)
{
	while (s->used > s->memory) {
		uint32_t n;
		struct page *p;

		clock_age(s);
		n = s->inactive.tail;
		p = &s->page[n];
		list_del(s, &s->inactive, n);
		if (p->used) {
			p->used = false;
			p->active = true;
			list_add(s, &s->active, n);
			continue;
		}
		p->left = (uint32_t)s->evicted;
		become_stored(s, p);
	}
}

void clock_touch(struct sim *s, uint32_t n)
{
	struct page *p = &s->page[n];

	p->used = true;
	if (p->place == HERE)
		return;
	become_here(s, p);
	p->used = false;
	p->active = (uint32_t)s->evicted - p->left <= s->here;
	list_add(s, p->active ? &s->active : &s->inactive, n);
	clock_shrink(s);
}

/* --- what nobody can know ----------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

/* The pages that pack and are read most often stay; the others never. */
double lfu(const struct sim *s, const uint32_t *trace, size_t from, size_t len)
{
	uint32_t *count = calloc(s->nr, sizeof(*count));
	double room = s->memory - s->nr / RATIO;
	size_t misses = 0;
	size_t stay;

	for (size_t k = from; k < len; k++)
		count[trace[k]] += !s->page[trace[k]].raw;
	for (uint32_t n = 0; n < s->nr; n++)
		room -= s->page[n].raw ? 1 - 1 / RATIO : 0;
	stay = room > 0 ? (size_t)(room / (1 - 1 / RATIO)) : 0;
	qsort(count, s->nr, sizeof(*count), by_count);
	for (size_t i = stay; i < s->nr; i++)
		misses += count[i];
	free(count);
	return 1000.0 * (double)misses / (double)(len - from);
}
