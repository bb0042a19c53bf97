/* SPDX-License-Identifier: MIT */
/*
 * What binds, on trees of files for cgroup v1 and v2: the least headroom of
 * nested groups, option and machine; page cache that counts as free; limits
 * that come, change and go; files that are missing or say nonsense.  At the
 * end the same on the machine the test runs on.
 */
#include "engine/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

#define V1_NO_LIMIT	"9223372036854771712\n"

static struct pressure p;
static struct pressure_now now;
static struct pressure_config cfg;

static int setup(void **state)
{
	(void)state;
	cfg = (struct pressure_config){ .root = fixture_begin() };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pressure_close(&p);
	fixture_end();
	return 0;
}

/* Let refresh do what it does once a second. */
static void refresh_slow(void)
{
	p.checked_ns = 0;
	pressure_refresh(&p);
}

static void expect(enum pressure_source source, uint64_t limit, uint64_t usage)
{
	pressure_read(&p, &now);
	assert_int_equal(now.source, source);
	assert_int_equal(now.limit, limit);
	assert_int_equal(now.usage, usage);
	assert_int_equal(now.headroom, (int64_t)limit - (int64_t)usage);
}

static void expect_nothing(void)
{
	pressure_read(&p, &now);
	assert_int_equal(now.source, PRESSURE_BY_NOTHING);
	assert_int_equal(now.limit, 0);
	assert_true(now.headroom == INT64_MAX);
	assert_string_equal(now.name, "");
}

static void test_v1_own_limit(void **state)
{
	(void)state;
	fixture_system("/job", false);
	fixture_v1("", V1_NO_LIMIT, 5 * GIB);
	fixture_v1("/job", "1073741824\n", 300 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 2);
	expect(PRESSURE_BY_CGROUP, GIB, 300 * MIB);
	assert_true(now.hard);
	assert_string_equal(now.name, "cgroup /job");
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", 1100 * MIB);
	expect(PRESSURE_BY_CGROUP, GIB, 1100 * MIB);
	assert_true(now.headroom < 0);
}

static void test_v1_ancestor_with_less_headroom_binds(void **state)
{
	(void)state;
	fixture_system("/a/b/c", false);
	fixture_v1("", V1_NO_LIMIT, 5 * GIB);
	fixture_v1("/a", "4294967296\n", 4000 * MIB);
	fixture_v1("/a/b", V1_NO_LIMIT, 2 * GIB);
	fixture_v1("/a/b/c", "2147483648\n", GIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 4);
	expect(PRESSURE_BY_CGROUP, 4 * GIB, 4000 * MIB);
	assert_string_equal(now.name, "cgroup /a");
	/* the percentage is of the smallest limit, not of the tightest */
	assert_int_equal(pressure_limit_bytes(&p, 50), GIB);
}

static void test_v1_group_without_hierarchy_does_not_count_us(void **state)
{
	(void)state;
	fixture_system("/a/b", false);
	fixture_v1("/a", "1048576\n", MIB);
	fixture_v1("/a/b", "2147483648\n", GIB);
	fixture_put(FIXTURE_V1 "/a/memory.use_hierarchy", "0\n");
	fixture_put(FIXTURE_V1 "/a/b/memory.use_hierarchy", "0\n");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 1);
	expect(PRESSURE_BY_CGROUP, 2 * GIB, GIB);
}

static void test_v1_page_cache_counts_as_free(void **state)
{
	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 900 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.stat",
		    "cache 1\ninactive_file 1\nactive_file 1\ndirty 1\n"
		    "total_dirty 1048576\ntotal_writeback 2097152\n"
		    "total_inactive_file 104857600\n"
		    "total_active_file 209715200\n");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	/* 100 M + half of 200 M - 3 M that must be written first */
	expect(PRESSURE_BY_CGROUP, GIB, (900 - 197) * MIB);
	/* more cache than usage is a race, not a negative usage */
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", MIB);
	expect(PRESSURE_BY_CGROUP, GIB, 0);
	/* all dirty: nothing is free */
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", 900 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.stat",
		    "total_inactive_file 1048576\ntotal_dirty 9999999\n");
	pressure_refresh(&p);
	expect(PRESSURE_BY_CGROUP, GIB, 900 * MIB);
}

