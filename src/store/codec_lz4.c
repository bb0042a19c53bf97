/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in memory of the caller.
 *
 *	| last byte of the page | LZ4 block of the 4095 bytes before it |
 *
 * LZ4 clears its 16 KiB hash table for every input of 4096 bytes or more,
 * which takes longer than a well packing page does and throws the page out
 * of the first-level cache.  One byte less and it clears the table once in
 * 15 pages.  The last five bytes of a block are literals anyway, so that the
 * object does not get longer.
 */
#define LZ4_STATIC_LINKING_ONLY
#include <lz4.h>

#include <errno.h>
#include <stdint.h>

#include "store/codec.h"

#define TAIL	1			/* bytes kept as they are */
#define BODY	((int)PAGE_SIZE - TAIL)	/* bytes given to LZ4 */

size_t codec_lz4_state_len(void)
{
	return sizeof(LZ4_stream_t);
}

long codec_lz4_pack(void *state, void *out, const void *page, size_t max)
{
	const char *from = page;
	char *to = out;
	int len;

	if (max <= TAIL)
		return -E2BIG;
	to[0] = from[BODY];
	/* all zeros are a state that has been initialised */
	len = LZ4_compress_fast_extState_fastReset(state, from, to + TAIL,
						   BODY, (int)max - TAIL, 1);
	return len > 0 ? len + TAIL : -E2BIG;
}

int codec_lz4_unpack(void *page, const void *buf, size_t len)
{
	const char *from = buf;
	char *to = page;

	if (len <= TAIL || len > PAGE_SIZE)
		return -EBADMSG;
	if (LZ4_decompress_safe(from + TAIL, to, (int)len - TAIL, BODY) !=
	    BODY)
		return -EBADMSG;
	to[BODY] = from[0];
	return 0;
}
