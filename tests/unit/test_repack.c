/* SPDX-License-Identifier: MIT */
/*
 * Packing again: every codec and level gives back what was put, objects get
 * shorter or stay, and whatever the owner does meanwhile nothing is lost.
 */
#include "store/store.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/page_owner.h"

static void test_repacked_pages_are_shorter_and_right(void **state)
{
	struct store_usage before;
	struct store_usage after;

	(void)state;
	for (unsigned i = 0; i < NR_PAGES; i++)
		put(i, 1);
	before = usage();
	assert_int_equal(before.nr_by_codec[CODEC_LZ4], NR_PAGES);
	assert_int_equal(repack(0, NR_PAGES), NR_PAGES);
	after = usage();
	assert_int_equal(after.pages, NR_PAGES);
	assert_int_equal(after.nr_by_codec[CODEC_LZ4], 0);
	assert_int_equal(after.nr_by_codec[CODEC_ZSTD], NR_PAGES);
	assert_int_equal(after.packed_by_codec[CODEC_ZSTD], after.packed);
	assert_true(after.packed < before.packed - before.packed / 8);
	check_all(NR_PAGES);
	/* once is enough */
	assert_int_equal(repack(0, NR_PAGES), 0);
}

static void test_what_gains_nothing_stays(void **state)
{
	size_t saved;
	uint64_t r = 7;
	struct store_ref was;

	(void)state;
	/* random bytes, all of them twice: nothing but a match to be found */
	for (size_t i = 0; i < PAGE_SIZE; i += 8) {
		uint64_t x = roll(&r);

		memcpy(page + i, i < PAGE_SIZE / 2 ? (void *)&x
			: page + i - PAGE_SIZE / 2, 8);
	}
	sums[0] = sum_of(page);
	assert_int_equal(store_put(&store, &refs[0], codec, 0, page), 0);
	was = refs[0];
	assert_int_equal(store_repack(&store, codec, refs[0], &saved),
			 STORE_KEPT);
	assert_int_equal(refs[0].bits, was.bits);
	check(0);
}

static void test_every_pair_gives_back_what_was_put(void **state)
{
	static const char *const pairs[] = {
		"lz4", "lz4:-8", "lz4:9", "lz4:12", "lz4+lz4:9", "zstd:1",
		"zstd:12", "zstd:19", "zstd:1+zstd:9", "lz4+zstd:1", "lz4+zstd:6",
		"lz4+zstd:12", "zstd+lz4:9",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct codec_pair pair;
		char text[CODEC_TEXT];
		unsigned nr;
		bool again;

		stop(state);
		assert_int_equal(start_with(pairs[i]), 0);
		pair = store_codecs(&store);
		assert_string_equal(codec_format(pair, text, sizeof(text)),
				    pairs[i]);
		for (unsigned j = 0; j < 200; j++)
			put(j, 1 + j % 3);
		check_all(200);
		again = pair.second.id == CODEC_ZSTD &&
			pair.first.id == CODEC_LZ4;
		nr = repack(0, 200);
		assert_true(again ? nr > 0 : pair.second.id || !nr);
		check_all(200);
		for (unsigned j = 0; j < 200; j++)
			store_drop(&store, refs[j]);
		assert_int_equal(usage().pages, 0);
		assert_int_equal(usage().packed, 0);
	}
}

static void test_what_the_first_refuses_the_second_may_take(void **state)
{
	uint64_t r = 4711;

	(void)state;
	/* four bits in each byte, and no two words alike */
	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)(roll(&r) >> 20 & 15);
	sums[0] = sum_of(page);
	assert_int_equal(store_put(&store, &refs[0], codec, 0, page), 0);
	assert_int_equal(usage().nr_by_codec[CODEC_ZSTD], 1);
	assert_int_equal(store_measure(&store, codec, page),
			 (int)pool_share(&store.pool, usage().packed));
	/* noise neither takes */
	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)(roll(&r) >> 20);
	assert_int_equal(store_put(&store, &refs[1], codec, 1, page), -E2BIG);
	check(0);
	/* with a dictionary it may come to less */
	assert_false(store_is_first(&store, refs[0]));
	assert_int_equal(train(1), 0);
	assert_true(store_is_first(&store, refs[0]));
	check(0);
	store_set_codecs(&store, (struct codec_pair)CODEC_PAIR_LZ4);
	assert_int_equal(store_put(&store, &refs[1], codec, 1, page), -E2BIG);
}

/* Short copies of what was N bytes ago, between random ones. */
static void fill_with_copies(uint64_t *r)
{
	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)(roll(r) >> 20 & 63);
	for (size_t i = 256; i + 16 < PAGE_SIZE; i += 9 + roll(r) % 8)
		memcpy(page + i, page + roll(r) % (i - 8), 5 + roll(r) % 4);
}

