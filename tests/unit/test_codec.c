/* SPDX-License-Identifier: MIT */
/*
 * Codecs: what is packed comes back, limits are kept, and damaged objects
 * are refused or unpack to something, but never touch what is not theirs
 * (the buffers here have exactly the length they should, for the address
 * sanitizer to see).
 */
#include "store/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct codec *codec;
static const struct codec_choice raw = { CODEC_RAW, 0 };
static const struct codec_choice lz4 = { CODEC_LZ4, 1 };
static const struct codec_choice zstd = { CODEC_ZSTD, 3 };
static unsigned char page[PAGE_SIZE];
static unsigned char back[PAGE_SIZE];

static int start(void **state)
{
	(void)state;
	if (arena_start(&arena, 64 * MIB))
		return -1;
	codec = codec_new(&arena, NULL);
	return codec ? 0 : -1;
}

static uint32_t roll(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* NR random bytes, then short repeats. */
static void fill(size_t nr, uint32_t seed)
{
	uint32_t r = seed | 1;

	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)(i < nr ? roll(&r) >> 8 : i % 7);
}

static void test_a_word_repeated_is_same_filled(void **state)
{
	uint64_t word = 0;

	(void)state;
	codec_fill_same(page, 0x0123456789abcdef);
	assert_true(codec_is_same_filled(&word, page));
	assert_int_equal(word, 0x0123456789abcdef);
	memset(page, 0, PAGE_SIZE);
	assert_true(codec_is_same_filled(&word, page));
	assert_int_equal(word, 0);
}

static void test_any_other_byte_is_noticed(void **state)
{
	uint64_t word;

	(void)state;
	codec_fill_same(page, 0x2020202020202020);
	for (size_t i = 0; i < PAGE_SIZE; i++) {
		page[i] ^= 0x10;
		assert_false(codec_is_same_filled(&word, page));
		page[i] ^= 0x10;
	}
	assert_true(codec_is_same_filled(&word, page));
}

static void test_what_is_packed_comes_back(void **state)
{
	const void *out;

	(void)state;
	for (size_t nr = 0; nr < 3900; nr += 13) {
		long len;

		fill(nr, (uint32_t)nr + 1);
		len = codec_pack(codec, &out, lz4, page, PAGE_SIZE);
		assert_in_range(len, 1, PAGE_SIZE);
		memset(back, 0xee, PAGE_SIZE);
		assert_int_equal(codec_unpack(codec, back, CODEC_LZ4, out,
					      (size_t)len), 0);
		assert_memory_equal(page, back, PAGE_SIZE);
	}
}

static void test_raw_keeps_the_word_of_a_same_filled_page(void **state)
{
	const void *out;

	(void)state;
	codec_fill_same(page, 0xfeedfacecafebeef);
	assert_int_equal(codec_pack(codec, &out, raw, page, PAGE_SIZE),
			 8);
	assert_int_equal(codec_unpack(codec, back, CODEC_RAW, out, 8), 0);
	assert_memory_equal(page, back, PAGE_SIZE);
	page[100] ^= 1;
	assert_int_equal(codec_pack(codec, &out, raw, page, PAGE_SIZE),
			 -E2BIG);
}

static void test_the_limit_is_exact(void **state)
{
	const void *out;
	long len;

	(void)state;
	fill(1500, 3);
	len = codec_pack(codec, &out, lz4, page, PAGE_SIZE);
	assert_in_range(len, 1500, 1600);
	assert_int_equal(codec_pack(codec, &out, lz4, page,
				    (size_t)len), len);
	for (long max = 0; max < len; max++)
		assert_int_equal(codec_pack(codec, &out, lz4, page,
					    (size_t)max), -E2BIG);
}

static void test_random_pages_do_not_pack(void **state)
{
	const void *out;

	(void)state;
	fill(PAGE_SIZE, 9);
	assert_int_equal(codec_pack(codec, &out, lz4, page,
				    PAGE_SIZE * 3 / 4), -E2BIG);
	assert_int_equal(codec_pack(codec, &out, zstd, page,
				    PAGE_SIZE * 3 / 4), -E2BIG);
	/* and do no harm to the next */
	fill(100, 9);
	assert_in_range(codec_pack(codec, &out, lz4, page, 1000), 100, 200);
	assert_in_range(codec_pack(codec, &out, zstd, page, 1000), 100, 200);
}

static void test_unknown_codecs_and_lengths_are_damage(void **state)
{
	uint64_t word = 5;

	(void)state;
	for (int id = CODEC_NR; id < 16; id++)
		assert_int_equal(codec_unpack(codec, back, (enum codec_id)id,
					      &word, 8), -EBADMSG);
	assert_int_equal(codec_unpack(codec, back, CODEC_RAW, &word, 7),
			 -EBADMSG);
	assert_int_equal(codec_unpack(codec, back, CODEC_LZ4, &word, 0),
			 -EBADMSG);
	assert_int_equal(codec_unpack(codec, back, CODEC_LZ4, page,
				      PAGE_SIZE + 1), -EBADMSG);
}