static void test_page_cache_is_read_again_when_it_gets_tight(void **state)
{
	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 900 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.stat", "total_inactive_file 524288000\n");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_CGROUP, GIB, 400 * MIB);
	/* the kernel replaces cache by other memory: usage stays below */
	fixture_put(FIXTURE_V1 "/job/memory.stat", "total_inactive_file 104857600\n");
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", 1020 * MIB);
	p.levels[0].droppable_ns -= PRESSURE_TIGHT_NS;
	expect(PRESSURE_BY_CGROUP, GIB, 920 * MIB);
}

static void test_v2_max_and_high(void **state)
{
	(void)state;
	fixture_system("/a/b", true);
	fixture_v2("/a", "max\n", "max\n", 3 * GIB);
	fixture_v2("/a/b", "1073741824\n", "805306368\n", 700 * MIB);
	fixture_put(FIXTURE_V2 "/a/b/memory.stat",
		    "anon 5\ninactive_file 104857600\nactive_file 20971520\n"
		    "file_dirty 0\nfile_writeback 10485760\n");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 2);
	expect(PRESSURE_BY_CGROUP, 768 * MIB, 600 * MIB);
	assert_false(now.hard);
	/* percentages are of what kills, not of what slows down */
	assert_int_equal(pressure_limit_bytes(&p, 100), GIB);
	fixture_put(FIXTURE_V2 "/a/b/memory.high", "max\n");
	pressure_refresh(&p);
	expect(PRESSURE_BY_CGROUP, GIB, 600 * MIB);
	assert_true(now.hard);
}

static void test_v2_own_group_without_controller(void **state)
{
	(void)state;
	fixture_system("/a/b", true);
	fixture_v2("/a", "1073741824\n", "max\n", 500 * MIB);
	fixture_mkdir(FIXTURE_V2 "/a/b");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 1);
	expect(PRESSURE_BY_CGROUP, GIB, 500 * MIB);
	assert_string_equal(now.name, "cgroup /a");
}

static void test_namespace_root_has_files_of_its_own(void **state)
{
	(void)state;
	fixture_system("/", true);
	fixture_v2("", "268435456\n", "max\n", 200 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_CGROUP, 256 * MIB, 200 * MIB);
	assert_string_equal(now.name, "cgroup /");
}

