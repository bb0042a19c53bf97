/* SPDX-License-Identifier: MIT */
/*
 * Shares of a group, on a tree of files: who counts, what is kept free by a
 * process above the mean and by an idle one, and with whom the room is shared.
 */
#include "engine/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define RESERVE	1000

static struct pressure p;
static struct pressure_now now;
static struct pressure_config cfg;
static struct share s;
static uint64_t missed;

static void peer(unsigned pid, uint64_t resident)
{
	char path[64];
	char text[64];

	snprintf(path, sizeof(path), "/proc/%u/statm", pid);
	snprintf(text, sizeof(text), "999999 %llu 10 1 0 1 0\n",
		 (unsigned long long)(resident / PAGE_SIZE + 10));
	fixture_put(path, text);
}

static int setup(void **state)
{
	(void)state;
	cfg = (struct pressure_config){ .root = fixture_begin() };
	memset(&s, 0, sizeof(s));
	fixture_meminfo(8 * GIB, 4 * GIB);
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 900 * MIB);
	fixture_put(FIXTURE_V1 "/job/cgroup.procs", "100\n101\n102\n103\n");
	fixture_statm(300 * MIB, 0);
	peer(100, 300 * MIB);
	peer(101, 300 * MIB);
	peer(102, 300 * MIB);
	peer(103, 4 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pressure_close(&p);
	fixture_end();
	return 0;
}

/* Look after a second in which so many pages were missed. */
static void look(uint64_t more)
{
	missed += more;
	s.looked_ns = 0;
	s.judged_ns = 0;
	pressure_read(&p, &now);
	share_look(&s, &p, &now, missed);
}

static void test_at_the_mean_nothing_is_kept_free(void **state)
{
	(void)state;
	look(1000);
	assert_int_equal(s.nr, 3);	/* the small one does not count */
	assert_int_equal(s.mean, 300 * MIB);
	assert_int_equal(s.own, 300 * MIB);
	assert_int_equal(share_extra(&s, RESERVE), 0);
}

static void test_above_the_mean_more_and_more(void **state)
{
	(void)state;
	fixture_statm(330 * MIB, 0);
	look(1000);
	assert_in_range(share_extra(&s, RESERVE), RESERVE * 45 / 100,
			RESERVE * 50 / 100);
	fixture_statm(360 * MIB, 0);
	look(1000);
	assert_int_equal(share_extra(&s, RESERVE), RESERVE);
	fixture_statm(900 * MIB, 0);
	look(1000);
	assert_int_equal(share_extra(&s, RESERVE), RESERVE);
	fixture_statm(10 * MIB, 0);
	look(1000);
	assert_int_equal(share_extra(&s, RESERVE), 0);
}

static void test_own_size_is_read_each_time(void **state)
{
	(void)state;
	look(1000);
	fixture_statm(360 * MIB, 0);
	peer(101, 900 * MIB);
	share_look(&s, &p, &now, missed);
	assert_int_equal(s.own, 360 * MIB);
	assert_int_equal(s.mean, 300 * MIB);	/* some times a second */
}

static void test_an_idle_process_gives(void **state)
{
	(void)state;
	fixture_statm(100 * MIB, 0);
	look(1000);
	assert_int_equal(share_extra(&s, RESERVE), 0);
	look(3);
	assert_int_equal(share_extra(&s, RESERVE), RESERVE);
}

static void test_alone_nothing_is_shared(void **state)
{
	(void)state;
	fixture_put(FIXTURE_V1 "/job/cgroup.procs", "100\n103\n999\n");
	look(3);
	assert_int_equal(s.nr, 1);
	assert_int_equal(share_extra(&s, RESERVE), 0);
	fixture_put(FIXTURE_V1 "/job/cgroup.procs", "");
	look(3);
	assert_int_equal(s.nr, 1);
	assert_int_equal(share_extra(&s, RESERVE), 0);
}

static void test_only_the_own_group_is_looked_at(void **state)
{
	(void)state;
	look(1000);
	assert_int_equal(s.nr, 3);
	/* another source binds now */
	fixture_meminfo(8 * GIB, 180 * MIB);
	pressure_refresh(&p);
	look(1000);
	assert_int_equal(now.source, PRESSURE_BY_MACHINE);
	assert_int_equal(s.nr, 1);
	assert_int_equal(share_extra(&s, RESERVE), 0);
}

static void test_nonsense_in_the_list(void **state)
{
	(void)state;
	fixture_put(FIXTURE_V1 "/job/cgroup.procs",
		    "x\n\n-1\n100\n99999999999999999999999999\n0\n101 102\n");
	look(1000);
	assert_int_equal(s.nr, 3);
	fixture_put("/proc/100/statm", "none");
	fixture_put("/proc/101/statm", "1 2\n");
	look(1000);
	assert_int_equal(s.nr, 1);
}

static void test_more_processes_than_are_looked_at(void **state)
{
	char text[4096] = "";

	(void)state;
	for (unsigned i = 0; i < 2 * SHARE_PEERS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%u\n", 100 + i % 3);
	fixture_put(FIXTURE_V1 "/job/cgroup.procs", text);
	look(1000);
	assert_int_equal(s.nr, SHARE_PEERS);
	assert_int_equal(s.mean, 300 * MIB);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_at_the_mean_nothing_is_kept_free),
		TEST(test_above_the_mean_more_and_more),
		TEST(test_own_size_is_read_each_time),
		TEST(test_an_idle_process_gives),
		TEST(test_alone_nothing_is_shared),
		TEST(test_only_the_own_group_is_looked_at),
		TEST(test_nonsense_in_the_list),
		TEST(test_more_processes_than_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
