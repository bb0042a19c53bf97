/* SPDX-License-Identifier: MIT */
/*
 * Trays are few (a thousand for 128 MiB), so a free one is found by walking
 * on from where the last one was; the queue is a ring of tray numbers.
 */
#include "engine/staging.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

int staging_init(struct staging *s, struct arena *a, uint32_t nr_trays)
{
	void *area;

	memset(s, 0, sizeof(*s));
	lock_init(&s->lock, LOCK_STAGING);
	s->nr_trays = (uint32_t)round_up(nr_trays, HUGE_TRAYS);
	area = arena_reserve(a, staging_len(s), CHUNK_SIZE);
	s->trays = arena_alloc(a, (s->nr_trays + STAGING_MORE_TRAYS) *
			       sizeof(s->trays[0]));
	s->queue = arena_alloc(a, s->nr_trays * sizeof(s->queue[0]));
	if (!area || !s->trays || !s->queue ||
	    arena_commit(a, area, (size_t)s->nr_trays * TRAY_LEN))
		return -ENOMEM;
	s->area = (uintptr_t)area;
	return 0;
}

static struct tray *open_locked(struct staging *s, uint32_t step)
{
	uint32_t at = s->hint - s->hint % step;

	for (uint32_t n = 0; n < s->nr_trays; n += step, at += step) {
		uint32_t run = 0;

		if (at >= s->nr_trays)
			at = 0;
		while (run < step && s->trays[at + run].state == TRAY_FREE)
			run++;
		if (run < step)
			continue;
		for (uint32_t i = 0; i < step; i++) {
			s->trays[at + i].state = TRAY_FILLING;
			s->trays[at + i].used = 0;
		}
		s->hint = at + step;
		return &s->trays[at];
	}
	return NULL;
}

struct tray *staging_open_row(struct staging *s, uint32_t nr)
{
	struct tray *t;

	lock_take(&s->lock);
	t = open_locked(s, nr);
	lock_drop(&s->lock);
	return t;
}

static void enqueue_locked(struct staging *s, struct tray *t)
{
	t->state = TRAY_WAITING;
	s->queue[(s->head + s->nr_waiting++) % s->nr_trays] =
		(uint32_t)(t - s->trays);
}

void staging_enqueue(struct staging *s, struct tray *t)
{
	lock_take(&s->lock);
	enqueue_locked(s, t);
	lock_drop(&s->lock);
}

struct tray *staging_take(struct staging *s)
{
	struct tray *t = NULL;

	lock_take(&s->lock);
	if (s->nr_waiting) {
		t = &s->trays[s->queue[s->head]];
		s->head = (s->head + 1) % s->nr_trays;
		s->nr_waiting--;
		t->state = TRAY_PACKING;
	}
	lock_drop(&s->lock);
	return t;
}

bool staging_bury(struct staging *s, struct tray *t)
{
	bool done;

	lock_take(&s->lock);
	done = s->nr_dead < TRAYS_DEAD;
	if (done) {
		t->state = TRAY_DEAD;
		s->dead[s->nr_dead++] = t;
	}
	lock_drop(&s->lock);
	return done;
}

struct tray *staging_dig(struct staging *s)
{
	struct tray *t = NULL;

	if (!atomic_load_explicit(&s->nr_dead, memory_order_relaxed))
		return NULL;
	lock_take(&s->lock);
	if (s->nr_dead) {
		t = s->dead[--s->nr_dead];
		t->state = TRAY_PACKING;
	}
	lock_drop(&s->lock);
	return t;
}

void staging_free(struct staging *s, struct tray *t)
{
	lock_take(&s->lock);
	ASSERT(t->state == TRAY_FILLING || t->state == TRAY_PACKING);
	t->state = t->lost ? TRAY_LOST : TRAY_FREE;
	t->used = 0;
	t->runs = 0;
	t->emptied = 0;
	t->stubborn = false;
	atomic_store(&t->doubt, false);
	lock_drop(&s->lock);
}

void staging_set_aside(struct staging *s)
{
	uint32_t nr = 0;

	lock_take(&s->lock);
	for (uint32_t i = 0; i < s->nr_trays; i++)
		nr += s->trays[i].state == TRAY_ASIDE;
	/* a child of children may have had some: without any nothing leaves */
	for (; s->nr_waiting && nr < s->nr_trays / 2; nr++) {
		s->trays[s->queue[s->head]].state = TRAY_ASIDE;
		s->head = (s->head + 1) % s->nr_trays;
		s->nr_waiting--;
	}
	lock_drop(&s->lock);
}

void staging_own(struct staging *s)
{
	lock_take(&s->lock);
	for (uint32_t i = 0; i < s->nr_trays; i++)
		if (s->trays[i].state == TRAY_ASIDE)
			enqueue_locked(s, &s->trays[i]);
	lock_drop(&s->lock);
}

void staging_fork_child(struct staging *s)
{
	lock_init(&s->lock, LOCK_STAGING);
	s->nr_dead = 0;
	for (uint32_t i = 0; i < s->nr_trays; i++) {
		enum tray_state was = s->trays[i].state;

		if (was == TRAY_FILLING || was == TRAY_PACKING ||
		    was == TRAY_DEAD)
			staging_enqueue(s, &s->trays[i]);
	}
}
