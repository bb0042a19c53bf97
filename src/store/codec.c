/* SPDX-License-Identifier: MIT */
/*
 * The context of a thread that packs and unpacks, and the choice of codec.
 *
 *	| struct codec | LZ4 state (16 KiB) |
 *
 * The output buffer is a whole page although objects are shorter, so that
 * no codec needs to be trusted with a limit.
 */
#include "store/codec.h"

#include <errno.h>
#include <string.h>

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

long codec_pack(struct codec *c, const void **out, enum codec_id id,
		const void *page, size_t max)
{
	*out = c->out;
	max = min_size(max, PAGE_SIZE);
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

int codec_unpack(struct codec *c, void *page, enum codec_id id,
		 const void *buf, size_t len)
{
	(void)c;
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
