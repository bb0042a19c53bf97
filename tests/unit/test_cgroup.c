/* SPDX-License-Identifier: MIT */
/*
 * Finding the directory of the own group from /proc/self/cgroup and
 * mountinfo: plain machines, containers that see a part of the tree, cgroup
 * namespaces, several mounts, and files that say nonsense.
 */
#include "base/cgroup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

static struct cgroup_walk walk;
static const char *root;

static int setup(void **state)
{
	(void)state;
	root = fixture_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_end();
	return 0;
}

/* One mount of v1 memory at POINT, showing MOUNT_ROOT. */
static void put_mount(const char *mount_root, const char *point)
{
	char line[1024];

	snprintf(line, sizeof(line),
		 "20 1 0:2 / / rw - ext4 /dev/root rw\n"
		 "31 20 0:3 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
		 "32 20 0:4 %s %s rw,relatime shared:10 master:3 - cgroup cgroup rw,memory\n"
		 "33 20 0:5 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		 mount_root, point);
	fixture_put("/proc/self/mountinfo", line);
}

static void put_group(const char *path)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "9:name=memory:/wrong\n3:cpu,cpuacct:/cpu\n4:memory:%s\n0::/u\n",
		 path);
	fixture_put("/proc/self/cgroup", text);
}

/* The walk gives these names, and then ends. */
static void expect(const char *const *names)
{
	assert_int_equal(cgroup_walk_begin(&walk, root, false), 0);
	for (;;) {
		assert_string_equal(cgroup_name(&walk), *names);
		names++;
		if (!cgroup_walk_up(&walk))
			break;
		assert_non_null(*names);
	}
	assert_null(*names);
	assert_false(cgroup_walk_up(&walk));
}

#define EXPECT(...)	expect((const char *const[]){ __VA_ARGS__, NULL })

static void expect_none(void)
{
	assert_int_equal(cgroup_walk_begin(&walk, root, false), -ENOENT);
}

static void test_plain_machine(void **state)
{
	long fd;
	char c;

	(void)state;
	put_mount("/", "/sys/fs/cgroup/memory");
	put_group("/a/b");
	fixture_put("/sys/fs/cgroup/memory/a/b/file", "1");
	fixture_put("/sys/fs/cgroup/memory/a/file", "2");
	EXPECT("/a/b", "/a", "/");
	assert_int_equal(cgroup_walk_begin(&walk, root, false), 0);
	fd = cgroup_open(&walk, "file");
	assert_true(fd >= 0);
	assert_int_equal(read((int)fd, &c, 1), 1);
	assert_int_equal(c, '1');
	close((int)fd);
	assert_true(cgroup_walk_up(&walk));
	assert_int_equal(cgroup_open(&walk, "none"), -ENOENT);
	fd = cgroup_open(&walk, "file");
	assert_int_equal(read((int)fd, &c, 1), 1);
	assert_int_equal(c, '2');
	close((int)fd);
}

static void test_root_group(void **state)
{
	(void)state;
	put_mount("/", "/sys/fs/cgroup/memory");
	put_group("/");
	fixture_mkdir("/sys/fs/cgroup/memory");
	EXPECT("/");
}

static void test_unified(void **state)
{
	(void)state;
	put_mount("/", "/sys/fs/cgroup/memory");
	put_group("/a");
	fixture_mkdir("/sys/fs/cgroup/unified/u");
	assert_int_equal(cgroup_walk_begin(&walk, root, true), 0);
	assert_string_equal(cgroup_name(&walk), "/u");
	assert_true(cgroup_walk_up(&walk));
	assert_false(cgroup_walk_up(&walk));
}

static void test_container_sees_a_part_of_the_tree(void **state)
{
	(void)state;
	put_mount("/docker/id", "/sys/fs/cgroup/memory");
	fixture_mkdir("/sys/fs/cgroup/memory/sub");
	put_group("/docker/id");
	EXPECT("/");
	put_group("/docker/id/sub");
	EXPECT("/sub", "/");
	/* a sibling with the same beginning is not below it */
	put_group("/docker/idx");
	expect_none();
	put_group("/other");
	expect_none();
}

static void test_namespace_and_mount_above_it(void **state)
{
	(void)state;
	fixture_mkdir("/sys/fs/cgroup/memory/sib");
	/* mounted outside: its top is two levels above, the way unknown */
	put_mount("/../..", "/sys/fs/cgroup/memory");
	put_group("/");
	EXPECT("/");
	put_group("/job");
	EXPECT("/");
	put_group("/..");
	EXPECT("/");
	/* moved out of the namespace, to a sibling of its root */
	put_mount("/..", "/sys/fs/cgroup/memory");
	put_group("/../sib");
	EXPECT("/sib", "/");
	put_group("/../../sib");
	expect_none();
	/* the mount shows the namespace only, we are outside */
	put_mount("/", "/sys/fs/cgroup/memory");
	expect_none();
	/* a mount of somebody else's subtree */
	put_mount("/../sib", "/sys/fs/cgroup/memory");
	put_group("/");
	expect_none();
}

