/* SPDX-License-Identifier: MIT */
/*
 * Page words against a naive twin that keeps each field by itself: random
 * pages, near and far, change state as the engine changes it, chunks come and
 * go; words, gauges, and the walk over chunks must say what the twin says.
 * Then several threads at once, where only the sums can be known.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "space/page.h"

#define CHUNKS		12u
#define PAGES		(CHUNKS * CHUNK_PAGES)
#define OPS		200000u
#define THREADS		3
#define SHARED_PAGES	64u	/* few, so that threads meet */
#define WHERE_MAX	(((uint64_t)1 << 42) - 1)

struct twin {
	enum page_state state;
	uint64_t where;
	unsigned heat, level, age;
	bool refused;
	bool mark;
};

static struct arena arena;
static struct page_map map;
static struct twin twins[PAGES];
static bool made[CHUNKS];

/* What the engine does, from each state; a list as page.h has it in words. */
static const char *const ways[PAGE_NR_STATES] = {
	[PAGE_HERE] = "\0\1\2\4\5",
	[PAGE_LEAVING] = "\0\1\2\4\5",
	[PAGE_PACKING] = "\0\1\2\3\4\5",
	[PAGE_STORED] = "\0\3\4\5",
	[PAGE_ARRIVING] = "\0\1\3\4\5",
	[PAGE_DYING] = "\0\4\5",
};
static const unsigned nr_ways[PAGE_NR_STATES] = { 5, 5, 6, 4, 5, 3 };

