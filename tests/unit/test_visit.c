/* SPDX-License-Identifier: MIT */
/*
 * When an evictor goes to the CPU of the thread that uses the pages.  The
 * engine has no memory here, so that it finds nothing to take out.
 */
#define _GNU_SOURCE
#include "engine/visit.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"

#define DEAR	(25 * NS_PER_US)
#define CHEAP	(2 * NS_PER_US)
#define MANY	100u
#define ROUND	65u	/* sweeps, of which one is no visit */

static struct engine e;
static struct helper h;
static int cpu;		/* one where we may be */
static bool is_alone;	/* the only one */

static int setup(void **state)
{
	cpu_set_t set;

	(void)state;
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	for (cpu = 0; !CPU_ISSET((size_t)cpu, &set); cpu++)
		;
	is_alone = CPU_COUNT(&set) == 1;
	e.nr_servers = 1;
	h = (struct helper){ .engine = &e };
	reclaim_init(&e.reclaim);
	visit_start(&h);
	return 0;
}

/* What a server says: where its thread is; -1: anywhere. */
static void thread_is_on(int at)
{
	struct follow f;

	follow_start(&f);
	f.cpu = at;
	visit_thread_is_on(&e, &f);
}

/* Where we are allowed to be again. */
static int teardown(void **state)
{
	(void)state;
	follow_away(&h.visit.where, -1);
	return 0;
}

static void note(uint64_t ns)
{
	for (unsigned i = 0; i < MANY; i++)
		visit_note_move(&h, ns);
}

/* Of NR sweeps, how many were visits? */
static unsigned visits(unsigned nr)
{
	unsigned n = 0;
	size_t taken;

	while (nr--) {
		const uint32_t before = h.visit.since;

		visit_sweep(&h, &taken);
		assert_int_equal(taken, 0);
		assert_false(follow_is_visiting(&h.visit.where));
		n += h.visit.since > before;
	}
	return n;
}

static void test_stays_where_it_is_not_dear(void **state)
{
	(void)state;
	thread_is_on(cpu);
	assert_int_equal(visits(10), 0);
	note(CHEAP);
	assert_int_equal(visits(10), 0);
}

static void test_goes_where_it_is_dear(void **state)
{
	(void)state;
	thread_is_on(cpu);
	note(DEAR);
	assert_int_equal(visits(10), 10);
}

static void test_stays_while_the_thread_is_unknown(void **state)
{
	(void)state;
	note(DEAR);
	assert_int_equal(visits(10), 0);
	thread_is_on(cpu);
	assert_int_equal(visits(1), 1);
	thread_is_on(-1);
	assert_int_equal(visits(10), 0);
	/* of several servers each may have one */
	e.nr_servers = 2;
	thread_is_on(cpu);
	assert_int_equal(visits(10), 0);
}

static void test_comes_back_to_another_cpu(void **state)
{
	cpu_set_t set;

	(void)state;
	thread_is_on(cpu);
	note(DEAR);
	assert_int_equal(visits(1), 1);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_true(is_alone || !CPU_ISSET((size_t)cpu, &set));
}

/* Once in a while it is measured without a visit, and is cheap by now. */
static void test_is_measured_again(void **state)
{
	(void)state;
	thread_is_on(cpu);
	note(DEAR);
	assert_int_equal(visits(2 * ROUND), 2 * (ROUND - 1));
	note(CHEAP);
	assert_int_equal(visits(10), 0);
}

static void test_a_visit_does_not_count(void **state)
{
	(void)state;
	thread_is_on(cpu);
	note(DEAR);
	assert_true(follow_visit(&h.visit.where, cpu));
	note(CHEAP);
	visit_rest(&h);
	assert_int_equal(visits(1), 1);
}

/*
 * Where pages are taken out by the server: or the evictor would be woken on
 * top of it.  The evictor is this thread.
 */
static void test_is_sent_away_when_the_thread_comes(void **state)
{
	cpu_set_t set;

	(void)state;
	e.use_move = true;
	e.nr_evictors = 1;
	atomic_store(&e.evictors[0].thread.tid, (uint32_t)gettid());
	thread_is_on(cpu);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_true(CPU_ISSET((size_t)cpu, &set));
	thread_is_on(-1);
	atomic_store(&e.reclaim.near, 1);
	thread_is_on(cpu);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_true(is_alone || !CPU_ISSET((size_t)cpu, &set));
	h.visit.where.cpu = cpu;	/* to be undone */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_stays_where_it_is_not_dear),
		TEST(test_goes_where_it_is_dear),
		TEST(test_stays_while_the_thread_is_unknown),
		TEST(test_comes_back_to_another_cpu),
		TEST(test_is_measured_again),
		TEST(test_a_visit_does_not_count),
		TEST(test_is_sent_away_when_the_thread_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
