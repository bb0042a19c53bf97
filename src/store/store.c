/* SPDX-License-Identifier: MIT */
/*
 * A page on its way in: same-filled, or equal to one that is there, or packed.
 */
#include "store/store.h"

#include <errno.h>
#include <string.h>

#include "base/count.h"
#include "base/log.h"
#include "base/torture.h"
#include "store/store_ref.h"
#include "store/sum.h"

/* Levels that are quick enough for a page on its way out. */
#define QUICK_LEVEL	3

_Static_assert((unsigned)CODEC_NR <= POOL_NR_CODECS, "codec fits");
_Static_assert(POOL_REF_BITS + TAG_BITS <= STORE_REF_BITS, "ref fits");

bool store_moved(struct store *s, uint64_t owner, struct pool_ref from,
		 struct pool_ref to)
{
	if (unlikely(joint_is_owner(&s->joint, owner)))
		return joint_moved(&s->joint, owner, from, to);
	return s->cfg.moved(s->cfg.moved_ctx, owner, store_ref_of(from),
			    store_ref_of(to));
}

static bool object_moved(void *store, uint64_t owner, struct pool_ref from,
			 struct pool_ref to)
{
	return store_moved(store, owner, from, to);
}

int store_start(struct store *s, const struct store_config *cfg)
{
	struct pool_config pool = {
		.arena = cfg->arena,
		.reserve_len = cfg->reserve_len,
		.max = cfg->pool_max,
		.moved = object_moved,
		.moved_ctx = s,
	};

	s->cfg = *cfg;
	atomic_init(&s->nr_same, 0);
	atomic_init(&s->first, cfg->codecs.first);
	atomic_init(&s->second, cfg->codecs.second);
	store_set_accept_pct(s, cfg->accept_pct);
	memset(&s->dicts, 0, sizeof(s->dicts));
	atomic_init(&s->dict, 0);
	store_set_share_equal(s, cfg->share_equal);
	if (pool_start(&s->pool, &pool))
		return -ENOMEM;
	/* no page of the program has the number of one of ours */
	return joint_start(&s->joint, cfg->arena,
			   (uintptr_t)s->pool.slabs.base >> PAGE_SHIFT,
			   s->pool.slabs.nr_max - 1);
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

	if (store_tag_of(ref) == TAG_HALF)
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

/* --- pages with the same bytes -------------------------------------------- */

/* One page of SAMPLE is looked at while sharing does not pay. */
#define SAMPLE		16u

/*
 * It pays when one page in so many has no object of its own; all are looked
 * at, too, while there are few.  An entry takes 20 bytes and 0.3 us, and not
 * all that pages have in common is common for long.
 */
#define PAYS_PART	32u
#define PAYS_FEW	2048u

/* Chosen by what is in it, so that all pages that are equal are, or none. */
static bool is_sample(const void *page)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PAGE_SIZE; i += CACHE_LINE) {
		uint64_t word;

		memcpy(&word, (const char *)page + i, sizeof(word));
		sum += word;
	}
	return (sum * 0x9e3779b97f4a7c15ull >> 32) % SAMPLE == 0;
}

static bool is_joint_wanted(const struct store *s, const void *page)
{
	uint64_t nr;

	if (likely(!atomic_load_explicit(&s->share_equal,
					 memory_order_relaxed)))
		return false;
	nr = atomic_load_explicit(&s->joint.nr, memory_order_relaxed);
	return nr < PAYS_FEW + PAYS_PART * joint_saved(&s->joint) ||
	       is_sample(page);
}

static bool is_page(struct store *s, struct codec *codec, struct pool_ref ref,
		    const void *page)
{
	void *there = codec_scratch(codec);
	struct pool_object o;

	return !pool_find(&s->pool, &o, ref) &&
	       !codec_unpack(codec, there, (enum codec_id)o.codec, o.buf,
			     o.len) &&
	       !memcmp(there, page, PAGE_SIZE);
}

static void drop_joint(struct store *s, uint32_t entry)
{
	struct pool_ref object = joint_drop(&s->joint, entry);

	if (object.bits)
		pool_drop(&s->pool, object);
}

/* Is there an object of a page like this one?  Then REF names it. */
static bool join(struct store *s, struct store_ref *ref, struct codec *codec,
		 uint32_t sum, const void *page)
{
	uint32_t entry = joint_find(&s->joint, sum);
	bool same;

	if (!entry)
		return false;
	same = is_page(s, codec, joint_object(&s->joint, entry), page);
	joint_unpin(&s->joint, entry);
	if (same) {
		count_one(UZSWAP_COUNT_shared);
		*ref = store_ref_joint(entry);
	} else {
		count_one(UZSWAP_COUNT_share_refused);
		drop_joint(s, entry);
	}
	return same;
}

