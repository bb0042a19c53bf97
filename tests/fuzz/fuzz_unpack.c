/* SPDX-License-Identifier: MIT */
/*
 * Objects that were damaged in the pool, and bytes that never were objects.
 * Unpacking takes them from and to memory of exactly the right length, for
 * the address sanitizer to see, and says so or makes a whole page.  Through
 * the pool a damaged object is an error; of its sum 13 bits are kept, and up to
 * 32 more where the slot has room.
 *
 * The first byte of the input chooses the codec, then come places and masks
 * of two bytes and one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_main.h"
#include "store/store.h"

#define CHANGE	3u

const char *const fuzz_seeds[] = {
	"\1\1\2\3", "\2\1\2\3", "\3\1\2\3", "\1\0\0\1\1\0\1", "\2\0\0\1",
	"\3\0\0\1", "the quick brown fox jumps over the lazy dog", NULL,
};

const char *const fuzz_words[] = {
	"\377\377\377\377", "\1\0\0", "\0\1", "\200", "\2\0\1\377", NULL,
};

static struct arena arena;
static struct store store;
static struct codec *codec;
static unsigned char page[PAGE_SIZE];
static unsigned char back[PAGE_SIZE];
static struct store_ref held;
static unsigned long nr_damaged;
static unsigned long nr_missed;

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_unpack: %s\n", what);
	abort();
}

static bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	(void)ctx;
	(void)owner;
	if (held.bits != from.bits)
		return false;
	held = to;
	return true;
}

/* Words of some vocabulary; SEED 0 is what the dictionary knows. */
static void fill(uint64_t seed)
{
	uint64_t r = seed * 2654435761u + 88172645463325252u;

	for (size_t i = 0; i < PAGE_SIZE; i += 8) {
		uint64_t word;

		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		word = (r >> 20) % 200 * 0x9e3779b97f4a7c15u;
		memcpy(page + i, &word, 8);
	}
}

static void start(void)
{
	struct store_config cfg = {
		.arena = &arena,
		.reserve_len = 16 * MIB,
		.accept_pct = 85,
		.codecs = { { CODEC_LZ4, 1 }, { CODEC_ZSTD, 3 } },
		.moved = moved,
	};
	struct dict_trainer t;
	void *to;

	if (arena_start(&arena, 256 * MIB) || store_start(&store, &cfg) ||
	    dict_trainer_init(&t, &arena) ||
	    !(codec = codec_new(&arena, &store.dicts)))
		fail("cannot start");
	for (uint64_t i = 0; (to = dict_trainer_next(&t)); i++) {
		fill(i);
		memcpy(to, page, PAGE_SIZE);
	}
	if (store_train(&store, codec, &t))
		fail("no dictionary");
}

/* The input itself as an object. */
static void unpack_input(enum codec_id id, const uint8_t *data, size_t size)
{
	unsigned char *from = malloc(size ? size : 1);
	unsigned char *to = malloc(PAGE_SIZE);
	int ret;

	if (!from || !to)
		fail("no memory");
	memcpy(from, data, size);
	ret = codec_unpack(codec, to, id, from, size);
	if (ret && ret != -EBADMSG)
		fail("an unknown error");
	free(from);
	free(to);
}

/* Damage an object where it lies. */
static void damage(const uint8_t *data, size_t size)
{
	struct pool_object o;
	unsigned char *bytes;
	bool changed = false;
	int ret;

	if (pool_find(&store.pool, &o, (struct pool_ref){ held.bits >> 2 }))
		fail("an object is not where it was put");
	bytes = (unsigned char *)(uintptr_t)o.buf;
	for (size_t i = 1; i + CHANGE <= size; i += CHANGE) {
		bytes[(data[i] | (size_t)data[i + 1] << 8) % o.len] ^=
			data[i + 2];
		changed |= data[i + 2];
	}
	ret = store_load(&store, codec, held, back);
	if (ret && ret != -EBADMSG)
		fail("an unknown error");
	if (!changed && (ret || memcmp(page, back, PAGE_SIZE)))
		fail("a whole object does not come back");
	nr_damaged += changed;
	nr_missed += !ret && memcmp(page, back, PAGE_SIZE);
	if (nr_missed > 8 + nr_damaged / 1000)
		fail("damage is not noticed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t saved;

	if (!codec)
		start();
	if (!size)
		return 0;
	unpack_input((enum codec_id)(data[0] & 15), data + 1, size - 1);
	fill(data[0] >> 2);
	if (store_put(&store, &held, codec, 1, page))
		fail("a page is refused");
	if (data[0] & 2 &&
	    store_repack(&store, codec, held, &saved) != STORE_REPACKED)
		fail("a page is not packed again");
	damage(data, size);
	store_drop(&store, held);
	return 0;
}
