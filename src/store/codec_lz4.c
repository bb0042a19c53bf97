/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in memory of the caller: the hash table (16 KiB) is part of the codec
 * context, and unpacking needs none.  HC has a larger table behind it, which
 * has no RAM until it is used.
 *
 * The table is cleared for each page.  Rejected: the variant that keeps old
 * entries (LZ4_compress_fast_extState_fastReset), which LZ4 honours for
 * inputs below 4096 bytes only, and which is 3-20 % slower then, as stale
 * entries are looked at in vain; clearing takes 0.2 us of 6.
 */
#include <lz4.h>
#include <lz4hc.h>

#include <errno.h>

#include "store/codec.h"

/* From this level on it is HC; LZ4's own tool has the same numbers. */
#define HC_LEVEL	3

static size_t hc_at(void)
{
	return round_up(sizeof(LZ4_stream_t), PAGE_SIZE);
}

static size_t lz4_state_len(void)
{
	return hc_at() + sizeof(LZ4_streamHC_t);
}

static long lz4_pack(void *state, void *out, const void *page, size_t max,
		     int level, const struct dict *dict)
{
	int len;

	(void)dict;
	if (level >= HC_LEVEL)
		len = LZ4_compress_HC_extStateHC((char *)state + hc_at(), page,
						 out, (int)PAGE_SIZE, (int)max,
						 level);
	else
		len = LZ4_compress_fast_extState(state, page, out,
						 (int)PAGE_SIZE, (int)max,
						 level < 0 ? -level : 1);
	return len > 0 ? len : -E2BIG;
}

static int lz4_unpack(void *state, void *page, const void *buf, size_t len,
		      const struct dict *dict)
{
	(void)state;
	(void)dict;
	if (!len || len > PAGE_SIZE ||
	    LZ4_decompress_safe(buf, page, (int)len, (int)PAGE_SIZE) !=
	    (int)PAGE_SIZE)
		return -EBADMSG;
	return 0;
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.min_level = -99,
	.max_level = LZ4HC_CLEVEL_MAX,
	.level = 1,
	.state_len = lz4_state_len,
	.pack = lz4_pack,
	.unpack = lz4_unpack,
};
