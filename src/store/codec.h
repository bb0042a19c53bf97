/* SPDX-License-Identifier: MIT */
/*
 * Codecs: one page to fewer bytes, and back.  A codec context belongs to one
 * thread at a time and lives in arena memory: no codec ever allocates.
 *
 * Packing takes a choice, a codec and how hard it tries; unpacking needs the
 * number of the codec only, which an object keeps.  Every dictionary has a
 * number of its own (store/dict.h).
 *
 * Context: server.
 */
#ifndef UZ_STORE_CODEC_H
#define UZ_STORE_CODEC_H

#include "base/arena.h"
#include "base/types.h"
#include "store/dict.h"

/* Kept in objects: never renumber. */
enum codec_id {
	CODEC_RAW,	/* a same-filled page: its word, 8 bytes */
	CODEC_LZ4,	/* of any level */
	CODEC_ZSTD,	/* without dictionary, of any level */
	CODEC_DICT,	/* with dictionary 0; one number for each */
	CODEC_NR = CODEC_DICT + DICT_NR
};

/*
 * How to pack.  Levels of lz4: below 0 how much faster at the cost of size,
 * 1 the ordinary one, from 3 "HC", slow and denser, to unpack as fast as
 * any.  Levels of zstd: 1 and up, denser and slower.
 */
struct codec_choice {
	enum codec_id id;	/* CODEC_RAW: none */
	int level;
};

/* How pages are packed first, and again when they have long been idle. */
struct codec_pair {
	struct codec_choice first;
	struct codec_choice second;	/* CODEC_RAW: never again */
};

#define CODEC_PAIR_LZ4	{ { CODEC_LZ4, 1 }, { CODEC_RAW, 0 } }

/* What a codec can do; FORMAT of objects does not depend on the level. */
struct codec_ops {
	const char *name;
	int min_level;
	int max_level;
	int level;		/* if none is said */
	/* Of the memory for packing and unpacking; 0 none.  Zeroed before. */
	size_t (*state_len)(void);
	/* The length, at most MAX, or -E2BIG.  DICT may be NULL. */
	long (*pack)(void *state, void *out, const void *page, size_t max,
		     int level, const struct dict *dict);
	/* 0, or -EBADMSG if it is not exactly one page. */
	int (*unpack)(void *state, void *page, const void *buf, size_t len,
		      const struct dict *dict);
	size_t dict_most;	/* bytes of a dictionary it makes use of */
	/* Of the memory for a digest, at any level. */
	size_t (*digest_len)(void);
	/* Digest the content of DICT for its level; false: it can't. */
	bool (*digest)(struct dict *dict);
};

extern const struct codec_ops codec_lz4;
extern const struct codec_ops codec_zstd;

/* The codec of a choice or of an object without dictionary. */
static inline const struct codec_ops *codec_ops_of(enum codec_id id)
{
	return id == CODEC_LZ4 ? &codec_lz4
	     : id == CODEC_ZSTD ? &codec_zstd : NULL;
}

struct codec;		/* codec.c: states and an output buffer */

/* DICTS is kept, and may be filled later.  NULL without memory. */
MUST_USE struct codec *codec_new(struct arena *a, const struct dict_set *dicts);

/*
 * Read "lz4", "lz4:N", "zstd:N", or two of them joined by "+".
 * Returns  0 or -EINVAL
 */
MUST_USE int codec_parse(struct codec_pair *out, const char *text);

/* The same the other way; CODEC_TEXT bytes are enough. */
#define CODEC_TEXT	16
/* "lz4", "zstd", "dict 1"...; the same room. */
char *codec_id_name(enum codec_id id, char *buf, size_t len);
char *codec_format(struct codec_pair pair, char *buf, size_t len);

/*
 * Pack the page at PAGE into the context's own buffer, at most MAX bytes.
 *
 * out      out: the packed bytes, valid until the next call
 *
 * Returns  the packed length, or -E2BIG
 */
MUST_USE long codec_pack(struct codec *c, const void **out,
			 struct codec_choice how, const void *page,
			 size_t max);

/* 0, or -EBADMSG if LEN bytes at BUF do not unpack to exactly one page. */
MUST_USE int codec_unpack(struct codec *c, void *page, enum codec_id id,
			  const void *buf, size_t len);

/* A page of the context's own, for who unpacks only to pack again. */
void *codec_scratch(struct codec *c);

/*
 * Is the page one repeated 8-byte word?  Its value then in *WORD.
 */
bool codec_is_same_filled(uint64_t *word, const void *page);

/* Make PAGE WORD, repeated. */
void codec_fill_same(void *page, uint64_t word);

/*
 * Do the bytes of PAGE look like noise, so that no codec can do much with
 * them that LZ4 could not?  By a sample: a hint.
 */
bool codec_is_noise(const void *page);

#endif
