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
 *
 * A dictionary is digested into such tables once.  HC looks into the digest
 * beside its own; the fast one starts with a copy of it, as looking into two
 * tables takes it longer.  Packing takes twice as long with a dictionary,
 * which is why only what lies idle gets one; unpacking takes no longer.
 */
#define LZ4_HC_STATIC_LINKING_ONLY
#include <lz4.h>
#include <lz4hc.h>

#include <errno.h>
#include <string.h>

#include "store/codec.h"

/* From this level on it is HC; LZ4's own tool has the same numbers. */
#define HC_LEVEL	3

/* What a page has in its window of 64 KiB before it. */
#define DICT_MOST	(60 * KIB)

static size_t hc_at(void)
{
	return round_up(sizeof(LZ4_stream_t), PAGE_SIZE);
}

static size_t lz4_state_len(void)
{
	return hc_at() + sizeof(LZ4_streamHC_t);
}

static int pack_hc(LZ4_streamHC_t *state, void *out, const void *page, int max,
		   int level, const struct dict *dict)
{
	/* sees if it was left in the middle of a page */
	LZ4_resetStreamHC_fast(state, level);
	LZ4_attach_HC_dictionary(state, dict ? dict->packing : NULL);
	return LZ4_compress_HC_continue(state, page, out, (int)PAGE_SIZE, max);
}

static int pack_fast(LZ4_stream_t *state, void *out, const void *page, int max,
		     int level, const struct dict *dict)
{
	int speed = level < 0 ? -level : 1;

	if (!dict)
		return LZ4_compress_fast_extState(state, page, out,
						  (int)PAGE_SIZE, max, speed);
	memcpy(state, dict->packing, sizeof(*state));
	return LZ4_compress_fast_continue(state, page, out, (int)PAGE_SIZE,
					  max, speed);
}

static long lz4_pack(void *state, void *out, const void *page, size_t max,
		     int level, const struct dict *dict)
{
	int len;

	/* its digest is for one of the two */
	if (dict)
		level = dict->level;
	if (level >= HC_LEVEL)
		len = pack_hc((void *)((char *)state + hc_at()), out, page,
			      (int)max, level, dict);
	else
		len = pack_fast(state, out, page, (int)max, level, dict);
	return len > 0 ? len : -E2BIG;
}

static int lz4_unpack(void *state, void *page, const void *buf, size_t len,
		      const struct dict *dict)
{
	int got;

	(void)state;
	if (dict)
		got = LZ4_decompress_safe_usingDict(buf, page, (int)len,
						    (int)PAGE_SIZE,
						    (const char *)dict->content,
						    (int)dict->len);
	else
		got = LZ4_decompress_safe(buf, page, (int)len, (int)PAGE_SIZE);
	return got == (int)PAGE_SIZE ? 0 : -EBADMSG;
}

static size_t lz4_digest_len(void)
{
	return max_size(sizeof(LZ4_stream_t), sizeof(LZ4_streamHC_t));
}

static bool lz4_digest(struct dict *dict)
{
	const char *content = (const char *)dict->content;
	LZ4_streamHC_t *hc;
	LZ4_stream_t *fast;
	int len;

	dict->unpacking = NULL;
	dict->packing = dict->digest;
	if (dict->level >= HC_LEVEL) {
		hc = LZ4_initStreamHC(dict->digest, sizeof(*hc));
		LZ4_resetStreamHC_fast(hc, dict->level);
		len = LZ4_loadDictHC(hc, content, (int)dict->len);
	} else {
		fast = LZ4_initStream(dict->digest, sizeof(*fast));
		len = LZ4_loadDict(fast, content, (int)dict->len);
	}
	return len == (int)dict->len;
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.min_level = -99,
	.max_level = LZ4HC_CLEVEL_MAX,
	.level = 1,
	.state_len = lz4_state_len,
	.pack = lz4_pack,
	.unpack = lz4_unpack,
	.dict_most = DICT_MOST,
	.digest_len = lz4_digest_len,
	.digest = lz4_digest,
};