/* An object that pages with the same SUM may join. */
static int put_joint(struct store *s, struct store_ref *ref, uint32_t sum,
		     unsigned codec, const void *buf, size_t len)
{
	uint32_t entry = joint_take(&s->joint);
	struct pool_ref object;

	int ret;

	if (!entry) {
		count_one(UZSWAP_COUNT_share_refused);
		return -ENOMEM;
	}
	ret = pool_put(&s->pool, &object, joint_owner(&s->joint, entry), codec,
		       buf, len);
	if (ret) {
		joint_give(&s->joint, entry);
		return ret;
	}
	joint_publish(&s->joint, entry, sum, object);
	*ref = store_ref_joint(entry);
	return 0;
}

/* --- in and out ----------------------------------------------------------- */

int store_put(struct store *s, struct store_ref *ref, struct codec *codec,
	      uint64_t owner, const void *page)
{
	struct codec_choice how = first_of(s);
	struct pool_ref pref;
	bool joint = false;
	const void *buf;
	uint32_t sum = 0;
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
	} else if (is_joint_wanted(s, page)) {
		joint = true;
		sum = (uint32_t)sum_bytes(page, PAGE_SIZE, 0);
		if (join(s, ref, codec, sum, page))
			return 0;
	}
	if (pool_is_full(&s->pool) || torture_strikes(64))
		return -ENOSPC;
	len = pack(s, codec, &how, &buf, page);
	if (len < 0 || torture_strikes(64))
		return -E2BIG;
	if (joint && !put_joint(s, ref, sum, how.id, buf, (size_t)len))
		return 0;
	ret = pool_put(&s->pool, &pref, owner, how.id, buf, (size_t)len);
	if (!ret)
		*ref = store_ref_of(pref);
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

static int load_object(struct store *s, struct codec *codec,
		       struct pool_ref ref, void *page)
{
	struct pool_object o;
	int ret = pool_find(&s->pool, &o, ref);

	if (ret)
		return ret;
	return codec_unpack(codec, page, (enum codec_id)o.codec, o.buf, o.len);
}

int store_load(struct store *s, struct codec *codec, struct store_ref ref,
	       void *page)
{
	uint32_t entry = store_entry_of(ref);
	int ret;

	switch (store_tag_of(ref)) {
	case TAG_POOL:
		return load_object(s, codec, store_pool_ref(ref), page);
	case TAG_WORD:
	case TAG_HALF:
		codec_fill_same(page, ref_to_word(ref));
		return 0;
	case TAG_JOINT:
		if (!joint_object(&s->joint, entry).bits)
			return -EBADMSG;
		ret = load_object(s, codec, joint_pin(&s->joint, entry), page);
		joint_unpin(&s->joint, entry);
		return ret;
	default:
		return -EBADMSG;
	}
}

void store_drop(struct store *s, struct store_ref ref)
{
	switch (store_tag_of(ref)) {
	case TAG_POOL:
		pool_drop(&s->pool, store_pool_ref(ref));
		break;
	case TAG_WORD:
	case TAG_HALF:
		atomic_fetch_sub_explicit(&s->nr_same, 1,
					  memory_order_relaxed);
		break;
	case TAG_JOINT:
		drop_joint(s, store_entry_of(ref));
		break;
	default:
		die("store: not a ref");
	}
}

void store_set_owner(struct store *s, struct store_ref ref, uint64_t owner)
{
	if (store_tag_of(ref) == TAG_POOL)
		pool_set_owner(&s->pool, store_pool_ref(ref), owner);
}

bool store_is_of(const struct store *s, struct store_ref ref, uint64_t owner)
{
	struct pool_ref object;

	if (!store_object_of(s, ref, &object))
		return store_tag_of(ref) > TAG_POOL;
	if (store_tag_of(ref) == TAG_JOINT)
		owner = joint_owner(&s->joint, store_entry_of(ref));
	return pool_is_of(&s->pool, object, owner);
}

size_t store_compact(struct store *s, size_t max_moves)
{
	return pool_compact(&s->pool, max_moves);
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

void store_set_share_equal(struct store *s, bool share_equal)
{
	atomic_store_explicit(&s->share_equal, share_equal,
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
	out->shared = joint_saved(&s->joint);
	out->pages = u.objects + out->same + out->shared;
	out->packed = u.packed;
	out->used = u.used;
	out->metadata = u.metadata + joint_len(&s->joint);
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
	joint_fork_child(&s->joint);
}