static void test_limits_come_change_and_go(void **state)
{
	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", V1_NO_LIMIT, 100 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect_nothing();
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", "536870912\n");
	pressure_refresh(&p);
	expect_nothing();	/* looked at once a second only */
	refresh_slow();
	expect(PRESSURE_BY_CGROUP, 512 * MIB, 100 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", "268435456\n");
	pressure_refresh(&p);
	expect(PRESSURE_BY_CGROUP, 256 * MIB, 100 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", V1_NO_LIMIT);
	pressure_refresh(&p);
	expect_nothing();
}

static void test_process_moved_to_another_group(void **state)
{
	(void)state;
	fixture_system("/one", false);
	fixture_v1("/one", "536870912\n", 100 * MIB);
	fixture_v1("/two", "268435456\n", 50 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_CGROUP, 512 * MIB, 100 * MIB);
	fixture_system("/two", false);
	refresh_slow();
	expect(PRESSURE_BY_CGROUP, 256 * MIB, 50 * MIB);
	assert_string_equal(now.name, "cgroup /two");
}

static void test_group_mounted_later_is_found(void **state)
{
	(void)state;
	assert_int_equal(pressure_find(&p, &cfg), -ENOENT);
	expect_nothing();
	refresh_slow();
	fixture_system("/job", false);
	fixture_v1("/job", "536870912\n", 100 * MIB);
	refresh_slow();
	expect(PRESSURE_BY_CGROUP, 512 * MIB, 100 * MIB);
}

static void test_files_that_cannot_be_read_are_found_again(void **state)
{
	int dir;

	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "536870912\n", 100 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	/* a removed group answers ENODEV; a directory answers EISDIR */
	dir = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(dir, p.levels[0].usage_fd),
			 p.levels[0].usage_fd);
	close(dir);
	expect_nothing();
	assert_true(p.lost);
	refresh_slow();
	assert_false(p.lost);
	expect(PRESSURE_BY_CGROUP, 512 * MIB, 100 * MIB);
}

static void test_nonsense_limits_are_no_limits(void **state)
{
	static const char *const nonsense[] = {
		"", "\n", "-1\n", "maximum\n", "12 34\n", "0x100\n", "1G\n",
		"99999999999999999999999\n", "18446744073709551615\n",
		V1_NO_LIMIT, "abc",
	};

	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "1\n", 100 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", nonsense[i]);
		refresh_slow();
		expect_nothing();
	}
	assert_false(p.lost);
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", "1048576");
	refresh_slow();
	expect(PRESSURE_BY_CGROUP, MIB, 100 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.usage_in_bytes", "many\n");
	expect_nothing();
	fixture_put(FIXTURE_V1 "/job/memory.usage_in_bytes",
		    "99999999999999999999999\n");
	expect_nothing();
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", UINT64_MAX - 5);
	pressure_read(&p, &now);
	assert_true(now.headroom < 0);
}

static void test_missing_files_take_out_their_level_only(void **state)
{
	(void)state;
	fixture_system("/a/b/c", false);
	fixture_v1("/a", "1073741824\n", 100 * MIB);
	fixture_put(FIXTURE_V1 "/a/b/memory.limit_in_bytes", "1\n");
	fixture_put(FIXTURE_V1 "/a/b/c/memory.usage_in_bytes", "1\n");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, 1);
	expect(PRESSURE_BY_CGROUP, GIB, 100 * MIB);
}

static void test_more_levels_than_we_look_at(void **state)
{
	char path[256] = "";

	(void)state;
	for (int i = 0; i < PRESSURE_LEVELS + 4; i++) {
		strcat(path, "/dddd");
		fixture_v1(path, "1073741824\n", MIB);
	}
	fixture_system(path, false);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	assert_int_equal(p.nr_levels, PRESSURE_LEVELS);
	expect(PRESSURE_BY_CGROUP, GIB, MIB);
	/* the end of a long name says more than its beginning */
	assert_int_equal(strlen(now.name), PRESSURE_NAME - 1);
	assert_memory_equal(now.name, "cgroup ...", 10);
	assert_string_equal(now.name + PRESSURE_NAME - 6, "/dddd");
}

static void test_option_against_anonymous_memory(void **state)
{
	(void)state;
	cfg.limit = 512 * MIB;
	fixture_statm(300 * MIB, 50 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_OPTION, 512 * MIB, 250 * MIB);
	assert_true(now.hard);
	assert_string_equal(now.name, "option");
	fixture_statm(50 * MIB, 60 * MIB);
	expect(PRESSURE_BY_OPTION, 512 * MIB, 0);
	fixture_put("/proc/self/statm", "garbage");
	expect_nothing();
}

