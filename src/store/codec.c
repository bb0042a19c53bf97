/* SPDX-License-Identifier: MIT */
/*
 * The context of a thread that packs and unpacks, and the choice of codec.
 *
 *	| struct codec | state of lz4 | state of zstd |
 *
 * What was packed with a dictionary ends with a sum of the page it was made
 * from, which unpacking has to give again: the pool's sum says nothing about
 * the dictionary, and with a damaged or a wrong one LZ4 makes a page of other
 * bytes.  Under torture (base/torture.h) all objects have it.
 *
 * States are large and hardly touched: a thread that never meets zstd has
 * no RAM for it.  The output buffer is a whole page although objects are
 * shorter, so that no codec needs to be trusted with a limit.
 */
#include "store/codec.h"

#include <errno.h>
#include <string.h>

#include "base/torture.h"
#include "store/sum.h"

#define SUM_LEN		sizeof(uint32_t)

struct codec {
	uint8_t out[PAGE_SIZE];		/* packed bytes of the last page */
	uint8_t scratch[PAGE_SIZE];	/* codec_scratch() */
	const struct dict_set *dicts;	/* may be NULL */
	void *lz4;			/* states, behind this struct */
	void *zstd;
};

struct codec *codec_new(struct arena *a, const struct dict_set *dicts)
{
	size_t head = round_up(sizeof(struct codec), PAGE_SIZE);
	size_t lz4 = round_up(codec_lz4.state_len(), PAGE_SIZE);
	size_t zstd = codec_zstd.state_len();
	struct codec *c = arena_alloc(a, head + lz4 + zstd);

	if (!c)
		return NULL;
	c->dicts = dicts;
	c->lz4 = (char *)c + head;
	c->zstd = (char *)c->lz4 + lz4;
	return c;
}

void *codec_scratch(struct codec *c)
{
	return c->scratch;
}

/* The codec of ID, and its dictionary if it has one; NULL if unknown. */
static const struct codec_ops *ops_of(const struct codec *c, enum codec_id id,
				      const struct dict **dict)
{
	*dict = NULL;
	if (id < CODEC_DICT)
		return codec_ops_of(id);
	if (c->dicts && id < CODEC_NR)
		*dict = dict_at(c->dicts, (unsigned)id - CODEC_DICT);
	return *dict ? (*dict)->ops : NULL;
}

static void *state_of(const struct codec *c, const struct codec_ops *ops)
{
	return ops == &codec_lz4 ? c->lz4 : c->zstd;
}

static long pack_raw(struct codec *c, const void *page, size_t max)
{
	uint64_t word;

	if (max < sizeof(word) || !codec_is_same_filled(&word, page))
		return -E2BIG;
	memcpy(c->out, &word, sizeof(word));
	return sizeof(word);
}

static int unpack_raw(void *page, const void *buf, size_t len)
{
	uint64_t word;

	if (len != sizeof(word))
		return -EBADMSG;
	memcpy(&word, buf, sizeof(word));
	codec_fill_same(page, word);
	return 0;
}

static uint32_t sum_of(const void *page)
{
	return (uint32_t)sum_bytes(page, PAGE_SIZE, 0);
}

/* Do objects of ID end with the sum of their page? */
static bool has_sum(enum codec_id id)
{
	return id >= CODEC_DICT || torture_is_on();
}

static long pack(struct codec *c, struct codec_choice how, const void *page,
		 size_t max)
{
	const struct dict *dict;
	const struct codec_ops *ops = ops_of(c, how.id, &dict);

	if (how.id == CODEC_RAW)
		return pack_raw(c, page, max);
	if (!ops)
		return -E2BIG;
	return ops->pack(state_of(c, ops), c->out, page, max, how.level, dict);
}

long codec_pack(struct codec *c, const void **out, struct codec_choice how,
		const void *page, size_t max)
{
	uint32_t sum;
	long len;

	*out = c->out;
	max = min_size(max, PAGE_SIZE);
	if (!has_sum(how.id))
		return pack(c, how, page, max);
	sum = sum_of(page);
	len = max > SUM_LEN ? pack(c, how, page, max - SUM_LEN) : -E2BIG;
	if (len < 0)
		return len;
	memcpy(c->out + len, &sum, SUM_LEN);
	return len + (long)SUM_LEN;
}

static int unpack(struct codec *c, void *page, enum codec_id id,
		  const void *buf, size_t len)
{
	const struct dict *dict;
	const struct codec_ops *ops = ops_of(c, id, &dict);

	if (id == CODEC_RAW)
		return unpack_raw(page, buf, len);
	if (!ops || !len || len > PAGE_SIZE)
		return -EBADMSG;
	return ops->unpack(state_of(c, ops), page, buf, len, dict);
}

int codec_unpack(struct codec *c, void *page, enum codec_id id,
		 const void *buf, size_t len)
{
	uint32_t sum;
	int ret;

	if (!has_sum(id))
		return unpack(c, page, id, buf, len);
	if (len <= SUM_LEN)
		return -EBADMSG;
	len -= SUM_LEN;
	ret = unpack(c, page, id, buf, len);
	memcpy(&sum, (const char *)buf + len, SUM_LEN);
	return ret ? ret : sum == sum_of(page) ? 0 : -EBADMSG;
}
