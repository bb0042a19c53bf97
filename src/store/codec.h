/* SPDX-License-Identifier: MIT */
/*
 * Codecs: one page to fewer bytes, and back.  A codec context belongs to one
 * thread at a time and lives in arena memory: no codec ever allocates.
 *
 * Context: server.
 */
#ifndef UZ_STORE_CODEC_H
#define UZ_STORE_CODEC_H

#include "base/arena.h"
#include "base/types.h"

/* Kept in objects: never renumber. */
enum codec_id {
	CODEC_RAW,	/* a same-filled page: its word, 8 bytes */
	CODEC_LZ4,
	CODEC_NR
};

struct codec;		/* codec.c: LZ4 state and an output buffer */

/* NULL without memory. */
MUST_USE struct codec *codec_new(struct arena *a);

/*
 * Pack the page at PAGE into the context's own buffer, at most MAX bytes.
 *
 * out      out: the packed bytes, valid until the next call
 *
 * Returns  the packed length, or -E2BIG
 */
MUST_USE long codec_pack(struct codec *c, const void **out, enum codec_id id,
			 const void *page, size_t max);

/* 0, or -EBADMSG if LEN bytes at BUF do not unpack to exactly one page. */
MUST_USE int codec_unpack(struct codec *c, void *page, enum codec_id id,
			  const void *buf, size_t len);

/*
 * Is the page one repeated 8-byte word?  Its value then in *WORD.
 */
bool codec_is_same_filled(uint64_t *word, const void *page);

/* Make PAGE WORD, repeated. */
void codec_fill_same(void *page, uint64_t word);

/*
 * For codec.c.  STATE is codec_lz4_state_len() bytes aligned to 8, OUT has
 * room for MAX.
 */
size_t codec_lz4_state_len(void);
MUST_USE long codec_lz4_pack(void *state, void *out, const void *page,
			     size_t max);
MUST_USE int codec_lz4_unpack(void *page, const void *buf, size_t len);

#endif