/* Does the store, with CODECS, take the page? */
static bool takes(const char *codecs)
{
	struct codec_pair pair;
	struct store_ref ref;

	assert_int_equal(codec_parse(&pair, codecs), 0);
	store_set_codecs(&store, pair);
	if (store_put(&store, &ref, codec, 0, page))
		return false;
	store_drop(&store, ref);
	return true;
}

static void test_more_effort_is_not_tried_at_once(void **state)
{
	uint64_t r = 11;
	unsigned nr = 0;

	(void)state;
	for (unsigned i = 0; i < 5000 && nr < 20; i++) {
		fill_with_copies(&r);
		if (takes("lz4") || !takes("lz4:9"))
			continue;
		nr++;
		assert_false(takes("lz4+lz4:9"));
	}
	assert_int_equal(nr, 20);
}

static void test_a_busy_owner_keeps_its_object(void **state)
{
	size_t saved;
	struct store_ref was;

	(void)state;
	put(5, 1);
	was = refs[5];
	busy = true;
	assert_int_equal(store_repack(&store, codec, refs[5], &saved),
			 STORE_KEPT);
	assert_int_equal(refs[5].bits, was.bits);
	assert_int_equal(usage().pages, 1);
	check(5);
}

static void drop_it(uint64_t owner)
{
	store_drop(&store, refs[owner]);
	refs[owner].bits = 0;
}

static void test_an_object_may_be_dropped_meanwhile(void **state)
{
	size_t saved;

	(void)state;
	put(6, 1);
	meanwhile = drop_it;
	assert_int_equal(store_repack(&store, codec, refs[6], &saved),
			 STORE_KEPT);
	meanwhile = NULL;
	assert_int_equal(usage().pages, 0);
	assert_int_equal(usage().packed, 0);
}

/* Dropped, and another page stored under the same owner at once. */
static void replace_it(uint64_t owner)
{
	struct store_ref old = refs[owner];

	meanwhile = NULL;
	store_drop(&store, old);
	put((unsigned)owner, 2);
	assert_int_not_equal(refs[owner].bits, old.bits);
}

static void test_a_slot_is_not_reused_meanwhile(void **state)
{
	size_t saved;

	(void)state;
	put(7, 1);
	meanwhile = replace_it;
	assert_int_equal(store_repack(&store, codec, refs[7], &saved),
			 STORE_KEPT);
	assert_int_equal(usage().pages, 1);
	check(7);
}

static void test_what_is_gone_is_gone(void **state)
{
	struct store_ref old;
	size_t saved;

	(void)state;
	put(1, 1);
	put(2, 1);
	old = refs[1];
	store_drop(&store, old);
	assert_int_equal(store_repack(&store, codec, old, &saved),
			 STORE_KEPT);
	assert_false(store_peek(&store, codec, old, page));
	check(2);
}

static void test_damage_is_kept_as_it_is(void **state)
{
	struct store_ref was;
	struct pool_object o;
	size_t saved;

	(void)state;
	put(3, 1);
	was = refs[3];
	assert_int_equal(pool_find(&store.pool, &o, (struct pool_ref){
				   was.bits >> 2 }), 0);
	((unsigned char *)(uintptr_t)o.buf)[o.len / 2] ^= 0x40;
	assert_int_equal(store_repack(&store, codec, was, &saved),
			 STORE_GONE);
	assert_int_equal(store_load(&store, codec, was, page), -EBADMSG);
	assert_false(store_peek(&store, codec, was, page));
}

static void test_the_cap_forbids_no_repacking_in_vain(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 500; i++)
		put(i, 1);
	store_set_pool_max(&store, MIB / 4);
	/* there is no room for new slabs: nothing is lost by trying */
	repack(0, 500);
	check_all(500);
	store_set_pool_max(&store, 0);
	repack(0, 500);
	check_all(500);
	assert_int_equal(usage().pages, 500);
}

/* By the static contexts of zstd, which would fail instead. */
static void test_nothing_is_allocated(void **state)
{
	struct mallinfo2 before;
	struct mallinfo2 after;

	(void)state;
	assert_int_equal(train(1), 0);
	before = mallinfo2();
	for (unsigned i = 0; i < 50; i++)
		put(i, 1);
	repack(0, 50);
	check_all(50);
	after = mallinfo2();
	assert_int_equal(after.uordblks, before.uordblks);
	assert_int_equal(after.hblks, before.hblks);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_repacked_pages_are_shorter_and_right),
		TEST(test_what_gains_nothing_stays),
		TEST(test_every_pair_gives_back_what_was_put),
		TEST(test_what_the_first_refuses_the_second_may_take),
		TEST(test_more_effort_is_not_tried_at_once),
		TEST(test_a_busy_owner_keeps_its_object),
		TEST(test_an_object_may_be_dropped_meanwhile),
		TEST(test_a_slot_is_not_reused_meanwhile),
		TEST(test_what_is_gone_is_gone),
		TEST(test_damage_is_kept_as_it_is),
		TEST(test_the_cap_forbids_no_repacking_in_vain),
		TEST(test_nothing_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
