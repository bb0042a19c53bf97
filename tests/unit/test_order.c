/* SPDX-License-Identifier: MIT */
/*
 * Sections and the exclusive holder: many in sections at once, the exclusive
 * one alone, and neither starves.
 */
#include "engine/order.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sys.h"

#define READERS	3
#define WRITERS	2
#define ROUNDS	4000

static struct order order;
static uint64_t pair[2];	/* equal, but while changed exclusively */
static _Atomic uint32_t nr_torn;
static _Atomic uint32_t nr_in;
static _Atomic bool stop;
static _Atomic bool closed;	/* no section may begin its work any more */

static int setup(void **state)
{
	(void)state;
	order_init(&order);
	return 0;
}

static void test_sections_do_not_exclude_each_other(void **state)
{
	(void)state;
	order_enter(&order, 1);
	order_enter(&order, 2);	/* would hang */
	order_leave(&order, 2);
	order_leave(&order, 1);
	order_exclude(&order);
	order_admit(&order);
}

static void *read_pair(void *slot)
{
	while (!atomic_load(&stop)) {
		order_enter(&order, (unsigned)(uintptr_t)slot);
		atomic_fetch_add(&nr_in, 1);
		if (pair[0] != pair[1])
			atomic_fetch_add(&nr_torn, 1);
		atomic_fetch_sub(&nr_in, 1);
		order_leave(&order, (unsigned)(uintptr_t)slot);
	}
	return NULL;
}

static void *write_pair(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		order_exclude(&order);
		if (atomic_load(&nr_in))
			atomic_fetch_add(&nr_torn, 1);
		pair[0]++;
		if (i % 16 == 0)
			sys_yield();
		pair[1]++;
		order_admit(&order);
		if (i % 8 == 0)
			sys_yield();
	}
	return arg;
}

static void test_exclusive_is_alone(void **state)
{
	pthread_t t[READERS + WRITERS];

	(void)state;
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, read_pair,
						(void *)(i + 1)), 0);
	for (size_t i = READERS; i < READERS + WRITERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, write_pair,
						NULL), 0);
	for (size_t i = READERS; i < READERS + WRITERS; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(nr_torn, 0);
	assert_int_equal(pair[0], WRITERS * ROUNDS);
	assert_int_equal(pair[1], WRITERS * ROUNDS);
}

/* Does what is forbidden after a drain, unless it sees CLOSED. */
static void *work_unless_closed(void *slot)
{
	while (!atomic_load(&stop)) {
		order_enter(&order, (unsigned)(uintptr_t)slot);
		if (!atomic_load(&closed)) {
			atomic_fetch_add(&nr_in, 1);
			if ((uintptr_t)slot == 1)
				sys_yield();
			atomic_fetch_sub(&nr_in, 1);
		}
		order_leave(&order, (unsigned)(uintptr_t)slot);
	}
	return NULL;
}

static void *exclude_unless_closed(void *arg)
{
	while (!atomic_load(&stop)) {
		order_exclude(&order);
		if (!atomic_load(&closed)) {
			atomic_fetch_add(&nr_in, 1);
			sys_yield();
			atomic_fetch_sub(&nr_in, 1);
		}
		order_admit(&order);
	}
	return arg;
}

static void test_drained_means_nobody_missed_it(void **state)
{
	pthread_t t[READERS + WRITERS];

	(void)state;
	atomic_store(&stop, false);
	atomic_store(&nr_in, 0);
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL,
						work_unless_closed,
						(void *)(i + 1)), 0);
	for (size_t i = READERS; i < READERS + WRITERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL,
						exclude_unless_closed,
						NULL), 0);
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		atomic_store(&closed, true);
		order_drain(&order);
		for (unsigned n = 0; n < 50; n++)
			assert_int_equal(atomic_load(&nr_in), 0);
		atomic_store(&closed, false);
		sys_yield();
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < READERS + WRITERS; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sections_do_not_exclude_each_other,
				       setup),
		cmocka_unit_test_setup(test_exclusive_is_alone, setup),
		cmocka_unit_test_setup(test_drained_means_nobody_missed_it,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
