/* SPDX-License-Identifier: MIT */
/*
 * The store: which pages cost what, that all come back, and that damaged
 * memory gives an error and never a crash.
 */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define NR_OBJECTS	200

static struct arena arena;
static struct store store;
static struct codec *codec;
static unsigned char page[PAGE_SIZE];
static unsigned char back[PAGE_SIZE];

static bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	struct store_ref *refs = ctx;

	assert_int_equal(refs[owner].bits, from.bits);
	refs[owner] = to;
	return true;
}

static struct store_ref refs[NR_OBJECTS];

static int start(void **state)
{
	struct store_config cfg = {
		.arena = &arena,
		.reserve_len = 64 * MIB,
		.accept_pct = 75,
		.codecs = CODEC_PAIR_LZ4,
		.moved = moved,
		.moved_ctx = refs,
	};

	(void)state;
	if (arena_start(&arena, 256 * MIB) || store_start(&store, &cfg))
		return -1;
	codec = codec_new(&arena, &store.dicts);
	return codec ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	assert_true(pool_is_valid(&store.pool));
	munmap((void *)arena.base, arena.end - arena.base);
	return 0;
}

static uint32_t roll(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* NR random bytes, then short repeats. */
static void fill(unsigned char *to, size_t nr, uint32_t seed)
{
	uint32_t r = seed | 1;

	for (size_t i = 0; i < PAGE_SIZE; i++)
		to[i] = (unsigned char)(i < nr ? roll(&r) >> 8 : i % 7);
}

static void check(struct store_ref ref)
{
	memset(back, 0x11, PAGE_SIZE);
	assert_int_equal(store_load(&store, codec, ref, back), 0);
	assert_memory_equal(page, back, PAGE_SIZE);
}

static struct store_usage usage(void)
{
	struct store_usage u;

	store_usage(&store, &u);
	return u;
}

static void test_same_filled_pages_cost_nothing(void **state)
{
	static const uint64_t words[] = {
		0, 1, 0x7fffffffff, UINT64_MAX, (uint64_t)-0x8000000000,
		0x2020202020202020, 0xdeadbeefdeadbeef, 0x8000000080000000,
		0x00007fffff,
	};
	struct store_ref ref[ARRAY_SIZE(words)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		codec_fill_same(page, words[i]);
		assert_int_equal(store_put(&store, &ref[i], codec, 0, page),
				 0);
		assert_int_not_equal(ref[i].bits, 0);
		assert_int_equal(ref[i].bits >> STORE_REF_BITS, 0);
		check(ref[i]);
	}
	assert_int_equal(usage().used, 0);
	assert_int_equal(usage().same, ARRAY_SIZE(words));
	assert_int_equal(usage().pages, ARRAY_SIZE(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		store_drop(&store, ref[i]);
	assert_int_equal(usage().pages, 0);
}

static void test_other_words_cost_eight_bytes(void **state)
{
	static const uint64_t words[] = {
		0x8000000000, 0x00007f3a12345678, 0x0123456789abcdef,
		(uint64_t)-0x8000000001,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct store_ref ref;

		codec_fill_same(page, words[i]);
		assert_int_equal(store_put(&store, &ref, codec, 0, page), 0);
		assert_int_equal(usage().same, 0);
		assert_int_equal(usage().packed, 8);
		check(ref);
		store_drop(&store, ref);
	}
}

static void test_pages_that_do_not_pay_are_refused(void **state)
{
	struct store_ref ref = { 99 };
	size_t limit = PAGE_SIZE * 75 / 100;

	(void)state;
	fill(page, PAGE_SIZE, 1);
	assert_int_equal(store_put(&store, &ref, codec, 0, page), -E2BIG);
	assert_int_equal(ref.bits, 0);
	fill(page, limit + 16, 1);
	assert_int_equal(store_put(&store, &ref, codec, 0, page), -E2BIG);
	assert_int_equal(usage().pages, 0);
	fill(page, limit - 200, 1);
	assert_int_equal(store_put(&store, &ref, codec, 0, page), 0);
	assert_in_range(usage().packed, limit - 200, limit);
	check(ref);
}

static void test_a_full_pool_takes_only_what_is_free(void **state)
{
	struct store_ref ref;
	int ret = 0;

	(void)state;
	store_set_pool_max(&store, MIB);
	for (uint32_t i = 1; !ret; i++) {
		fill(page, 2000, i);
		ret = store_put(&store, &ref, codec, 0, page);
	}
	assert_int_equal(ret, -ENOSPC);
	assert_int_equal(ref.bits, 0);
	assert_true(usage().used <= MIB);
	memset(page, 0, PAGE_SIZE);
	assert_int_equal(store_put(&store, &ref, codec, 0, page), 0);
	check(ref);
}

/* Codecs, classes and the whole say the same. */
static void check_sums(void)
{
	struct store_usage u = usage();
	struct pool_class_usage c;
	uint64_t codecs[2] = { 0 };
	uint64_t classes[3] = { 0 };

	for (unsigned i = 0; i < CODEC_NR; i++) {
		codecs[0] += u.nr_by_codec[i];
		codecs[1] += u.packed_by_codec[i];
	}
	for (unsigned i = 0; i < store.pool.classes.nr; i++) {
		pool_class_usage(&store.pool, i, &c);
		classes[0] += c.objects;
		classes[1] += c.packed;
		classes[2] += c.used;
		assert_true(c.objects <= c.slabs * c.shape.nr_slots);
		assert_true(c.packed <= c.used);
	}
	assert_int_equal(codecs[0] + u.same, u.pages);
	assert_int_equal(classes[0] + u.same, u.pages);
	assert_int_equal(codecs[1], u.packed);
	assert_int_equal(classes[1], u.packed);
	assert_int_equal(classes[2] + PAGE_SIZE *
			 slab_nr_warm(&store.pool.slabs), u.used);
}

static void test_sums_close(void **state)
{
	uint64_t packed = 0;
	unsigned nr = 0;

	(void)state;
	for (uint32_t i = 0; i < NR_OBJECTS; i++) {
		uint64_t before = usage().packed;

		fill(page, i * 14, i + 1);
		assert_int_equal(store_put(&store, &refs[i], codec, i, page),
				 0);
		packed += usage().packed - before;
		nr++;
		assert_int_equal(usage().pages, nr);
	}
	check_sums();
	for (uint32_t i = 0; i < NR_OBJECTS; i += 2)
		store_drop(&store, refs[i]);
	check_sums();
	while (store_compact(&store, 10))
		;
	for (uint32_t i = 1; i < NR_OBJECTS; i += 2) {
		fill(page, i * 14, i + 1);
		check(refs[i]);
		store_drop(&store, refs[i]);
	}
	assert_true(packed > 0);
	assert_int_equal(usage().pages, 0);
	assert_int_equal(usage().packed, 0);
	assert_true(usage().metadata > 0);
}

/* Where the object of REF is, its header included. */
static unsigned char *slot_of(struct store_ref ref, size_t *len)
{
	struct pool_ref pref = { ref.bits >> 2 };
	struct pool_object o;

	assert_int_equal(pool_find(&store.pool, &o, pref), 0);
	*len = o.len + 8;
	return (unsigned char *)o.buf - 8;
}

static void test_damaged_memory_is_an_error(void **state)
{
	uint32_t r = 4242;
	unsigned wrong = 0;

	(void)state;
	for (uint32_t i = 0; i < NR_OBJECTS; i++) {
		fill(page, i * 14, i + 1);
		assert_int_equal(store_put(&store, &refs[i], codec, i, page),
				 0);
	}
	for (unsigned n = 0; n < 40000; n++) {
		uint32_t i = n % NR_OBJECTS;
		unsigned char kept[PAGE_SIZE];
		size_t len;
		unsigned char *at = slot_of(refs[i], &len);
		size_t most = n % 2 ? 8 : len;
		int ret;

		memcpy(kept, at, len);
		for (unsigned k = roll(&r) % 3 + 1; k; k--)
			at[roll(&r) % most] ^= (unsigned char)roll(&r);
		ret = store_load(&store, codec, refs[i], back);
		memcpy(at, kept, len);
		assert_true(ret == 0 || ret == -EBADMSG);
		fill(page, i * 14, i + 1);
		wrong += !ret && memcmp(page, back, PAGE_SIZE) != 0;
	}
	/* of 12 bits of check one in 4096 is right by chance */
	assert_in_range(wrong, 0, 30);
	for (uint32_t i = 0; i < NR_OBJECTS; i++) {
		fill(page, i * 14, i + 1);
		check(refs[i]);
	}
}

static void test_wild_refs_are_an_error(void **state)
{
	struct store_ref ref;
	uint32_t r = 4343;

	(void)state;
	fill(page, 1000, 1);
	assert_int_equal(store_put(&store, &ref, codec, 0, page), 0);
	for (unsigned n = 0; n < 100000; n++) {
		struct store_ref wild = {
			(uint64_t)roll(&r) << 12 ^ roll(&r) >> roll(&r) % 32
		};
		int ret = store_load(&store, codec, wild, back);

		assert_true(ret == 0 || ret == -EBADMSG);
	}
	assert_int_equal(store_load(&store, codec, (struct store_ref){ 0 },
				    back), -EBADMSG);
	check(ref);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_filled_pages_cost_nothing),
		TEST(test_other_words_cost_eight_bytes),
		TEST(test_pages_that_do_not_pay_are_refused),
		TEST(test_a_full_pool_takes_only_what_is_free),
		TEST(test_sums_close),
		TEST(test_damaged_memory_is_an_error),
		TEST(test_wild_refs_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