/* Unpack LEN bytes of BUF from and to memory of exactly the right size. */
static int unpack_exactly(enum codec_id id, const void *buf, size_t len)
{
	unsigned char *from = malloc(len ? len : 1);
	unsigned char *to = malloc(PAGE_SIZE);
	int ret;

	assert_non_null(from);
	assert_non_null(to);
	memcpy(from, buf, len);
	ret = codec_unpack(codec, to, id, from, len);
	free(from);
	free(to);
	return ret;
}

static void check_damage(struct codec_choice how)
{
	unsigned char object[PAGE_SIZE];
	const void *out;
	uint32_t r = 77;
	unsigned nr_bad = 0;
	long len;

	fill(900, 5);
	len = codec_pack(codec, &out, how, page, PAGE_SIZE);
	assert_true(len > 900);
	memcpy(object, out, (size_t)len);
	for (long n = 0; n < len; n++)
		assert_int_equal(unpack_exactly(how.id, object, (size_t)n),
				 -EBADMSG);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned char damaged[PAGE_SIZE];
		int ret;

		memcpy(damaged, object, (size_t)len);
		for (unsigned n = roll(&r) % 4 + 1; n; n--)
			damaged[roll(&r) % (uint32_t)len] ^=
				(unsigned char)(1 + roll(&r) % 255);
		ret = unpack_exactly(how.id, damaged, (size_t)len);
		assert_true(ret == 0 || ret == -EBADMSG);
		nr_bad += ret != 0;
	}
	assert_true(nr_bad > 0);
}

static void test_damage_is_refused_or_harmless(void **state)
{
	(void)state;
	check_damage(lz4);
	check_damage(zstd);
}

static void test_levels_trade_time_for_size(void **state)
{
	static const struct codec_choice how[] = {
		{ CODEC_LZ4, -50 }, { CODEC_LZ4, 1 }, { CODEC_LZ4, 9 },
		{ CODEC_ZSTD, 9 },
	};
	const void *out;
	long last = PAGE_SIZE;

	(void)state;
	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)("abcdefgh"[i * i / 37 % 8]);
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		long len = codec_pack(codec, &out, how[i], page, PAGE_SIZE);

		assert_in_range(len, 1, last);
		last = len;
		assert_int_equal(codec_unpack(codec, back, how[i].id, out,
					      (size_t)len), 0);
		assert_memory_equal(page, back, PAGE_SIZE);
	}
}

/* Random bytes of so many values, all as likely. */
static void fill_of(unsigned nr_values)
{
	uint32_t r = 4711 + nr_values;

	for (size_t i = 0; i < PAGE_SIZE; i++)
		page[i] = (unsigned char)(roll(&r) % nr_values);
}

static void test_noise_is_told_from_uneven_bytes(void **state)
{
	(void)state;
	fill_of(256);
	assert_true(codec_is_noise(page));
	fill_of(200);
	assert_true(codec_is_noise(page));
	fill_of(64);
	assert_false(codec_is_noise(page));
	memset(page, 0, PAGE_SIZE);
	assert_false(codec_is_noise(page));
}

static void test_codecs_are_read_and_written(void **state)
{
	static const char *const good[] = {
		"lz4", "lz4:-5", "lz4:12", "zstd", "zstd:1", "zstd:19",
		"lz4+zstd", "lz4+zstd:6", "lz4:-99+lz4:12", "zstd:1+zstd:9",
	};
	static const char *const bad[] = {
		"", "lz", "lz4:", "lz4:0", "lz4:13", "lz4:-100", "lz4:+1",
		"zstd:0", "zstd:20", "zstd:-1", "zstd:3x", "zstd 3", "+lz4",
		"lz4+", "lz4+gzip", "lz4+zstd+lz4", "LZ4", "lz4:99999999999",
	};
	struct codec_pair pair = CODEC_PAIR_LZ4;
	char text[CODEC_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(codec_parse(&pair, good[i]), 0);
		assert_string_equal(codec_format(pair, text, sizeof(text)),
				    good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(codec_parse(&pair, bad[i]), -EINVAL);
		assert_string_equal(codec_format(pair, text, sizeof(text)),
				    "zstd:1+zstd:9");
	}
	/* what is the default need not be said */
	assert_int_equal(codec_parse(&pair, "lz4:1+zstd:3"), 0);
	assert_string_equal(codec_format(pair, text, sizeof(text)),
			    "lz4+zstd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_word_repeated_is_same_filled),
		cmocka_unit_test(test_any_other_byte_is_noticed),
		cmocka_unit_test(test_what_is_packed_comes_back),
		cmocka_unit_test(
			test_raw_keeps_the_word_of_a_same_filled_page),
		cmocka_unit_test(test_the_limit_is_exact),
		cmocka_unit_test(test_random_pages_do_not_pack),
		cmocka_unit_test(test_unknown_codecs_and_lengths_are_damage),
		cmocka_unit_test(test_damage_is_refused_or_harmless),
		cmocka_unit_test(test_levels_trade_time_for_size),
		cmocka_unit_test(test_noise_is_told_from_uneven_bytes),
		cmocka_unit_test(test_codecs_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
