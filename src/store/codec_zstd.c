/* SPDX-License-Identifier: MIT */
/*
 * zstd in memory of the caller: static contexts, made when first used, which
 * give an error where others would allocate.
 *
 * An object is a frame without magic number, length, checksum and name of
 * its dictionary: the pool has a length and a checksum of its own, and the
 * codec number says the dictionary.  That leaves 5 bytes of 1300.
 *
 * A dictionary is raw content; each page has Huffman tables of its own.
 * Tables in the dictionary (ZDICT) made mixed pages 3 % larger, as they fit
 * none of them well.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include <errno.h>

#include "store/codec.h"

/* More takes 5 times the time of 9 and gains 1 % on single pages. */
#define LEVEL_MAX	12

/*
 * The tables of a digested dictionary, 2^N entries: one for each position.
 * zstd would take four times as many, 1 MiB.
 */
#define TABLE_LOG	15

_Static_assert(DICT_LEN <= 1 << TABLE_LOG, "a place for each position");

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
			ZSTD_getCParams(level, PAGE_SIZE, DICT_LEN);

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

	if (!d || !len || len > PAGE_SIZE)
		return -EBADMSG;
	got = ZSTD_decompress_usingDDict(d, page, PAGE_SIZE, buf, len,
					 dict ? dict->unpacking : NULL);
	return got == PAGE_SIZE ? 0 : -EBADMSG;
}

/* What a dictionary is digested for: few tables, see TABLE_LOG. */
static ZSTD_compressionParameters digest_params(int level)
{
	ZSTD_compressionParameters p =
		ZSTD_getCParams(level, PAGE_SIZE, DICT_LEN);

	p.hashLog = (unsigned)min_size(p.hashLog, TABLE_LOG);
	p.chainLog = (unsigned)min_size(p.chainLog, TABLE_LOG);
	return p;
}

/* At any level, so that a later version has room in the same place. */
static size_t digest_pack_len(void)
{
	size_t most = 0;

	for (int level = 1; level <= LEVEL_MAX; level++)
		most = max_size(most, ZSTD_estimateCDictSize_advanced(DICT_LEN,
					digest_params(level), ZSTD_dlm_byRef));
	return most;
}

int codec_zstd_digest(struct dict *d, struct arena *a, int level)
{
	size_t unpack = round_up(ZSTD_estimateDDictSize(DICT_LEN,
							ZSTD_dlm_byRef), 64);
	size_t pack = digest_pack_len();

	if (!d->digest)
		d->digest = arena_alloc(a, unpack + pack);
	if (!d->digest)
		return -ENOMEM;
	d->unpacking = ZSTD_initStaticDDict(d->digest, unpack, d->content,
					    DICT_LEN, ZSTD_dlm_byRef,
					    ZSTD_dct_rawContent);
	d->packing = ZSTD_initStaticCDict((char *)d->digest + unpack, pack,
					  d->content, DICT_LEN, ZSTD_dlm_byRef,
					  ZSTD_dct_rawContent,
					  digest_params(level));
	return d->packing && d->unpacking ? 0 : -ENOMEM;
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.min_level = 1,
	.max_level = LEVEL_MAX,
	.level = 3,
	.state_len = zstd_state_len,
	.pack = zstd_pack,
	.unpack = zstd_unpack,
};
