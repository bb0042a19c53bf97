/* SPDX-License-Identifier: MIT */
/*
 * A pool with owners who know their objects, for tests of the pool.
 */
#ifndef UZ_TESTS_POOL_OWNER_H
#define UZ_TESTS_POOL_OWNER_H

#include "store/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define RESERVE		(64 * MIB)
#define NR_MOST		20000
#define CODEC		5

static struct arena arena;
static struct pool pool;

/* Where the object of owner I is and what it should be. */
static struct pool_ref refs[NR_MOST];
static size_t lens[NR_MOST];
static unsigned char bytes[POOL_MAX_LEN];

/* What moved() does; tests point it at one of the functions below. */
static bool (*react)(uint64_t owner, struct pool_ref from,
		     struct pool_ref to);
static unsigned nr_moved;

static inline bool moved(void *ctx, uint64_t owner, struct pool_ref from,
			 struct pool_ref to)
{
	assert_ptr_equal(ctx, &pool);
	assert_true(owner < NR_MOST);
	nr_moved++;
	return react(owner, from, to);
}

static inline bool agree(uint64_t owner, struct pool_ref from,
			 struct pool_ref to)
{
	if (refs[owner].bits != from.bits)
		return false;
	refs[owner] = to;
	return true;
}

static inline void start_with(uint64_t max, size_t reserve)
{
	struct pool_config cfg = {
		.arena = &arena,
		.reserve_len = reserve,
		.max = max,
		.moved = moved,
		.moved_ctx = &pool,
	};

	assert_int_equal(arena_start(&arena, 2 * reserve + 64 * MIB), 0);
	assert_int_equal(pool_start(&pool, &cfg), 0);
	memset(refs, 0, sizeof(refs));
	react = agree;
	nr_moved = 0;
}

static inline int start(void **state)
{
	(void)state;
	start_with(0, RESERVE);
	return 0;
}

static inline int stop(void **state)
{
	(void)state;
	assert_true(pool_is_valid(&pool));
	munmap((void *)arena.base, arena.end - arena.base);
	return 0;
}

/* The bytes of owner I's object: they say whose they are. */
static inline const void *bytes_of(uint64_t owner, size_t len)
{
	uint32_t r = (uint32_t)owner * 2654435761u + (uint32_t)len;

	for (size_t i = 0; i < len; i++) {
		r = r * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(r >> 24);
	}
	return bytes;
}

static inline int put(uint64_t owner, size_t len)
{
	lens[owner] = len;
	return pool_put(&pool, &refs[owner], owner, CODEC,
			bytes_of(owner, len), len);
}

static inline void check(uint64_t owner)
{
	struct pool_object o;

	assert_int_equal(pool_find(&pool, &o, refs[owner]), 0);
	assert_int_equal(o.len, lens[owner]);
	assert_int_equal(o.codec, CODEC);
	assert_memory_equal(o.buf, bytes_of(owner, lens[owner]), o.len);
}

static inline void drop(uint64_t owner)
{
	pool_drop(&pool, refs[owner]);
	refs[owner].bits = 0;
}

static inline struct pool_usage usage(void)
{
	struct pool_usage u;

	pool_usage(&pool, &u);
	return u;
}

/* Bytes of the pool's range that the kernel has pages for. */
static inline size_t resident(void)
{
	static unsigned char map[RESERVE / PAGE_SIZE];
	size_t nr = 0;

	assert_int_equal(mincore(pool.slabs.base, RESERVE, map), 0);
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		nr += map[i] & 1;
	return nr * PAGE_SIZE;
}

static inline void compact_all(void)
{
	for (int i = 0; i < 1000; i++)
		if (!pool_compact(&pool, 1000))
			return;
	fail_msg("compaction does not end");
}

/* NR objects of LEN bytes and of every third only the object left. */
static inline void put_and_drop_most(unsigned nr, size_t len)
{
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(put(i, len), 0);
	for (unsigned i = 0; i < nr; i++)
		if (i % 3)
			drop(i);
}

static inline void check_rest(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (refs[i].bits)
			check(i);
	assert_true(pool_is_valid(&pool));
}

#endif