static void test_group_is_named_as_on_the_host(void **state)
{
	(void)state;
	put_mount("/", "/sys/fs/cgroup/memory");
	put_group("/docker/id");
	fixture_mkdir("/sys/fs/cgroup/memory");
	EXPECT("/docker/id", "/docker", "/");
	assert_int_equal(cgroup_walk_begin(&walk, root, false), 0);
	assert_int_equal(cgroup_open(&walk, "any"), -ENOENT);
}

static void test_the_mount_that_shows_most_is_taken(void **state)
{
	(void)state;
	fixture_put("/proc/self/mountinfo",
		    "1 1 0:4 /a /one rw - cgroup c rw,memory\n"
		    "1 1 0:4 / /gone rw - cgroup c rw,memory\n"
		    "1 1 0:4 / /two rw - cgroup c rw,memory\n"
		    "1 1 0:4 /a/b /three rw - cgroup c rw,memory\n");
	put_group("/a/b");
	fixture_mkdir("/one/b");
	fixture_mkdir("/two/a/b");
	fixture_mkdir("/three");
	EXPECT("/a/b", "/a", "/");
	assert_true(strstr(walk.dir, "/two") != NULL);
}

static void test_blanks_in_paths(void **state)
{
	(void)state;
	put_mount("/", "/my\\040cgroups\\134x");
	put_group("/with:colon/and blank");
	fixture_mkdir("/my cgroups\\x/with:colon/and blank");
	EXPECT("/with:colon/and blank", "/with:colon", "/");
}

static void test_nonsense_is_no_group(void **state)
{
	static const char *const cgroups[] = {
		"", "\n", "memory\n", "4:memory\n", "4:memory:\n",
		"4:memory:relative\n", "::\n", ":memory:/\n4:memor:/a",
	};
	static const char *const mounts[] = {
		"", "\n", " - \n", " - cgroup \n", "- cgroup c memory\n",
		"1 2 3 - cgroup c rw,memory\n",
		"1 2 3 4 5 - cgroup c rw,memory\n",
		"1 2 3 / - cgroup c rw,memory\n",
		"1 2 3 / relative rw - cgroup c rw,memory\n",
		"1 2 3 / /m rw - cgroup c rw,memory2\n",
		"1 2 3 / /m rw - cgroupx c rw,memory\n",
		"1 2 3 / /m rw - cgroup\n",
	};

	(void)state;
	fixture_mkdir("/m");
	expect_none();
	fixture_put("/proc/self/mountinfo",
		    "1 2 3 / /m rw - cgroup c rw,memory\n");
	expect_none();
	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++) {
		fixture_put("/proc/self/cgroup", cgroups[i]);
		if (strstr(cgroups[i], ":memory:/\n"))
			EXPECT("/");	/* an odd number is no reason */
		else
			expect_none();
	}
	put_group("/");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		fixture_put("/proc/self/mountinfo", mounts[i]);
		expect_none();
	}
}

static void test_paths_too_long_are_no_group(void **state)
{
	char line[2 * CGROUP_PATH];

	(void)state;
	put_mount("/", "/sys/fs/cgroup/memory");
	fixture_mkdir("/sys/fs/cgroup/memory");
	strcpy(line, "4:memory:/");
	memset(line + 10, 'a', CGROUP_PATH + 10);
	line[CGROUP_PATH + 20] = '\0';
	fixture_put("/proc/self/cgroup", line);
	expect_none();
	/* fits by itself, but not behind the mount point */
	line[CGROUP_PATH] = '\0';
	fixture_put("/proc/self/cgroup", line);
	expect_none();
}

static void test_hash_tells_a_move(void **state)
{
	char buf[512];
	uint64_t first;

	(void)state;
	assert_true(cgroup_own_hash(root, buf, sizeof(buf)) == 0);
	put_group("/a");
	first = cgroup_own_hash(root, buf, sizeof(buf));
	assert_true(first != 0);
	assert_true(cgroup_own_hash(root, buf, sizeof(buf)) == first);
	put_group("/b");
	assert_true(cgroup_own_hash(root, buf, sizeof(buf)) != first);
	fixture_put("/proc/self/cgroup",
		    "9:name=memory:/new\n3:cpu,cpuacct:/\n4:memory:/a\n0::/u\n");
	assert_true(cgroup_own_hash(root, buf, sizeof(buf)) == first);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_machine),
		TEST(test_root_group),
		TEST(test_unified),
		TEST(test_container_sees_a_part_of_the_tree),
		TEST(test_namespace_and_mount_above_it),
		TEST(test_group_is_named_as_on_the_host),
		TEST(test_the_mount_that_shows_most_is_taken),
		TEST(test_blanks_in_paths),
		TEST(test_nonsense_is_no_group),
		TEST(test_paths_too_long_are_no_group),
		TEST(test_hash_tells_a_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
