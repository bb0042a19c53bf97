/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries: pages packed with any version, for any codec and level, come
 * back; they get shorter by it, or it is not used.
 */
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/page_owner.h"

#define DICT_LEAST	10	/* a dictionary saves a 1/10 of such pages */

static void test_all_versions_of_a_dictionary_stay_readable(void **state)
{
	(void)state;
	for (unsigned v = 0; v < DICT_NR; v++) {
		unsigned first = v * 100;

		assert_int_equal(train(v + 1), 0);
		for (unsigned i = first; i < first + 100; i++)
			put(i, v + 1);
		assert_int_equal(repack(first, first + 100), 100);
		assert_int_equal(usage().nr_by_codec[CODEC_DICT + v], 100);
		check_all(first + 100);
	}
	/* no place is free */
	assert_int_equal(train(9), -ENOSPC);
	check_all(DICT_NR * 100);
	for (unsigned i = 100; i < 200; i++)
		store_drop(&store, refs[i]);
	/* now the second is */
	assert_int_equal(train(9), 0);
	for (unsigned i = 100; i < 200; i++)
		put(i, 9);
	assert_int_equal(repack(100, 200), 100);
	assert_int_equal(usage().nr_by_codec[CODEC_DICT + 1], 100);
	check_all(DICT_NR * 100);
}

/* Pages packed again with a dictionary for CODECS, and all read back. */
static void check_with_dictionary(void **state, const char *codecs,
				  uint64_t nr_stored)
{
	const unsigned nr = 16;
	int level;

	stop(state);
	assert_int_equal(start_with(codecs), 0);
	dict_trainer_reset(&trainer, &arena, nr_stored);
	assert_int_equal(train(1), 0);
	for (unsigned i = 0; i < nr; i++)
		put(i, 1);
	assert_int_equal(repack(0, nr), nr);
	assert_int_equal(usage().nr_by_codec[CODEC_DICT], nr);
	check_all(nr);
	/* another codec or level needs one of its own */
	level = store_codecs(&store).second.level;
	store_set_codecs(&store, (struct codec_pair){
			 { CODEC_LZ4, 1 },
			 { CODEC_ZSTD, level == 2 ? 1 : 2 } });
	put(nr, 1);
	assert_int_equal(repack(nr, nr + 1), 1);
	assert_int_equal(usage().nr_by_codec[CODEC_ZSTD], 1);
	check_all(nr + 1);
}

static void test_every_level_packs_with_a_dictionary(void **state)
{
	static const int lz4[] = { -5, 1, 3, 9, 12 };
	char codecs[32];

	for (unsigned i = 0; i < ARRAY_SIZE(lz4); i++) {
		snprintf(codecs, sizeof(codecs), "lz4:-2+lz4:%d", lz4[i]);
		check_with_dictionary(state, codecs, 0);
		check_with_dictionary(state, codecs, DICT_LARGE_FROM);
	}
	for (int level = 1; level <= codec_zstd.max_level; level++) {
		snprintf(codecs, sizeof(codecs), "lz4+zstd:%d", level);
		check_with_dictionary(state, codecs,
				      level % 6 ? 0 : DICT_LARGE_FROM);
	}
	check_with_dictionary(state, codecs, DICT_LARGE_FROM);
}

static void test_a_dictionary_makes_pages_shorter(void **state)
{
	uint64_t plain;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		put(i, 1);
	assert_int_equal(repack(0, 400), 400);
	plain = usage().packed;
	for (unsigned i = 0; i < 400; i++)
		store_drop(&store, refs[i]);
	assert_int_equal(train(1), 0);
	for (unsigned i = 0; i < 400; i++)
		put(i, 1);
	assert_int_equal(repack(0, 400), 400);
	assert_true(usage().packed < plain - plain / DICT_LEAST);
	check_all(400);
}

static void test_a_useless_dictionary_is_not_used(void **state)
{
	uint64_t r = 99;
	unsigned char *to;

	(void)state;
	while ((to = dict_trainer_next(&trainer)))
		for (size_t i = 0; i < PAGE_SIZE; i++)
			to[i] = (unsigned char)(roll(&r) >> 30);
	assert_int_equal(store_train(&store, codec, &trainer), -E2BIG);
	dict_trainer_reset(&trainer, &arena, 0);
	put(0, 1);
	assert_int_equal(repack(0, 1), 1);
	assert_int_equal(usage().nr_by_codec[CODEC_ZSTD], 1);
	/* too few pages are no sample */
	assert_non_null(dict_trainer_next(&trainer));
	assert_int_equal(store_train(&store, codec, &trainer), -ENOMEM);
}

/* LZ4 makes a whole page of any dictionary: the sum of the page tells. */
static void test_a_damaged_dictionary_is_an_error(void **state)
{
	unsigned char *content;
	struct pool_object o;

	stop(state);
	assert_int_equal(start_with("lz4+lz4:9"), 0);
	assert_int_equal(train(1), 0);
	put(0, 1);
	assert_int_equal(repack(0, 1), 1);
	/* so that there is another one */
	assert_int_equal(train(2), 0);
	assert_int_equal(pool_find(&store.pool, &o,
			 (struct pool_ref){ refs[0].bits >> 2 }), 0);
	assert_int_equal(o.codec, CODEC_DICT);
	assert_int_equal(codec_unpack(codec, page, CODEC_DICT + 1, o.buf,
				      o.len), -EBADMSG);
	content = store.dicts.dict[0].content;
	for (size_t i = 0; i < store.dicts.dict[0].len; i++)
		content[i] ^= 0x80;
	assert_int_equal(store_load(&store, codec, refs[0], page), -EBADMSG);
	for (size_t i = 0; i < store.dicts.dict[0].len; i++)
		content[i] ^= 0x80;
	check_all(1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_versions_of_a_dictionary_stay_readable),
		TEST(test_every_level_packs_with_a_dictionary),
		TEST(test_a_dictionary_makes_pages_shorter),
		TEST(test_a_useless_dictionary_is_not_used),
		TEST(test_a_damaged_dictionary_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
