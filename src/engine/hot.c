/* SPDX-License-Identifier: MIT */
#include "engine/hot.h"

#include <errno.h>

#include "base/arena.h"

#define NOTE_BITS	13	/* eight notes for each sample */
#define USED_BITS	4
#define USED_MASK	((1u << USED_BITS) - 1)
#define USED_MOST	3u	/* then it is tried in one round of eight */

int hot_init(struct hot *h, struct arena *a)
{
	h->notes = arena_alloc(a, 1u << NOTE_BITS);
	return h->notes ? 0 : -ENOMEM;
}

static uint8_t *note_of(const struct hot *h, uintptr_t start)
{
	uint64_t hash = start / HOT_BLOCK * 0x9e3779b97f4a7c15u;

	return &h->notes[hash >> (64 - NOTE_BITS)];
}

void hot_note(struct hot *h, uintptr_t start)
{
	uint8_t *note = note_of(h, start);
	unsigned used = *note & USED_MASK;

	used = used < USED_MOST ? used + 1 : used;
	*note = (uint8_t)(((1u << used) - 1) << USED_BITS | used);
}

void hot_forget(struct hot *h, uintptr_t start)
{
	*note_of(h, start) = 0;
}

bool hot_passes(struct hot *h, uintptr_t start)
{
	uint8_t *note = note_of(h, start);

	if (!(*note >> USED_BITS))
		return false;
	*note = (uint8_t)(*note - (1u << USED_BITS));
	return true;
}
