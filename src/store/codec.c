/* SPDX-License-Identifier: MIT */
/*
 * The context of a thread that packs and unpacks, and the choice of codec.
 *
 *	| struct codec | LZ4 state (16 KiB) |
 *
 * Under torture (base/torture.h) the packed bytes end with a sum of the page
 * they were made from, which unpacking has to give again.
 *
 * The output buffer is a whole page although objects are shorter, so that
 * no codec needs to be trusted with a limit.
 */
#include "store/codec.h"

#include <errno.h>
#include <string.h>

#include "base/torture.h"

#define SUM_LEN		sizeof(uint64_t)

struct codec {
	uint8_t out[PAGE_SIZE];		/* packed bytes of the last page */
	void *lz4;			/* state, behind this struct */
};

struct codec *codec_new(struct arena *a)
{
	size_t head = round_up(sizeof(struct codec), 64);
	struct codec *c = arena_alloc(a, head + codec_lz4_state_len());

	if (c)
		c->lz4 = (char *)c + head;
	return c;
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

static uint64_t sum_of(const void *page)
{
	const uint64_t *words = page;
	uint64_t sum = 0;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
	}
	return sum;
}

static long pack(struct codec *c, enum codec_id id, const void *page,
		 size_t max)
{
	switch (id) {
	case CODEC_RAW:
		return pack_raw(c, page, max);
	case CODEC_LZ4:
		return codec_lz4_pack(c->lz4, c->out, page, max);
	case CODEC_NR:
		break;
	}
	return -E2BIG;
}

long codec_pack(struct codec *c, const void **out, enum codec_id id,
		const void *page, size_t max)
{
	uint64_t sum;
	long len;

	*out = c->out;
	max = min_size(max, PAGE_SIZE);
	if (!torture_is_on())
		return pack(c, id, page, max);
	sum = sum_of(page);
	len = max > SUM_LEN ? pack(c, id, page, max - SUM_LEN) : -E2BIG;
	if (len < 0)
		return len;
	memcpy(c->out + len, &sum, SUM_LEN);
	return len + (long)SUM_LEN;
}

static int unpack(void *page, enum codec_id id, const void *buf, size_t len)
{
	switch (id) {
	case CODEC_RAW:
		return unpack_raw(page, buf, len);
	case CODEC_LZ4:
		return codec_lz4_unpack(page, buf, len);
	case CODEC_NR:
		break;
	}
	return -EBADMSG;
}

int codec_unpack(struct codec *c, void *page, enum codec_id id,
		 const void *buf, size_t len)
{
	uint64_t sum;
	int ret;

	(void)c;
	if (!torture_is_on())
		return unpack(page, id, buf, len);
	if (len <= SUM_LEN)
		return -EBADMSG;
	len -= SUM_LEN;
	ret = unpack(page, id, buf, len);
	memcpy(&sum, (const char *)buf + len, SUM_LEN);
	return ret ? ret : sum == sum_of(page) ? 0 : -EBADMSG;
}
