/* SPDX-License-Identifier: MIT */
/*
 * Stacks that are recognised.  The stack is a mapping of our own here, with
 * words in it that are taken for return addresses.
 */
#include "hooks/known.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGES	4u
#define WORDS	(PAGES * PAGE_SIZE / 8)
#define DEPTH	8u
#define ROUNDS	100000u

static struct known known;
static uint64_t *words;		/* the stack, from its end upwards */

static int setup(void **state)
{
	(void)state;
	memset(&known, 0, sizeof(known));
	words = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return words == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(words, PAGES * PAGE_SIZE);
}

static uintptr_t base(void)
{
	return (uintptr_t)words + 64;
}

/* A stack of DEPTH frames, a word in STEP apart, that return to FIRST ... */
static struct stack make(size_t at, size_t step, uint64_t first)
{
	struct stack s = { .nr = DEPTH };

	for (size_t i = 0; i < DEPTH; i++) {
		words[at + i * step] = first + i;
		s.slots[i] = (uintptr_t)&words[at + i * step];
		s.frames[i] = first + i;
	}
	return s;
}

static bool is_same(const struct stack *a, const struct stack *b)
{
	return a->nr == b->nr &&
	       !memcmp(a->frames, b->frames, a->nr * sizeof(a->frames[0])) &&
	       !memcmp(a->slots, b->slots, a->nr * sizeof(a->slots[0]));
}

static void test_what_was_kept_is_found_from_its_base(void **state)
{
	struct stack s = make(20, 200, 0x1000);
	struct stack found;

	(void)state;
	assert_false(known_find(&known, base(), &found));
	known_keep(&known, base(), &s);
	assert_true(known_find(&known, base(), &found));
	assert_true(is_same(&found, &s));
	assert_false(known_find(&known, base() + 16, &found));
}

static void test_one_other_word_makes_it_another_stack(void **state)
{
	struct stack s = make(20, 200, 0x1000);
	struct stack found;

	(void)state;
	known_keep(&known, base(), &s);
	for (size_t i = 0; i < DEPTH; i++) {
		*(uint64_t *)s.slots[i] ^= 1;
		assert_false(known_find(&known, base(), &found));
		*(uint64_t *)s.slots[i] ^= 1;
	}
	assert_true(known_find(&known, base(), &found));
}

static void test_memory_that_is_gone_is_not_read(void **state)
{
	struct stack s = make(20, 200, 0x1000);
	struct stack found;

	(void)state;
	known_keep(&known, base(), &s);
	assert_int_equal(mprotect(words + PAGE_SIZE / 4, PAGE_SIZE, PROT_NONE),
			 0);
	assert_false(known_find(&known, base(), &found));
}

static void test_only_what_is_on_the_stack_is_kept(void **state)
{
	struct stack s = make(20, 200, 0x1000);
	struct stack odd = s;
	struct stack none = { .nr = 0 };
	struct stack found;

	(void)state;
	words[20]++;
	known_keep(&known, base(), &s);
	odd.slots[3]++;
	known_keep(&known, base(), &odd);
	known_keep(&known, base(), &none);
	words[20]--;
	assert_false(known_find(&known, base(), &found));
}

static void test_the_last_few_of_a_base_are_known(void **state)
{
	struct stack all[KNOWN_WAYS + 1];
	struct stack found;

	(void)state;
	for (size_t i = 0; i <= KNOWN_WAYS; i++) {
		all[i] = make(20 + i, 100, 0x1000 * (i + 1));
		known_keep(&known, base(), &all[i]);
	}
	for (size_t i = KNOWN_WAYS + 1; i--; ) {
		/* only this one is still on the stack */
		bool wanted = i > 0;

		for (size_t k = 0; k <= KNOWN_WAYS; k++)
			words[20 + k] = k == i ? all[k].frames[0] : 0;
		assert_int_equal(known_find(&known, base(), &found), wanted);
		assert_true(!wanted || is_same(&found, &all[i]));
	}
}

static void test_an_entry_in_use_is_passed_over(void **state)
{
	struct stack s = make(20, 200, 0x1000);
	struct stack found;

	(void)state;
	known_keep(&known, base(), &s);
	for (size_t i = 0; i < KNOWN_SETS; i++)
		for (size_t k = 0; k < KNOWN_WAYS; k++)
			atomic_store(&known.all[i][k].busy, 1);
	assert_false(known_find(&known, base(), &found));
	known_keep(&known, base(), &s);
	for (size_t i = 0; i < KNOWN_SETS; i++)
		for (size_t k = 0; k < KNOWN_WAYS; k++)
			atomic_store(&known.all[i][k].busy, 0);
	assert_true(known_find(&known, base(), &found));
}

/* --- two threads --------------------------------------------------------- */

static struct stack both[2];
static _Atomic uint32_t wrong;

static void *keep_and_find(void *arg)
{
	const struct stack *mine = arg;
	struct stack found;

	for (unsigned i = 0; i < ROUNDS; i++) {
		known_keep(&known, base(), mine);
		if (known_find(&known, base(), &found) &&
		    !is_same(&found, &both[0]) && !is_same(&found, &both[1]))
			atomic_fetch_add(&wrong, 1);
	}
	return NULL;
}

static void test_nobody_finds_half_of_two(void **state)
{
	pthread_t other;

	(void)state;
	both[0] = make(20, 200, 0x1000);
	both[1] = make(21, 190, 0x2000);
	both[1].nr = DEPTH - 1;
	assert_int_equal(pthread_create(&other, NULL, keep_and_find, &both[1]),
			 0);
	keep_and_find(&both[0]);
	pthread_join(other, NULL);
	assert_int_equal(atomic_load(&wrong), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_kept_is_found_from_its_base),
		TEST(test_one_other_word_makes_it_another_stack),
		TEST(test_memory_that_is_gone_is_not_read),
		TEST(test_only_what_is_on_the_stack_is_kept),
		TEST(test_the_last_few_of_a_base_are_known),
		TEST(test_an_entry_in_use_is_passed_over),
		TEST(test_nobody_finds_half_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
