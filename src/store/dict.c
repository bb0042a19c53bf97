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
 * Segments are laid down from the end, where offsets are shortest; one
 * stretch is as good as another.
 */
#include "store/dict.h"

#include <errno.h>
#include <string.h>

#include "store/codec.h"

#define SEGMENT		256u	/* bytes */
#define STRING		8u	/* bytes */
#define SAMPLES_LEN	(DICT_SAMPLES_LARGE * PAGE_SIZE)

/* A count for every eighth of the positions: most strings occur once. */
#define COUNT_BITS_SMALL	17
#define COUNT_BITS_LARGE	19

struct dict_count {
	uint16_t nr;		/* pages that have it */
	uint16_t last;		/* the last of them, plus 1 */
};

#define COUNTS_LEN	(sizeof(struct dict_count) << COUNT_BITS_LARGE)

_Static_assert(DICT_SAMPLES_LARGE < UINT16_MAX, "page numbers fit");
_Static_assert((DICT_SAMPLES_SMALL - DICT_TRIED) * PAGE_SIZE > DICT_SMALL &&
	       (DICT_SAMPLES_LARGE - DICT_TRIED) * PAGE_SIZE > DICT_LARGE,
	       "a stretch is longer than a segment");

int dict_trainer_init(struct dict_trainer *t, struct arena *a)
{
	memset(t, 0, sizeof(*t));
	t->samples = arena_alloc(a, SAMPLES_LEN);
	t->counts = arena_alloc(a, COUNTS_LEN);
	dict_trainer_reset(t, a, 0);
	return t->samples && t->counts ? 0 : -ENOMEM;
}

void dict_trainer_reset(struct dict_trainer *t, struct arena *a, uint64_t nr)
{
	bool large = nr >= DICT_LARGE_FROM;

	if (t->full_ram) {
		arena_release(a, t->samples, SAMPLES_LEN);
		arena_release(a, t->counts, COUNTS_LEN);
	}
	t->full_ram = false;
	t->nr = 0;
	t->nr_wanted = large ? DICT_SAMPLES_LARGE : DICT_SAMPLES_SMALL;
	t->len = large ? DICT_LARGE : DICT_SMALL;
}

/* Pages that it is made of. */
static unsigned nr_made_of(const struct dict_trainer *t)
{
	return t->nr_wanted - DICT_TRIED;
}

void *dict_trainer_next(struct dict_trainer *t)
{
	unsigned every = t->nr_wanted / DICT_TRIED;
	unsigned i = t->nr;

	if (i == t->nr_wanted)
		return NULL;
	t->full_ram = true;
	t->nr++;
	i = i % every == every - 1 ? nr_made_of(t) + i / every : i - i / every;
	return t->samples + i * PAGE_SIZE;
}

void dict_trainer_undo(struct dict_trainer *t)
{
	t->nr--;
}

const void *dict_trainer_tried(const struct dict_trainer *t, unsigned i)
{
	return t->samples + (nr_made_of(t) + i) * PAGE_SIZE;
}

static struct dict_count *count_of(struct dict_trainer *t, size_t at)
{
	int bits = t->len == DICT_LARGE ? COUNT_BITS_LARGE : COUNT_BITS_SMALL;
	uint64_t x;

	memcpy(&x, t->samples + at, sizeof(x));
	/* 2^64 divided by the golden ratio, odd */
	return &t->counts[x * 0x9e3779b97f4a7c15ull >> (64 - bits)];
}

static void count_strings(struct dict_trainer *t)
{
	memset(t->counts, 0, COUNTS_LEN);
	for (unsigned page = 0; page < nr_made_of(t); page++) {
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

static void choose(struct dict_trainer *t, struct dict *d)
{
	unsigned nr = (unsigned)(d->len / SEGMENT);
	size_t stretch = nr_made_of(t) * PAGE_SIZE / nr;

	for (unsigned i = 0; i < nr; i++) {
		size_t at = best_segment(t, i * stretch, (i + 1) * stretch);

		memcpy(d->content + d->len - (i + 1) * SEGMENT,
		       t->samples + at, SEGMENT);
		for (size_t j = 0; j + STRING <= SEGMENT; j++)
			count_of(t, at + j)->nr = 0;
	}
}

/* Memory for the digest of any codec, as another one may come after. */
static size_t digest_len(void)
{
	return max_size(codec_lz4.digest_len(), codec_zstd.digest_len());
}

int dict_prepare(struct dict_set *set, unsigned i, struct arena *a,
		 const struct codec_ops *ops, int level)
{
	struct dict *d = &set->dict[i];

	/* no object needs it, so nobody looks at it */
	atomic_store_explicit(&d->ready, false, memory_order_relaxed);
	if (!d->content)
		d->content = arena_alloc(a, DICT_LARGE);
	if (!d->digest)
		d->digest = arena_alloc(a, digest_len());
	d->ops = ops;
	d->level = level;
	return d->content && d->digest ? 0 : -ENOMEM;
}

int dict_make(struct dict_set *set, unsigned i, struct dict_trainer *t)
{
	struct dict *d = &set->dict[i];

	if (t->nr < t->nr_wanted)
		return -ENOMEM;
	d->len = min_size(t->len, d->ops->dict_most);
	count_strings(t);
	choose(t, d);
	if (!d->ops->digest(d))
		return -ENOMEM;
	/* release: pairs with the acquire in dict_at() */
	atomic_store_explicit(&d->ready, true, memory_order_release);
	return 0;
}
