/* SPDX-License-Identifier: MIT */
/*
 * Page words: every transition, legal or not, the fields that survive it,
 * the gauges, and chunks that come and go.
 */
#include "space/page.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define AT	((uintptr_t)0x7f0000000000)

static struct arena arena;
static struct page_map map;

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 256 * MIB) || page_init(&map, &arena);
}

/*
 * Who may become what, written down a second time; columns and rows in the
 * order of enum page_state.
 */
static const char legal[PAGE_NR_STATES][PAGE_NR_STATES + 1] = {
	/*		 HLPSAD: here leaving packing stored arriving dying */
	[PAGE_HERE] =	  "xxx.xx",
	[PAGE_LEAVING] =  "xxx.xx",
	[PAGE_PACKING] =  "xxxxxx",
	[PAGE_STORED] =	  "x..xxx",
	[PAGE_ARRIVING] = "xx.xxx",
	[PAGE_DYING] =	  "x...xx",
};

/* Does FROM -> TO abort?  In a child, as it should. */
static bool aborts(enum page_state from, enum page_state to)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		page_word *w = page_make(&map, AT);
		uint64_t old = page_at(0, from, 7);

		page_set(&map, w, old);
		close(2);
		_exit(page_shift(&map, w, &old, page_at(0, to, 7)) ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGABRT;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void test_every_transition_is_as_the_table_says(void **state)
{
	(void)state;
	for (unsigned from = 0; from < PAGE_NR_STATES; from++) {
		for (unsigned to = 0; to < PAGE_NR_STATES; to++) {
			bool want = legal[from][to] != 'x';

			if (aborts((enum page_state)from,
				   (enum page_state)to) != want)
				fail_msg("%u -> %u: aborts is not %d", from,
					 to, want);
		}
	}
}

static void test_fields_do_not_touch_each_other(void **state)
{
	uint64_t w = page_at(0, PAGE_STORED, ((uint64_t)1 << 42) - 1);

	(void)state;
	w = page_with_age(w, 255);
	w = page_with_heat(w, 7, 15);
	assert_int_equal(page_state(w), PAGE_STORED);
	assert_int_equal(page_where(w), ((uint64_t)1 << 42) - 1);
	assert_int_equal(page_age(w), 255);
	assert_int_equal(page_level(w), 7);
	assert_int_equal(page_heat(w), 15);
	assert_false(w & (PAGE_REFUSED | PAGE_WANTED));
	w = page_with_heat(w, 2, 0);
	assert_int_equal(page_age(w), 255);
	assert_int_equal(page_level(w), 2);
	assert_int_equal(page_heat(w), 0);
}

static void test_a_move_keeps_history_and_clears_wanted(void **state)
{
	uint64_t w = page_with_age(page_with_heat(0, 3, 9), 77);

	(void)state;
	w = page_at(w | PAGE_REFUSED | PAGE_WANTED, PAGE_LEAVING, 12);
	assert_int_equal(page_state(w), PAGE_LEAVING);
	assert_int_equal(page_where(w), 12);
	assert_int_equal(page_heat(w), 9);
	assert_int_equal(page_level(w), 3);
	assert_int_equal(page_age(w), 77);
	assert_true(w & PAGE_REFUSED);
	assert_false(w & PAGE_WANTED);
}

static void test_a_lost_race_tells_the_new_word(void **state)
{
	page_word *w = page_make(&map, AT);
	uint64_t old = 0;

	(void)state;
	page_set(&map, w, page_at(0, PAGE_LEAVING, 5));
	assert_false(page_shift(&map, w, &old, page_at(0, PAGE_LEAVING, 6)));
	assert_int_equal(old, page_at(0, PAGE_LEAVING, 5));
	assert_int_equal(page_total(&map, PAGE_LEAVING), 1);
}

static void test_gauges_follow_the_words(void **state)
{
	page_word *a = page_make(&map, AT);
	page_word *b = page_make(&map, AT + PAGE_SIZE);
	uint64_t old = 0;

	(void)state;
	assert_true(page_shift(&map, a, &old, page_at(0, PAGE_LEAVING, 1)));
	page_set(&map, b, page_at(0, PAGE_STORED, 9) | PAGE_REFUSED);
	assert_int_equal(page_total(&map, PAGE_LEAVING), 1);
	assert_int_equal(page_total(&map, PAGE_STORED), 1);
	assert_int_equal(map.totals.refused, 1);
	old = page_at(0, PAGE_LEAVING, 1);
	assert_true(page_shift(&map, a, &old, page_at(0, PAGE_HERE, 0)));
	page_set(&map, b, 0);
	for (unsigned s = 0; s < PAGE_NR_STATES; s++)
		assert_int_equal(page_total(&map, (enum page_state)s), 0);
	assert_int_equal(map.totals.refused, 0);
}

static void test_words_exist_only_where_they_were_made(void **state)
{
	page_word *w;

	(void)state;
	assert_null(page_find(&map, AT));
	w = page_make(&map, AT + 5 * PAGE_SIZE);
	assert_ptr_equal(page_find(&map, AT + 5 * PAGE_SIZE + 123), w);
	assert_ptr_equal(page_find(&map, AT + 6 * PAGE_SIZE), w + 1);
	assert_null(page_find(&map, AT + CHUNK_SIZE));
	assert_null(page_find(&map, AT - PAGE_SIZE));
	assert_null(page_make(&map, (uintptr_t)1 << ADDR_BITS));
	assert_int_equal(map.nr_chunks, 1);
}

static void test_chunks_are_walked_in_order_and_freed(void **state)
{
	/* beside each other, far apart, and the very last */
	const uintptr_t at[] = { 0, CHUNK_SIZE, AT, AT + (64 * GIB),
				 ((uintptr_t)1 << ADDR_BITS) - CHUNK_SIZE };
	struct chunk *c;
	uintptr_t from = 0;

	(void)state;
	for (size_t i = ARRAY_SIZE(at); i--;)
		assert_non_null(page_make(&map, at[i]));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		c = page_next_chunk(&map, from, UINTPTR_MAX);
		assert_non_null(c);
		assert_int_equal(c->base, at[i]);
		from = c->base + CHUNK_SIZE;
	}
	assert_null(page_next_chunk(&map, from, UINTPTR_MAX));
	assert_null(page_next_chunk(&map, 2 * CHUNK_SIZE, AT));
	page_free_chunk(&map, page_next_chunk(&map, AT, AT + 1));
	assert_null(page_find(&map, AT));
	assert_int_equal(map.nr_chunks, ARRAY_SIZE(at) - 1);
	/* its memory is used again, all zero */
	assert_int_equal(*page_make(&map, AT + 9 * CHUNK_SIZE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_every_transition_is_as_the_table_says, setup),
		cmocka_unit_test(test_fields_do_not_touch_each_other),
		cmocka_unit_test(test_a_move_keeps_history_and_clears_wanted),
		cmocka_unit_test_setup(test_a_lost_race_tells_the_new_word,
				       setup),
		cmocka_unit_test_setup(test_gauges_follow_the_words, setup),
		cmocka_unit_test_setup(
			test_words_exist_only_where_they_were_made, setup),
		cmocka_unit_test_setup(
			test_chunks_are_walked_in_order_and_freed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
