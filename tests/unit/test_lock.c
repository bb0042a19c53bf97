/* SPDX-License-Identifier: MIT */
/*
 * The lock: one holder at a time, nobody sleeps for ever, and what was
 * written under it is seen by the next holder.
 */
#include "base/lock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"

#define THREADS	4
#define ROUNDS	20000u

static struct lock lock = LOCK_INIT(LOCK_CLASS);
static uint64_t counter;	/* under lock */
static _Atomic uint32_t inside;

static void test_try_fails_while_held(void **state)
{
	(void)state;
	assert_true(lock_try(&lock));
	assert_true(lock_is_held(&lock));
	assert_false(lock_try(&lock));
	lock_drop(&lock);
	assert_false(lock_is_held(&lock));
	lock_take(&lock);
	lock_drop(&lock);
	assert_int_equal(lock.word, 0);
}

static void *count(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_take(&lock);
		if (atomic_fetch_add(&inside, 1))
			return NULL;	/* two inside: the sum will tell */
		counter++;
		if (i % 64 == 0)
			sys_yield();
		atomic_fetch_sub(&inside, 1);
		lock_drop(&lock);
	}
	return arg;
}

static void test_many_threads_count_to_the_same_sum(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count, t), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		assert_non_null(ret);
	}
	assert_int_equal(counter, THREADS * ROUNDS);
	assert_int_equal(lock.word, 0);
}

static void *take_once(void *arg)
{
	lock_take(&lock);
	lock_drop(&lock);
	return arg;
}

static void test_a_sleeper_is_woken(void **state)
{
	pthread_t t[2];

	(void)state;
	lock_take(&lock);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_once, t), 0);
	while (atomic_load(&lock.word) != 2)	/* somebody sleeps */
		sys_yield();
	lock_drop(&lock);
	for (size_t i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(lock.word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_try_fails_while_held),
		cmocka_unit_test(test_many_threads_count_to_the_same_sum),
		cmocka_unit_test(test_a_sleeper_is_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
