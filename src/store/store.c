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
#include <string.h>

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

/* An object is packed again for at least so much of its length. */
#define REPACK_GAIN	16	/* a 1/16 */

/* A dictionary is used if it makes pages a 1/DICT_GAIN smaller. */
#define DICT_GAIN	50

/* Levels that are quick enough for a page on its way out. */
#define QUICK_LEVEL	3

_Static_assert((unsigned)CODEC_NR <= POOL_NR_CODECS, "codec fits");
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

bool store_ref_in_pool(struct store_ref ref, struct pool_ref *out)
{
	*out = pool_ref_of(ref);
	return tag_of(ref) == TAG_POOL;
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
	atomic_init(&s->first, cfg->codecs.first);
	atomic_init(&s->second, cfg->codecs.second);
	store_set_accept_pct(s, cfg->accept_pct);
	memset(&s->dicts, 0, sizeof(s->dicts));
	atomic_init(&s->dict, 0);
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

static struct codec_choice first_of(const struct store *s)
{
	return atomic_load_explicit(&s->first, memory_order_relaxed);
}

/*
 * Pack a page that is not same-filled but perhaps CODEC_RAW.  What the first
 * codec can't do much with, machine code for one, may still pay with the
 * second; it is tried there at once, as it would never be stored otherwise.
 * But not by more effort of the same codec, which finds what little there is
 * in ten times as long.
 */
static long pack(const struct store *s, struct codec *codec,
		 struct codec_choice *how, const void **buf, const void *page)
{
	size_t max = atomic_load_explicit(&s->max_len, memory_order_relaxed);
	struct codec_choice second = store_codecs(s).second;
	long len = codec_pack(codec, buf, *how, page, max);

	if (likely(len >= 0) || second.id == CODEC_RAW ||
	    second.id == how->id || codec_is_noise(page))
		return len;
	second.level = second.level < QUICK_LEVEL ? second.level : QUICK_LEVEL;
	*how = second;
	len = codec_pack(codec, buf, *how, page, max);
	if (len >= 0)
		count_one(UZSWAP_COUNT_packed_second);
	return len;
}

int store_put(struct store *s, struct store_ref *ref, struct codec *codec,
	      uint64_t owner, const void *page)
{
	struct codec_choice how = first_of(s);
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
		how.id = CODEC_RAW;
	}
	if (pool_is_full(&s->pool) || torture_strikes(64))
		return -ENOSPC;
	len = pack(s, codec, &how, &buf, page);
	if (len < 0 || torture_strikes(64))
		return -E2BIG;
	ret = pool_put(&s->pool, &pref, owner, how.id, buf, (size_t)len);
	if (!ret)
		*ref = ref_of(pref);
	return ret;
}

