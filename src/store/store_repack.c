/* SPDX-License-Identifier: MIT */
/*
 * Packing again what lies idle, and dictionaries for it.
 */
#include "store/store_ref.h"

#include <errno.h>

/* An object is packed again for at least so much of its length. */
#define REPACK_GAIN	16	/* a 1/16 */

/* A dictionary is used if it makes pages a 1/DICT_GAIN smaller. */
#define DICT_GAIN	50

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
	return codec == store_codecs(s).first.id ||
	       (codec == store_codecs(s).second.id && again.id >= CODEC_DICT);
}

bool store_is_first(const struct store *s, struct store_ref ref)
{
	struct pool_ref object;

	return store_object_of(s, ref, &object) &&
	       is_first(s, again_by(s), pool_codec_of(&s->pool, object));
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
	struct pool_ref from;
	struct pool_object o;
	uint64_t owner;
	bool done;

	*saved = 0;
	if (again_by(s).id == CODEC_RAW || !store_is_first(s, ref))
		return STORE_KEPT;
	if (!store_object_of(s, ref, &from) ||
	    pool_hold(&s->pool, from, &o, &owner))
		return STORE_GONE;
	done = repack_held(s, codec, from, &o, owner, saved);
	pool_unhold(&s->pool, from, done);
	return done ? STORE_REPACKED : STORE_KEPT;
}

bool store_peek(struct store *s, struct codec *codec, struct store_ref ref,
		void *page)
{
	struct pool_ref object;
	struct pool_object o;
	uint64_t owner;
	bool ok;

	if (!store_object_of(s, ref, &object) ||
	    pool_hold(&s->pool, object, &o, &owner))
		return false;
	ok = !codec_unpack(codec, page, (enum codec_id)o.codec, o.buf, o.len);
	pool_unhold(&s->pool, object, false);
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
