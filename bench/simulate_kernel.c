/* SPDX-License-Identifier: MIT */
/*
 * simulate_kernel.c - what sees every access: one list for lru, two and
 * accessed bits for clock.
 */
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
