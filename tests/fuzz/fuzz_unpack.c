/* SPDX-License-Identifier: MIT */
/*
 * Objects that were damaged in the pool, dictionaries that were damaged or are
 * not those that an object was packed with, and bytes that never were objects.
 * Unpacking takes them from and to memory of exactly the right length, for
 * the address sanitizer to see, and says so or makes a whole page.  Through
 * the pool a damaged object is an error; of its sum 13 bits are kept, and up to
 * 32 more where the slot has room.  With a dictionary it has a sum of its page
 * besides: there nothing may be missed.
 *
 * The first byte of the input chooses: bits 0-3 the codec of bytes that never
 * were an object; bits 4-5 how the page is packed; bits 6-7 what is damaged.
 * Then come places and masks of two bytes and one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_main.h"
#include "store/store.h"

#define CHANGE	3u

const char *const fuzz_seeds[] = {
	"\1\1\2\3", "\42\1\2\3", "\43\1\2\3", "\1\0\0\1\1\0\1", "\62\0\0\1",
	"\123\0\0\1\1\0\1", "\144\0\200\377\7\100\1", "\244\1\0\1",
	"\264\1\0\1", "\324\1", "\264", "\364",
	"the quick brown fox jumps over the lazy dog", NULL,
};

const char *const fuzz_words[] = {
	"\377\377\377\377", "\1\0\0", "\0\1", "\200", "\2\0\1\377", NULL,
};

/* How a page is packed, bits 4-5. */
enum how { PLAIN, ZSTD, ZSTD_DICT, LZ4_DICT };

/* What is damaged, bits 6-7. */
enum target { OBJECT, DICTIONARY, OTHER_VERSION, NOTHING };

/* Versions of the dictionary: those that are used, and as many others. */
#define NR_USED		2

static const struct codec_choice lz4 = { CODEC_LZ4, 1 };
static const struct codec_choice second[] = {
	[ZSTD] = { CODEC_ZSTD, 3 },
	[ZSTD_DICT] = { CODEC_ZSTD, 3 },
	[LZ4_DICT] = { CODEC_LZ4, 9 },
};

static struct arena arena;
static struct store store;
static struct codec *codec;
static struct dict_trainer trainer;
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

/* Put the page as HOW says, with dictionary I of those if there are some. */
static void put(enum how how, unsigned i)
{
	size_t saved;

	if (store_put(&store, &held, codec, 1, page))
		fail("a page is refused");
	if (how == PLAIN)
		return;
	store_set_codecs(&store, (struct codec_pair){ lz4, second[how] });
	atomic_store(&store.dict, how == ZSTD ? 0 : i + 1);
	if (store_repack(&store, codec, held, &saved) != STORE_REPACKED)
		fail("a page is not packed again");
}

/* Dictionary I, for HOW, of pages FROM... */
static void train(unsigned i, enum how how, uint64_t from)
{
	void *to;

	store_set_codecs(&store, (struct codec_pair){ lz4, second[how] });
	dict_trainer_reset(&trainer, &arena, 0);
	for (; (to = dict_trainer_next(&trainer)); from++) {
		fill(from);
		memcpy(to, page, PAGE_SIZE);
	}
	if (store_train(&store, codec, &trainer))
		fail("no dictionary");
	/* an object that needs it, so that the next goes elsewhere */
	put(how, i);
	if (!dict_at(&store.dicts, i))
		fail("a dictionary in another place");
}

static void start(void)
{
	struct store_config cfg = {
		.arena = &arena,
		.reserve_len = 16 * MIB,
		.accept_pct = 85,
		.codecs = { lz4, second[ZSTD] },
		.moved = moved,
	};

	if (arena_start(&arena, 256 * MIB) || store_start(&store, &cfg) ||
	    dict_trainer_init(&trainer, &arena) ||
	    !(codec = codec_new(&arena, &store.dicts)))
		fail("cannot start");
	for (unsigned i = 0; i < 2 * NR_USED; i++)
		train(i, ZSTD_DICT + i % NR_USED, i / NR_USED * 1000);
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

/* Change the LEN bytes at BYTES as the input says; twice: undone. */
static bool change(void *bytes, size_t len, const uint8_t *data, size_t size)
{
	bool changed = false;

	for (size_t i = 1; i + CHANGE <= size; i += CHANGE) {
		((uint8_t *)bytes)[(data[i] | (size_t)data[i + 1] << 8) % len]
			^= data[i + 2];
		changed |= data[i + 2];
	}
	return changed;
}

static void check(int ret, bool has_sum, bool damaged)
{
	bool missed = !ret && memcmp(page, back, PAGE_SIZE);

	if (ret && ret != -EBADMSG)
		fail("an unknown error");
	if (!damaged && (ret || missed))
		fail("a whole object does not come back");
	if (missed && has_sum)
		fail("a wrong page in spite of its sum");
	nr_damaged += damaged;
	nr_missed += missed;
	if (nr_missed > 8 + nr_damaged / 1000)
		fail("damage is not noticed");
}

/* Damage TARGET of the page in the store, and load it. */
static void damage(enum target target, const uint8_t *data, size_t size)
{
	bool damaged = false;
	struct pool_object o;
	struct dict *dict;
	bool has_dict;
	int ret;

	if (pool_find(&store.pool, &o, (struct pool_ref){ held.bits >> 2 }))
		fail("an object is not where it was put");
	has_dict = o.codec >= CODEC_DICT;
	dict = has_dict ? &store.dicts.dict[o.codec - CODEC_DICT] : NULL;
	if (target == OBJECT)
		damaged = change((void *)(uintptr_t)o.buf, o.len, data, size);
	if (target == DICTIONARY && dict)
		damaged = change(dict->content, dict->len, data, size);
	if (target == OTHER_VERSION && dict) {
		damaged = true;
		ret = codec_unpack(codec, back, o.codec + NR_USED, o.buf,
				   o.len);
	} else {
		ret = store_load(&store, codec, held, back);
	}
	if (target == DICTIONARY && dict)
		change(dict->content, dict->len, data, size);
	check(ret, has_dict, damaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum how how;

	if (!codec)
		start();
	if (!size)
		return 0;
	how = (enum how)(data[0] >> 4 & 3);
	unpack_input((enum codec_id)(data[0] & 15), data + 1, size - 1);
	fill(data[size - 1]);
	put(how, how == LZ4_DICT);
	damage((enum target)(data[0] >> 6), data, size);
	store_drop(&store, held);
	return 0;
}
