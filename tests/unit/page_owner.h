/* SPDX-License-Identifier: MIT */
/*
 * A store with owners who know their pages: a checksum of each is kept
 * beside, made before it is stored.
 */
#ifndef UZ_TESTS_PAGE_OWNER_H
#define UZ_TESTS_PAGE_OWNER_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define NR_PAGES	2000u

static struct arena arena;
static struct store store;
static struct codec *codec;
static struct dict_trainer trainer;
static struct store_ref refs[NR_PAGES];
static uint64_t sums[NR_PAGES];
static unsigned char page[PAGE_SIZE];

/* What the owner says when asked, and does before. */
static void (*meanwhile)(uint64_t owner);
static bool busy;

static inline bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	(void)ctx;
	if (meanwhile)
		meanwhile(owner);
	if (busy || refs[owner].bits != from.bits)
		return false;
	refs[owner] = to;
	return true;
}

static inline int start_with(const char *codecs)
{
	struct store_config cfg = {
		.arena = &arena,
		.reserve_len = 64 * MIB,
		.accept_pct = 75,
		.moved = moved,
	};

	meanwhile = NULL;
	busy = false;
	memset(refs, 0, sizeof(refs));
	if (codec_parse(&cfg.codecs, codecs) ||
	    arena_start(&arena, 256 * MIB) || store_start(&store, &cfg) ||
	    dict_trainer_init(&trainer, &arena))
		return -1;
	codec = codec_new(&arena, &store.dicts);
	return codec ? 0 : -1;
}

static inline int start(void **state)
{
	(void)state;
	return start_with("lz4+zstd:3");
}

static inline int stop(void **state)
{
	(void)state;
	assert_true(pool_is_valid(&store.pool));
	munmap((void *)arena.base, arena.end - arena.base);
	return 0;
}

static inline uint64_t roll(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t sum_of(const void *p)
{
	const unsigned char *at = p;
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < PAGE_SIZE; i++)
		sum = (sum ^ at[i]) * 1099511628211u;
	return sum;
}

/* Words of a vocabulary of KIND and numbers: text that packs well. */
static inline void fill(unsigned kind, uint64_t seed)
{
	uint64_t r = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < PAGE_SIZE; i += 8) {
		uint64_t word = kind * 1000 + (roll(&r) >> 20) % 150;

		if (i % 64)
			word = roll(&word) * 0x9e3779b97f4a7c15u;
		memcpy(page + i, &word, 8);
	}
}

static inline void put(unsigned owner, unsigned kind)
{
	fill(kind, owner + 1);
	sums[owner] = sum_of(page);
	assert_int_equal(store_put(&store, &refs[owner], codec, owner, page),
			 0);
}

static inline void check(unsigned owner)
{
	memset(page, 0x5a, PAGE_SIZE);
	assert_int_equal(store_load(&store, codec, refs[owner], page), 0);
	assert_true(sum_of(page) == sums[owner]);
}

static inline void check_all(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		check(i);
}

static inline struct store_usage usage(void)
{
	struct store_usage u;

	store_usage(&store, &u);
	return u;
}

static inline unsigned repack(unsigned from, unsigned to)
{
	unsigned done = 0;

	for (unsigned i = from; i < to; i++) {
		size_t saved;

		done += store_repack(&store, codec, refs[i], &saved) ==
			STORE_REPACKED;
	}
	return done;
}

static inline int train(unsigned kind)
{
	int ret;
	void *to;

	for (unsigned i = 0; (to = dict_trainer_next(&trainer)); i++) {
		fill(kind, 100000 + i);
		memcpy(to, page, PAGE_SIZE);
	}
	ret = store_train(&store, codec, &trainer);
	dict_trainer_reset(&trainer, &arena, 0);
	return ret;
}

#endif
