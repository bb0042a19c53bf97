/* SPDX-License-Identifier: MIT */
/*
 * What a store ref says.
 *
 *	41                                  2 1 0
 *	| pool ref                          |  1 | an object of the pool
 *	| the low 40 bits of a word         |  2 | same-filled: sign-extended
 *	| 0                | 32 bits        |  3 | same-filled: repeated twice
 *
 * Zeros, small numbers of either sign, user addresses below 2^39 and any
 * repeated 32-bit pattern cost no memory.  Tag 0 is never used, so that no
 * ref is 0.
 */
#include "store/store.h"

#include <errno.h>

#include "base/count.h"
#include "base/log.h"
#include "base/torture.h"

enum tag {
	TAG_POOL = 1,
	TAG_WORD,
	TAG_HALF,
	TAG_MASK = 3
};

#define TAG_BITS	2

_Static_assert(POOL_REF_BITS + TAG_BITS <= STORE_REF_BITS, "ref fits");

static enum tag tag_of(struct store_ref ref)
{
	return (enum tag)(ref.bits & TAG_MASK);
}

static struct pool_ref pool_ref_of(struct store_ref ref)
{
	return (struct pool_ref){ ref.bits >> TAG_BITS };
}

static struct store_ref ref_of(struct pool_ref ref)
{
	return (struct store_ref){ ref.bits << TAG_BITS | TAG_POOL };
}

static bool store_moved(void *ctx, uint64_t owner, struct pool_ref from,
			struct pool_ref to)
{
	struct store *s = ctx;

	return s->cfg.moved(s->cfg.moved_ctx, owner, ref_of(from), ref_of(to));
}

int store_start(struct store *s, const struct store_config *cfg)
{
	struct pool_config pool = {
		.arena = cfg->arena,
		.reserve_len = cfg->reserve_len,
		.max = cfg->pool_max,
		.moved = store_moved,
		.moved_ctx = s,
	};

	s->cfg = *cfg;
	atomic_init(&s->nr_same, 0);
	s->max_len = min_size(PAGE_SIZE * cfg->accept_pct / 100, POOL_MAX_LEN);
	return pool_start(&s->pool, &pool);
}

/* Does WORD, repeated, fit in a ref? */
static bool word_to_ref(struct store_ref *ref, uint64_t word)
{
	uint64_t low = word & (((uint64_t)1 << POOL_REF_BITS) - 1);
	uint64_t top = word >> (POOL_REF_BITS - 1);

	if (top == 0 || top == UINT64_MAX >> (POOL_REF_BITS - 1))
		ref->bits = low << TAG_BITS | TAG_WORD;
	else if (word >> 32 == (uint32_t)word)
		ref->bits = word >> 32 << TAG_BITS | TAG_HALF;
	else
		return false;
	return true;
}

static uint64_t ref_to_word(struct store_ref ref)
{
	uint64_t value = ref.bits >> TAG_BITS;
	uint64_t sign = (uint64_t)1 << (POOL_REF_BITS - 1);

	if (tag_of(ref) == TAG_HALF)
		return value << 32 | (uint32_t)value;
	return (value ^ sign) - sign;
}

int store_put(struct store *s, struct store_ref *ref, struct codec *codec,
	      uint64_t owner, const void *page)
{
	enum codec_id id = CODEC_LZ4;
	struct pool_ref pref;
	const void *buf;
	uint64_t word;
	long len;
	int ret;

	ref->bits = 0;
	if (codec_is_same_filled(&word, page)) {
		count_one(UZSWAP_COUNT_same_filled);
		if (word_to_ref(ref, word)) {
			atomic_fetch_add_explicit(&s->nr_same, 1,
						  memory_order_relaxed);
			return 0;
		}
		id = CODEC_RAW;
	}
	if (pool_is_full(&s->pool) || torture_strikes(64))
		return -ENOSPC;
	len = codec_pack(codec, &buf, id, page, s->max_len);
	if (len < 0 || torture_strikes(64))
		return -E2BIG;
	ret = pool_put(&s->pool, &pref, owner, id, buf, (size_t)len);
	if (!ret)
		*ref = ref_of(pref);
	return ret;
}

int store_load(struct store *s, struct codec *codec, struct store_ref ref,
	       void *page)
{
	struct pool_object o;
	int ret;

	switch (tag_of(ref)) {
	case TAG_POOL:
		ret = pool_find(&s->pool, &o, pool_ref_of(ref));
		if (ret)
			return ret;
		return codec_unpack(codec, page, (enum codec_id)o.codec,
				    o.buf, o.len);
	case TAG_WORD:
	case TAG_HALF:
		codec_fill_same(page, ref_to_word(ref));
		return 0;
	default:
		return -EBADMSG;
	}
}

void store_drop(struct store *s, struct store_ref ref)
{
	switch (tag_of(ref)) {
	case TAG_POOL:
		pool_drop(&s->pool, pool_ref_of(ref));
		break;
	case TAG_WORD:
	case TAG_HALF:
		atomic_fetch_sub_explicit(&s->nr_same, 1,
					  memory_order_relaxed);
		break;
	default:
		die("store: not a ref");
	}
}

void store_set_owner(struct store *s, struct store_ref ref, uint64_t owner)
{
	if (tag_of(ref) == TAG_POOL)
		pool_set_owner(&s->pool, pool_ref_of(ref), owner);
}

size_t store_compact(struct store *s, size_t max_moves)
{
	return pool_compact(&s->pool, max_moves);
}

void store_set_pool_max(struct store *s, uint64_t pool_max)
{
	pool_set_max(&s->pool, pool_max);
}

void store_usage(const struct store *s, struct store_usage *out)
{
	struct pool_usage u;

	pool_usage(&s->pool, &u);
	out->same = atomic_load_explicit(&s->nr_same, memory_order_relaxed);
	out->pages = u.objects + out->same;
	out->packed = u.packed;
	out->used = u.used;
	out->metadata = u.metadata;
}

void store_fork_child(struct store *s)
{
	pool_fork_child(&s->pool);
}
