/* SPDX-License-Identifier: MIT */
/*
 * What goes into a dictionary: the segments of the sampled pages whose
 * strings occur in the most pages.
 *
 *	count    for each string of 8 bytes, in how many pages it occurs
 *	choose   the samples are cut into as many stretches as the dictionary
 *	         has segments; the best of each stretch is taken, and what it
 *	         has is worth nothing from then on
 *
 * That is the idea of COVER (Liao, Petri, Moffat, Wirth: "Effective
 * Construction of Relative Lempel-Ziv Dictionaries", 2016), with counts by
 * hash.  zstd's own trainer allocates and cannot be used here.
 *
 * Segments are laid down from the end, where matches cost least, as the
 * first stretches are as good as any.
 */
#include "store/dict.h"

#include <errno.h>
#include <string.h>

#include "store/codec.h"

#define SEGMENT		256u	/* bytes; 64 to 1024 differ by 1 % */
#define STRING		8u	/* bytes */
#define COUNT_BITS	17
#define SAMPLES_LEN	(DICT_SAMPLES * PAGE_SIZE)
#define NR_SEGMENTS	(DICT_LEN / SEGMENT)
#define NR_MADE_OF	(DICT_SAMPLES - DICT_TRIED)
#define STRETCH		(NR_MADE_OF * PAGE_SIZE / NR_SEGMENTS)

struct dict_count {
	uint16_t nr;		/* pages that have it */
	uint16_t last;		/* the last of them, plus 1 */
};

#define COUNTS_LEN	(sizeof(struct dict_count) << COUNT_BITS)

_Static_assert(DICT_SAMPLES < UINT16_MAX, "page numbers fit");
_Static_assert(STRETCH > SEGMENT, "stretches are longer");

int dict_trainer_init(struct dict_trainer *t, struct arena *a)
{
	memset(t, 0, sizeof(*t));
	t->samples = arena_alloc(a, SAMPLES_LEN);
	t->counts = arena_alloc(a, COUNTS_LEN);
	return t->samples && t->counts ? 0 : -ENOMEM;
}

void *dict_trainer_next(struct dict_trainer *t)
{
	unsigned i = t->nr;

	if (i == DICT_SAMPLES)
		return NULL;
	t->full_ram = true;
	t->nr++;
	/* every fourth is tried on */
	i = i % 4 == 3 ? NR_MADE_OF + i / 4 : i - i / 4;
	return t->samples + i * PAGE_SIZE;
}

void dict_trainer_undo(struct dict_trainer *t)
{
	t->nr--;
}

void dict_trainer_clear(struct dict_trainer *t, struct arena *a)
{
	if (t->full_ram) {
		arena_release(a, t->samples, SAMPLES_LEN);
		arena_release(a, t->counts, COUNTS_LEN);
	}
	t->full_ram = false;
	t->nr = 0;
}

static struct dict_count *count_of(struct dict_trainer *t, size_t at)
{
	uint64_t x;

	memcpy(&x, t->samples + at, sizeof(x));
	/* 2^64 divided by the golden ratio, odd */
	return &t->counts[x * 0x9e3779b97f4a7c15ull >> (64 - COUNT_BITS)];
}

static void count_strings(struct dict_trainer *t)
{
	memset(t->counts, 0, COUNTS_LEN);
	for (unsigned page = 0; page < NR_MADE_OF; page++) {
		size_t at = page * PAGE_SIZE;
		size_t end = at + PAGE_SIZE - STRING;

		for (; at <= end; at++) {
			struct dict_count *c = count_of(t, at);

			c->nr = (uint16_t)(c->nr + (c->last != page + 1));
			c->last = (uint16_t)(page + 1);
		}
	}
}

/* What the string at AT gains: one page has it anyway. */
static uint32_t worth(struct dict_trainer *t, size_t at)
{
	uint32_t nr = count_of(t, at)->nr;

	return nr ? nr - 1 : 0;
}

/* The start of the segment of [FROM, TO) that is worth most. */
static size_t best_segment(struct dict_trainer *t, size_t from, size_t to)
{
	const size_t span = SEGMENT - STRING;
	uint64_t sum = 0;
	uint64_t most = 0;
	size_t best = from;

	for (size_t at = from; at + STRING <= to; at++) {
		sum += worth(t, at);
		if (at - from > span)
			sum -= worth(t, at - span - 1);
		if (at - from >= span && sum > most) {
			most = sum;
			best = at - span;
		}
	}
	return best;
}

static void choose(struct dict_trainer *t, unsigned char *content)
{
	for (unsigned i = 0; i < NR_SEGMENTS; i++) {
		size_t at = best_segment(t, i * STRETCH, (i + 1) * STRETCH);

		memcpy(content + DICT_LEN - (i + 1) * SEGMENT, t->samples + at,
		       SEGMENT);
		for (size_t j = 0; j + STRING <= SEGMENT; j++)
			count_of(t, at + j)->nr = 0;
	}
}

int dict_train(struct dict_set *set, unsigned i, struct dict_trainer *t,
	       struct arena *a, int level)
{
	struct dict *d = &set->dict[i];

	/* no object needs it, so nobody looks at it */
	atomic_store_explicit(&d->ready, false, memory_order_relaxed);
	if (t->nr < DICT_SAMPLES)
		return -ENOMEM;
	if (!d->content)
		d->content = arena_alloc(a, DICT_LEN);
	if (!d->content)
		return -ENOMEM;
	count_strings(t);
	choose(t, d->content);
	if (codec_zstd_digest(d, a, level))
		return -ENOMEM;
	/* release: pairs with the acquire in dict_at() */
	atomic_store_explicit(&d->ready, true, memory_order_release);
	return 0;
}
