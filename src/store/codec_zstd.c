/* SPDX-License-Identifier: MIT */
/*
 * zstd in memory of the caller: static contexts, made when first used, which
 * give an error where others would allocate.
 *
 * An object is a frame without magic number, length, checksum and name of
 * its dictionary: the pool has a length and a checksum of its own, and the
 * codec number says the dictionary.  That leaves 5 bytes.
 *
 * A dictionary is raw content; each page has Huffman tables of its own, as
 * pages of all kinds share it and common ones fit none of them well.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include <errno.h>

#include "store/codec.h"

/* The levels above are for windows larger than a page and a dictionary. */
#define LEVEL_MAX	19

/* From these on tables are trees, with two entries for each position. */
#define TREES_FROM	ZSTD_btlazy2

/* At the head of the state, with the memory of both behind it. */
struct contexts {
	ZSTD_CCtx *pack;	/* NULL: not made yet */
	ZSTD_DCtx *unpack;
};

/*
 * The library asks for these, weakly, and would find them in the program;
 * there they are for tracing.
 */
unsigned long long ZSTD_trace_compress_begin(const ZSTD_CCtx *c);
void ZSTD_trace_compress_end(unsigned long long ctx, const void *trace);
unsigned long long ZSTD_trace_decompress_begin(const ZSTD_DCtx *c);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

unsigned long long ZSTD_trace_compress_begin(const ZSTD_CCtx *c)
{
	(void)c;
	return 0;
}

void ZSTD_trace_compress_end(unsigned long long ctx, const void *trace)
{
	(void)ctx;
	(void)trace;
}

unsigned long long ZSTD_trace_decompress_begin(const ZSTD_DCtx *c)
{
	(void)c;
	return 0;
}

void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace)
{
	(void)ctx;
	(void)trace;
}

static size_t pack_at(void)
{
	return round_up(sizeof(struct contexts), 64);
}

/* Enough for a page at any level, with a dictionary too. */
static size_t pack_len(void)
{
	size_t most = 0;

	for (int level = 1; level <= LEVEL_MAX; level++) {
		ZSTD_compressionParameters p =
			ZSTD_getCParams(level, PAGE_SIZE, DICT_LARGE);

		most = max_size(most, ZSTD_estimateCCtxSize_usingCParams(p));
	}
	return round_up(most, 64);
}

static size_t zstd_state_len(void)
{
	return pack_at() + pack_len() + ZSTD_estimateDCtxSize();
}

static ZSTD_CCtx *pack_context(struct contexts *x)
{
	ZSTD_CCtx *c = x->pack;

	if (likely(c))
		return c;
	c = ZSTD_initStaticCCtx((char *)x + pack_at(), pack_len());
	if (!c ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_format,
						ZSTD_f_zstd1_magicless)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag,
						0)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_dictIDFlag, 0)))
		return NULL;
	x->pack = c;
	return c;
}

static ZSTD_DCtx *unpack_context(struct contexts *x)
{
	ZSTD_DCtx *d = x->unpack;

	if (likely(d))
		return d;
	d = ZSTD_initStaticDCtx((char *)x + pack_at() + pack_len(),
				ZSTD_estimateDCtxSize());
	if (!d || ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_format,
						      ZSTD_f_zstd1_magicless)))
		return NULL;
	x->unpack = d;
	return d;
}

static long zstd_pack(void *state, void *out, const void *page, size_t max,
		      int level, const struct dict *dict)
{
	ZSTD_CCtx *c = pack_context(state);
	size_t len;

	/* a page that did not fit has left it in the middle of a frame */
	if (!c || ZSTD_isError(ZSTD_CCtx_reset(c, ZSTD_reset_session_only)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel,
						level)) ||
	    ZSTD_isError(ZSTD_CCtx_refCDict(c, dict ? dict->packing : NULL)))
		return -E2BIG;
	len = ZSTD_compress2(c, out, max, page, PAGE_SIZE);
	return ZSTD_isError(len) ? -E2BIG : (long)len;
}

static int zstd_unpack(void *state, void *page, const void *buf, size_t len,
		       const struct dict *dict)
{
	ZSTD_DCtx *d = unpack_context(state);
	size_t got;

	if (!d)
		return -EBADMSG;
	got = ZSTD_decompress_usingDDict(d, page, PAGE_SIZE, buf, len,
					 dict ? dict->unpacking : NULL);
	return got == PAGE_SIZE ? 0 : -EBADMSG;
}

/*
 * What a dictionary of LEN bytes is digested for: tables with a place for
 * each position, where zstd would take four times as many.
 */
static ZSTD_compressionParameters digest_params(int level, size_t len)
{
	ZSTD_compressionParameters p = ZSTD_getCParams(level, PAGE_SIZE, len);
	unsigned log = len > DICT_SMALL ? 17 : 15;

	_Static_assert(DICT_SMALL <= 1 << 15 && DICT_LARGE <= 1 << 17,
		       "a place for each position");
	p.hashLog = (unsigned)min_size(p.hashLog, log);
	p.chainLog = (unsigned)min_size(p.chainLog,
					log + (p.strategy >= TREES_FROM));
	return p;
}

static size_t digest_unpack_len(void)
{
	return round_up(ZSTD_estimateDDictSize(DICT_LARGE, ZSTD_dlm_byRef),
			64);
}

static size_t digest_pack_len(void)
{
	size_t most = 0;

	for (int level = 1; level <= LEVEL_MAX; level++)
		most = max_size(most,
				ZSTD_estimateCDictSize_advanced(DICT_LARGE,
					digest_params(level, DICT_LARGE),
					ZSTD_dlm_byRef));
	return most;
}

static size_t zstd_digest_len(void)
{
	return digest_unpack_len() + digest_pack_len();
}

static bool zstd_digest(struct dict *d)
{
	size_t unpack = digest_unpack_len();

	d->unpacking = ZSTD_initStaticDDict(d->digest, unpack, d->content,
					    d->len, ZSTD_dlm_byRef,
					    ZSTD_dct_rawContent);
	d->packing = ZSTD_initStaticCDict((char *)d->digest + unpack,
					  digest_pack_len(), d->content,
					  d->len, ZSTD_dlm_byRef,
					  ZSTD_dct_rawContent,
					  digest_params(d->level, d->len));
	return d->packing && d->unpacking;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.min_level = 1,
	.max_level = LEVEL_MAX,
	.level = 3,
	.state_len = zstd_state_len,
	.pack = zstd_pack,
	.unpack = zstd_unpack,
	.dict_most = DICT_LARGE,
	.digest_len = zstd_digest_len,
	.digest = zstd_digest,
};