static void test_option_in_percent_follows_the_group(void **state)
{
	(void)state;
	cfg.limit_pct = 50;
	fixture_statm(300 * MIB, 0);
	fixture_meminfo(8 * GIB, 8 * GIB);
	fixture_system("/job", false);
	fixture_v1("/job", V1_NO_LIMIT, 400 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_OPTION, 4 * GIB, 300 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", "1073741824\n");
	refresh_slow();
	expect(PRESSURE_BY_OPTION, 512 * MIB, 300 * MIB);
	assert_int_equal(pressure_limit_bytes(&p, 33), GIB / 100 * 33 + 7);
}

static void test_machine_keeps_a_reserve(void **state)
{
	const uint64_t reserve = 8 * GIB / 50;

	(void)state;
	fixture_meminfo(8 * GIB, 6 * GIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_MACHINE, 8 * GIB - reserve, 2 * GIB);
	assert_false(now.hard);
	assert_string_equal(now.name, "machine");
	fixture_meminfo(8 * GIB, 100 * MIB);
	pressure_refresh(&p);
	pressure_read(&p, &now);
	assert_true(now.headroom == (int64_t)(100 * MIB - reserve));
	/* tight: no need to wait for the next refresh */
	fixture_meminfo(8 * GIB, 400 * MIB);
	p.available_ns -= PRESSURE_TIGHT_NS;
	pressure_read(&p, &now);
	assert_true(now.headroom == (int64_t)(400 * MIB - reserve));
	fixture_put("/proc/meminfo", "MemTotal: none\n");
	pressure_refresh(&p);
	expect_nothing();
	/* a machine smaller than the reserve is no limit we could keep */
	fixture_meminfo(32 * MIB, 16 * MIB);
	pressure_refresh(&p);
	expect_nothing();
}

static void test_least_headroom_of_all_sources_binds(void **state)
{
	(void)state;
	cfg.limit = 700 * MIB;
	fixture_statm(500 * MIB, 0);
	fixture_meminfo(8 * GIB, 6 * GIB);
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 900 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	expect(PRESSURE_BY_CGROUP, GIB, 900 * MIB);
	fixture_number(FIXTURE_V1 "/job/memory.usage_in_bytes", 600 * MIB);
	expect(PRESSURE_BY_OPTION, 700 * MIB, 500 * MIB);
	fixture_meminfo(8 * GIB, 200 * MIB);
	pressure_refresh(&p);
	pressure_read(&p, &now);
	assert_int_equal(now.source, PRESSURE_BY_MACHINE);
}

static void test_child_finds_anew_and_parent_stays(void **state)
{
	struct pressure child;

	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "536870912\n", 100 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	memcpy(&child, &p, sizeof(child));
	assert_int_equal(pressure_find(&child, &p.cfg), 0);
	assert_true(child.levels[0].usage_fd != p.levels[0].usage_fd);
	pressure_close(&child);
	pressure_close(&child);
	expect(PRESSURE_BY_CGROUP, 512 * MIB, 100 * MIB);
}

/* The group that the machine's own limits say must be what we found. */
static void test_this_machine(void **state)
{
	const struct pressure_config real = { .root = "" };

	(void)state;
	assert_int_equal(pressure_find(&p, &real), 0);
	for (int i = 0; i < 3; i++) {
		pressure_read(&p, &now);
		assert_true(now.source != PRESSURE_BY_NOTHING);
		assert_true(now.limit > 0 && now.usage > 0);
		assert_true(now.headroom ==
			    (int64_t)now.limit - (int64_t)now.usage);
		refresh_slow();
	}
	assert_false(p.lost);
	print_message("%u levels; binds: %s\n", p.nr_levels, now.name);
	if (!p.nr_levels) {
		print_message("no memory cgroup here: rest skipped\n");
		skip();
	}
	assert_true(p.levels[0].usage_fd >= 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_v1_own_limit),
		TEST(test_v1_ancestor_with_less_headroom_binds),
		TEST(test_v1_group_without_hierarchy_does_not_count_us),
		TEST(test_v1_page_cache_counts_as_free),
		TEST(test_page_cache_is_read_again_when_it_gets_tight),
		TEST(test_v2_max_and_high),
		TEST(test_v2_own_group_without_controller),
		TEST(test_namespace_root_has_files_of_its_own),
		TEST(test_limits_come_change_and_go),
		TEST(test_process_moved_to_another_group),
		TEST(test_group_mounted_later_is_found),
		TEST(test_files_that_cannot_be_read_are_found_again),
		TEST(test_nonsense_limits_are_no_limits),
		TEST(test_missing_files_take_out_their_level_only),
		TEST(test_more_levels_than_we_look_at),
		TEST(test_option_against_anonymous_memory),
		TEST(test_option_in_percent_follows_the_group),
		TEST(test_machine_keeps_a_reserve),
		TEST(test_least_headroom_of_all_sources_binds),
		TEST(test_child_finds_anew_and_parent_stays),
		TEST(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