long store_measure(const struct store *s, struct codec *codec,
		   const void *page)
{
	struct codec_choice how = first_of(s);
	struct store_ref ref;
	const void *buf;
	uint64_t word;
	long len;

	if (codec_is_same_filled(&word, page)) {
		if (word_to_ref(&ref, word))
			return 0;
		how.id = CODEC_RAW;
	}
	len = pack(s, codec, &how, &buf, page);
	return len < 0 ? -E2BIG : (long)pool_share(&s->pool, (size_t)len);
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

bool store_is_of(const struct store *s, struct store_ref ref, uint64_t owner)
{
	return tag_of(ref) == TAG_POOL
		? pool_is_of(&s->pool, pool_ref_of(ref), owner)
		: tag_of(ref) == TAG_WORD || tag_of(ref) == TAG_HALF;
}

size_t store_compact(struct store *s, size_t max_moves)
{
	return pool_compact(&s->pool, max_moves);
}

/* --- packing again -------------------------------------------------------- */

/* The second codec as it is to be used now; CODEC_RAW: none. */
static struct codec_choice again_by(const struct store *s)
{
	unsigned nr = atomic_load_explicit(&s->dict, memory_order_relaxed);
	struct codec_choice how = store_codecs(s).second;
	const struct dict *d = nr ? dict_at(&s->dicts, nr - 1) : NULL;

	/* it may have been made for another one */
	if (d && d->ops == codec_ops_of(how.id) && d->level == how.level)
		how.id = (enum codec_id)(CODEC_DICT + nr - 1);
	return how;
}

/* Pack the held object FROM into one of its own; true if it moved there. */
static bool repack_held(struct store *s, struct codec *codec,
			struct pool_ref from, const struct pool_object *o,
			uint64_t owner, size_t *saved)
{
	struct codec_choice how = again_by(s);
	size_t max = o->len - o->len / REPACK_GAIN;
	void *page = codec_scratch(codec);
	struct pool_ref to;
	const void *buf;
	long len;

	if (codec_unpack(codec, page, (enum codec_id)o->codec, o->buf, o->len))
		return false;
	len = codec_pack(codec, &buf, how, page, max);
	if (len < 0 || pool_put(&s->pool, &to, owner, how.id, buf,
				(size_t)len))
		return false;
	*saved = o->len - (size_t)len;
	if (store_moved(s, owner, from, to))
		return true;
	pool_drop(&s->pool, to);
	*saved = 0;
	return false;
}

/* Is CODEC one that what AGAIN says would replace? */
static bool is_first(const struct store *s, struct codec_choice again,
		     unsigned codec)
{
	return codec == first_of(s).id ||
	       (codec == store_codecs(s).second.id && again.id >= CODEC_DICT);
}

bool store_is_first(const struct store *s, struct store_ref ref)
{
	return tag_of(ref) == TAG_POOL &&
	       is_first(s, again_by(s), pool_codec_of(&s->pool,
						      pool_ref_of(ref)));
}

uint64_t store_nr_first(const struct store *s)
{
	struct codec_choice again = again_by(s);
	struct pool_usage u;
	uint64_t nr = 0;

	pool_usage(&s->pool, &u);
	for (unsigned i = CODEC_LZ4; i < CODEC_DICT; i++)
		nr += is_first(s, again, i) ? u.nr_by_codec[i] : 0;
	return nr;
}

enum store_repacked store_repack(struct store *s, struct codec *codec,
				 struct store_ref ref, size_t *saved)
{
	struct pool_ref from = pool_ref_of(ref);
	struct pool_object o;
	uint64_t owner;
	bool done;

	*saved = 0;
	if (again_by(s).id == CODEC_RAW || !store_is_first(s, ref))
		return STORE_KEPT;
	if (pool_hold(&s->pool, from, &o, &owner))
		return STORE_GONE;
	done = repack_held(s, codec, from, &o, owner, saved);
	pool_unhold(&s->pool, from, done);
	return done ? STORE_REPACKED : STORE_KEPT;
}

bool store_peek(struct store *s, struct codec *codec, struct store_ref ref,
		void *page)
{
	struct pool_object o;
	uint64_t owner;
	bool ok;

	if (tag_of(ref) != TAG_POOL ||
	    pool_hold(&s->pool, pool_ref_of(ref), &o, &owner))
		return false;
	ok = !codec_unpack(codec, page, (enum codec_id)o.codec, o.buf, o.len);
	pool_unhold(&s->pool, pool_ref_of(ref), false);
	return ok;
}

int store_train_begin(struct store *s)
{
	struct store_training *t = &s->training;
	unsigned used = atomic_load_explicit(&s->dict, memory_order_relaxed);
	struct pool_usage use;
	unsigned i = 0;

	*t = (struct store_training){ .now = again_by(s) };
	t->with = store_codecs(s).second;
	if (t->with.id == CODEC_RAW)
		return -E2BIG;
	pool_usage(&s->pool, &use);
	while (i < DICT_NR && (use.nr_by_codec[CODEC_DICT + i] ||
			       used == i + 1))
		i++;
	if (i == DICT_NR)
		return -ENOSPC;
	if (dict_prepare(&s->dicts, i, s->cfg.arena, codec_ops_of(t->with.id),
			 t->with.level))
		return -ENOMEM;
	t->with.id = (enum codec_id)(CODEC_DICT + i);
	return 0;
}

int store_train_make(struct store *s, struct dict_trainer *t)
{
	return dict_make(&s->dicts, s->training.with.id - CODEC_DICT, t);
}

/* Bytes that it takes; a page, if it does not pack. */
static size_t packed_len(struct codec *codec, struct codec_choice how,
			 const void *page)
{
	const void *buf;
	long len = codec_pack(codec, &buf, how, page, PAGE_SIZE);

	return len < 0 ? PAGE_SIZE : (size_t)len;
}

bool store_train_try(struct store *s, struct codec *codec,
		     const struct dict_trainer *dt)
{
	struct store_training *t = &s->training;
	const void *page;

	if (t->nr == DICT_TRIED)
		return false;
	page = dict_trainer_tried(dt, t->nr++);
	t->len_now += packed_len(codec, t->now, page);
	t->len_with += packed_len(codec, t->with, page);
	return true;
}

int store_train_end(struct store *s)
{
	struct store_training *t = &s->training;

	if (t->len_with > t->len_now - t->len_now / DICT_GAIN)
		return -E2BIG;
	atomic_store_explicit(&s->dict, t->with.id - CODEC_DICT + 1,
			      memory_order_relaxed);
	return 0;
}

int store_train(struct store *s, struct codec *codec, struct dict_trainer *t)
{
	int ret = store_train_begin(s);

	if (!ret)
		ret = store_train_make(s, t);
	if (ret)
		return ret;
	while (store_train_try(s, codec, t))
		;
	return store_train_end(s);
}

void store_set_codecs(struct store *s, struct codec_pair codecs)
{
	atomic_store_explicit(&s->first, codecs.first, memory_order_relaxed);
	atomic_store_explicit(&s->second, codecs.second,
			      memory_order_relaxed);
}

struct codec_pair store_codecs(const struct store *s)
{
	return (struct codec_pair){
		atomic_load_explicit(&s->first, memory_order_relaxed),
		atomic_load_explicit(&s->second, memory_order_relaxed),
	};
}

void store_set_accept_pct(struct store *s, uint32_t pct)
{
	atomic_store_explicit(&s->max_len,
			      min_size(PAGE_SIZE * pct / 100, POOL_MAX_LEN),
			      memory_order_relaxed);
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
	for (unsigned i = 0; i < CODEC_NR; i++) {
		out->nr_by_codec[i] = u.nr_by_codec[i];
		out->packed_by_codec[i] = u.packed_by_codec[i];
	}
}

void store_seal(struct store *s)
{
	pool_seal(&s->pool);
}

void store_unseal(struct store *s)
{
	pool_unseal(&s->pool);
}

void store_fork_child(struct store *s)
{
	pool_fork_child(&s->pool);
}