static uint64_t roll(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Chunks by threes: neighbours; then far away, at last below the top. */
static uintptr_t chunk_base(unsigned c)
{
	static const uintptr_t far[] = {
		0, 5 * GIB, (uintptr_t)1 << 44, (uintptr_t)1 << 46,
	};

	return far[c / 3] + (c % 3 + 1) * CHUNK_SIZE;
}

static uintptr_t page_addr(unsigned n)
{
	return chunk_base(n / (unsigned)CHUNK_PAGES) +
	       n % CHUNK_PAGES * PAGE_SIZE;
}

static void check_word(uint64_t word, const struct twin *t)
{
	assert_int_equal(page_state(word), t->state);
	assert_int_equal(page_where(word), t->where);
	assert_int_equal(page_level(word), t->level);
	assert_int_equal(page_age(word), t->age);
	assert_int_equal(!!(word & PAGE_REFUSED), t->refused);
	assert_int_equal(!!(word & PAGE_WANTED), t->mark);
	if (t->state != PAGE_STORED)
		assert_int_equal(page_heat(word), t->heat);
	assert_int_equal(page_has_object(word),
			 t->state == PAGE_HERE && t->mark);
}

static void check_gauges(void)
{
	uint64_t in[PAGE_NR_STATES] = { 0 };
	int64_t refused = 0;
	int64_t kept = 0;

	for (unsigned n = 0; n < PAGES; n++) {
		in[twins[n].state]++;
		refused += twins[n].refused;
		kept += twins[n].state == PAGE_HERE && twins[n].mark;
	}
	for (unsigned s = PAGE_HERE + 1; s < PAGE_NR_STATES; s++)
		assert_int_equal(page_total(&map, (enum page_state)s), in[s]);
	assert_int_equal(atomic_load(&map.totals.refused), refused);
	assert_int_equal(page_kept(&map), kept);
}

static void check_walk(uint64_t *random)
{
	uintptr_t at = roll(random) >> 17;
	uintptr_t end = roll(random) >> 17;
	unsigned nr = 0;
	unsigned c = 0;
	struct chunk *found;

	if (roll(random) % 2)
		at = 0;
	while ((found = page_next_chunk(&map, at, end))) {
		for (; c < CHUNKS; c++)
			if (made[c] && chunk_base(c) + CHUNK_SIZE > at)
				break;
		assert_true(c < CHUNKS);
		assert_int_equal(found->base, chunk_base(c));
		at = found->base + CHUNK_SIZE;
	}
	for (; c < CHUNKS; c++)
		if (chunk_base(c) < end && chunk_base(c) >= at)
			assert_false(made[c]);
	for (c = 0; c < CHUNKS; c++)
		nr += made[c];
	assert_int_equal(atomic_load(&map.nr_chunks), nr);
}

/* The page goes on to one of the states it may go to, or changes in place. */
static void change(page_word *w, struct twin *t, uint64_t *random)
{
	const unsigned way = (unsigned)(roll(random) % nr_ways[t->state]);
	const enum page_state to = (enum page_state)ways[t->state][way];
	uint64_t old = atomic_load(w);
	uint64_t stale = old ^ PAGE_REFUSED;
	uint64_t new;

	t->where = roll(random) & WHERE_MAX;
	t->state = to;
	t->mark = (to == PAGE_HERE || to == PAGE_PACKING) && roll(random) % 2;
	t->age = (unsigned)(roll(random) % 256);
	new = page_with_age(page_at(old, to, t->where), t->age);
	if (to != PAGE_STORED && roll(random) % 2) {
		t->level = (unsigned)(roll(random) % 8);
		t->heat = (unsigned)(roll(random) % 64);
		new = page_with_heat(new, t->level, t->heat);
	} else if (to == PAGE_STORED) {
		t->heat = 0;
	}
	if (t->mark)
		new |= PAGE_WANTED;	/* or KEPT: the same bit */
	if (roll(random) % 8 == 0) {
		t->refused = !t->refused;
		new ^= PAGE_REFUSED;
	}
	/* who has an old word is told the one that counts */
	assert_false(page_shift(&map, w, &stale, new));
	assert_int_equal(stale, old);
	assert_true(page_shift(&map, w, &old, new));
	check_word(atomic_load(w), t);
}

/* As an unmap does: the whole chunk is forgotten. */
static void forget_chunk(unsigned c)
{
	struct chunk *chunk = page_next_chunk(&map, chunk_base(c),
					      chunk_base(c) + CHUNK_SIZE);

	for (unsigned i = 0; i < CHUNK_PAGES; i++)
		page_set(&map, &chunk->words[i], 0);
	memset(&twins[c * CHUNK_PAGES], 0, CHUNK_PAGES * sizeof(twins[0]));
	page_free_chunk(&map, chunk);
	made[c] = false;
}

static void test_words_and_gauges(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned i = 0; i < OPS; i++) {
		unsigned n = (unsigned)(roll(&random) % PAGES);
		unsigned c = n / (unsigned)CHUNK_PAGES;
		page_word *w = page_find(&map, page_addr(n));

		assert_int_equal(w != NULL, made[c]);
		if (!w) {
			w = page_make(&map, page_addr(n));
			assert_non_null(w);
			made[c] = true;
			assert_ptr_equal(page_find(&map, page_addr(n)), w);
		}
		check_word(atomic_load(w), &twins[n]);
		change(w, &twins[n], &random);
		if (roll(&random) % 4096 == 0)
			forget_chunk(c);
		if (i % 512 == 0) {
			check_gauges();
			check_walk(&random);
		}
	}
	check_gauges();
}

static void *change_shared(void *arg)
{
	uint64_t random = (uintptr_t)arg + 11;

	for (unsigned i = 0; i < OPS; i++) {
		unsigned n = (unsigned)(roll(&random) % SHARED_PAGES);
		page_word *w = page_make(&map, page_addr(n));
		uint64_t old = atomic_load(w);
		enum page_state to;

		do {
			const enum page_state from = page_state(old);

			to = (enum page_state)
				ways[from][roll(&random) % nr_ways[from]];
		} while (!page_shift(&map, w, &old, page_at(old, to, i)));
	}
	return NULL;
}

static void test_gauges_of_many_threads(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, change_shared,
						(void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (unsigned n = 0; n < SHARED_PAGES; n++) {
		uint64_t word = atomic_load(page_find(&map, page_addr(n)));

		twins[n] = (struct twin){
			.state = page_state(word),
			.refused = !!(word & PAGE_REFUSED),
			.mark = !!(word & PAGE_WANTED),
		};
	}
	check_gauges();
}

static int start(void **state)
{
	(void)state;
	memset(twins, 0, sizeof(twins));
	memset(made, 0, sizeof(made));
	return arena_start(&arena, 64 * MIB) || page_init(&map, &arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words_and_gauges, start),
		cmocka_unit_test_setup(test_gauges_of_many_threads, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
