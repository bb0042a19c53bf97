/* SPDX-License-Identifier: MIT */
/*
 * Readers of /proc: every kind of mapping line, lines split over reads and
 * longer than the buffer, mappings that change while read, files that are
 * not what they should be - and the real files of this very process.
 */
#define _GNU_SOURCE
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

/* A file with TEXT in it, open at its start. */
static int file_of(const char *text)
{
	const int fd = memfd_create("test", MFD_CLOEXEC);
	const size_t len = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check_lines(const char *text, size_t size,
			const char *const *want)
{
	char *buf = malloc(size);
	struct proc_lines l;
	const char *line;

	proc_lines_start(&l, file_of(text), buf, size);
	for (; *want; want++) {
		line = proc_lines_next(&l);
		assert_non_null(line);
		assert_string_equal(line, *want);
	}
	assert_null(proc_lines_next(&l));
	assert_null(proc_lines_next(&l));
	assert_int_equal(l.err, 0);
	proc_lines_close(&l);
	assert_null(proc_lines_next(&l));
	free(buf);
}

static void test_lines_of_any_buffer_size_are_the_same(void **state)
{
	static const char text[] = "one\n\nthree33\nend";
	static const char *const want[] = { "one", "", "three33", "end", NULL };

	(void)state;
	for (size_t size = 9; size < 40; size++)
		check_lines(text, size, want);
}

static void test_line_longer_than_the_buffer_is_cut(void **state)
{
	static const char *const want[] = { "abc", "xyz", "12", NULL };
	static const char *const at_end[] = { "abc", NULL };

	(void)state;
	check_lines("abcdefghijklmnop\nxyz\n12", 4, want);
	check_lines("abcdefghijklmnop", 4, at_end);
	check_lines("abcdefghijklmnop\n", 4, at_end);
}

static void test_lines_of_nothing(void **state)
{
	static const char *const none[] = { NULL };
	struct proc_lines l;
	char buf[16];

	(void)state;
	check_lines("", 16, none);
	check_lines("abc\n", 0, none);
	check_lines("abc\n", 1, none);
	assert_int_equal(proc_lines_open(&l, "/nowhere/at/all", buf,
					 sizeof(buf)), -ENOENT);
	assert_null(proc_lines_next(&l));
	assert_int_equal(proc_lines_open(&l, "/proc/self", buf, sizeof(buf)),
			 0);
	assert_null(proc_lines_next(&l));
	assert_int_equal(l.err, -EISDIR);
	proc_lines_close(&l);
}

static const char maps_text[] =
"55d0a1c2b000-55d0a1c4c000 r-xp 00001000 fd:01 1234      /usr/bin/with space\n"
"55d0a1d00000-55d0e1d00000 rw-p 00000000 00:00 0          [heap]\n"
"7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
"7f0000400000-7f0000500000 rw-p 00000000 00:00 0          [anon:my arena]\n"
"7f0000500000-7f0000600000 rw-s 00000000 00:01 77         [anon_shmem:ring]\n"
"7f0000600000-7f0000700000 rw-s 00000000 00:01 78         /dev/zero (deleted)\n"
"7f0000700000-7f0000800000 ---p 00000000 00:00 0\n"
"7f0000800000-7f0000900000 rw-s 00000000 00:0f 1          anon_inode:[io_uring]\n"
"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0          [stack]\n"
"7ffc00100000-7ffc00104000 r--p 00000000 00:00 0          [vvar_vclock]\n"
"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n";

static const struct {
	uintptr_t start;
	uintptr_t end;
	enum proc_map_kind kind;
	bool writable;
	bool shared;
	const char *name;
} maps_want[] = {
	{ 0x55d0a1c2b000, 0x55d0a1c4c000, PROC_MAP_FILE, false, false,
	  "/usr/bin/with space" },
	{ 0x55d0a1d00000, 0x55d0e1d00000, PROC_MAP_HEAP, true, false,
	  "[heap]" },
	{ 0x7f0000000000, 0x7f0000400000, PROC_MAP_NONE, true, false, "" },
	{ 0x7f0000400000, 0x7f0000500000, PROC_MAP_NAMED, true, false,
	  "my arena" },
	/* the kernel prints shared anonymous memory with its inode */
	{ 0x7f0000500000, 0x7f0000600000, PROC_MAP_NAMED_SHMEM, true, true,
	  "ring" },
	{ 0x7f0000600000, 0x7f0000700000, PROC_MAP_FILE, true, true,
	  "/dev/zero (deleted)" },
	{ 0x7f0000700000, 0x7f0000800000, PROC_MAP_NONE, false, false, "" },
	{ 0x7f0000800000, 0x7f0000900000, PROC_MAP_FILE, true, true,
	  "anon_inode:[io_uring]" },
	{ 0x7ffc00000000, 0x7ffc00021000, PROC_MAP_STACK, true, false,
	  "[stack]" },
	{ 0x7ffc00100000, 0x7ffc00104000, PROC_MAP_KERNEL, false, false,
	  "[vvar_vclock]" },
	{ 0xffffffffff600000, 0xffffffffff601000, PROC_MAP_KERNEL, false,
	  false, "[vsyscall]" },
};

static void test_every_kind_of_mapping(void **state)
{
	char buf[128];
	struct proc_maps m;
	struct proc_map map;

	(void)state;
	proc_maps_start(&m, file_of(maps_text), false, buf, sizeof(buf));
	for (size_t i = 0; i < ARRAY_SIZE(maps_want); i++) {
		assert_true(proc_maps_next(&m, &map));
		assert_int_equal(map.start, maps_want[i].start);
		assert_int_equal(map.end, maps_want[i].end);
		assert_int_equal(map.kind, maps_want[i].kind);
		assert_int_equal(map.writable, maps_want[i].writable);
		assert_int_equal(map.shared, maps_want[i].shared);
		assert_string_equal(map.name, maps_want[i].name);
		assert_false(map.has_details);
		if (i)
			continue;
		assert_true(map.readable && map.executable);
		assert_int_equal(map.offset, 0x1000);
		assert_int_equal(map.inode, 1234);
		assert_int_equal(map.dev_major, 0xfd);
		assert_int_equal(map.dev_minor, 1);
	}
	assert_false(proc_maps_next(&m, &map));
	assert_int_equal(m.lines.err, 0);
	proc_maps_close(&m);
}

static void test_mappings_that_changed_while_read_do_not_overlap(void **state)
{
	static const char text[] =
		"10000-20000 rw-p 00000000 00:00 0\n"
		"10000-30000 rw-p 00005000 00:00 0\n"	/* grew, again */
		"18000-28000 rw-p 00000000 00:00 0\n"	/* all known */
		"30000-31000 rw-p 00000000 00:00 0\n";
	char buf[256];
	struct proc_maps m;
	struct proc_map map;

	(void)state;
	proc_maps_start(&m, file_of(text), false, buf, sizeof(buf));
	assert_true(proc_maps_next(&m, &map));
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x20000);
	assert_int_equal(map.end, 0x30000);
	assert_int_equal(map.offset, 0x15000);
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x30000);
	assert_false(proc_maps_next(&m, &map));
	proc_maps_close(&m);
}

static void test_garbage_lines_are_skipped(void **state)
{
	static const char text[] =
		"\n-\nzz\n1000\n1000-\n1000-2000\n1000-2000 rw-p\n"
		"2000-1000 rw-p 00000000 00:00 0\n"
		"1000-1000 rw-p 00000000 00:00 0\n"
		"1001-2000 rw-p 00000000 00:00 0\n"
		"1000-2000 rw-q 00000000 00:00 0\n"
		"1000-2000 rw-p 00000000 0000 0\n"
		"-2000 rw-p 00000000 00:00 0\n"
		"11111111111111111000-2000 rw-p 00000000 00:00 0\n"
		"5000-6000 rw-p 00000000 00:00 0";
	char buf[256];
	struct proc_maps m;
	struct proc_map map;

	(void)state;
	proc_maps_start(&m, file_of(text), false, buf, sizeof(buf));
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x5000);
	assert_false(proc_maps_next(&m, &map));
	proc_maps_close(&m);
}

static void test_long_names_are_cut_and_the_next_line_is_whole(void **state)
{
	char text[1024];
	char buf[128];
	char *end = text + sprintf(text, "1000-2000 r--p 00000000 08:01 9 /");
	struct proc_maps m;
	struct proc_map map;

	(void)state;
	memset(end, 'x', 600);
	strcpy(end + 600, "\n3000-4000 rw-p 00000000 00:00 0\n");
	proc_maps_start(&m, file_of(text), false, buf, sizeof(buf));
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(strlen(map.name), PROC_MAP_NAME - 1);
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x3000);
	assert_int_equal(map.kind, PROC_MAP_NONE);
	assert_false(proc_maps_next(&m, &map));
	proc_maps_close(&m);
}

static void test_smaps_give_flags_and_rss(void **state)
{
	static const char text[] =
		"10000-20000 rw-p 00000000 00:00 0\n"
		"Size:                 64 kB\n"
		"Rss:                  12 kB\n"
		"AnonHugePages:         0 kB\n"
		"VmFlags: rd wr mr mw me dc lo dd ac \n"
		"20000-30000 rw-p 00000000 00:00 0\n"
		"Rss:                   8 kB\n"
		"20000-21000 rw-p 00000000 00:00 0\n"	/* seen: not to mix */
		"Rss:                  99 kB\n"
		"VmFlags: io \n"
		"30000-40000 rw-p 00000000 00:00 0\n"
		"VmFlags: rd wr um uw xx hugepage wf sd\n";
	char buf[64];
	struct proc_maps m;
	struct proc_map map;

	(void)state;
	proc_maps_start(&m, file_of(text), true, buf, sizeof(buf));
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x10000);
	assert_int_equal(map.rss, 12 * 1024);
	assert_true(map.has_details);
	assert_int_equal(map.vm_flags,
			 PROC_VM_NO_COPY | PROC_VM_LOCKED | PROC_VM_NO_DUMP);
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x20000);
	assert_int_equal(map.rss, 8 * 1024);
	assert_false(map.has_details);
	assert_int_equal(map.vm_flags, 0);
	assert_true(proc_maps_next(&m, &map));
	assert_int_equal(map.start, 0x30000);
	assert_int_equal(map.vm_flags, PROC_VM_UFFD | PROC_VM_WIPE_ON_FORK);
	assert_false(proc_maps_next(&m, &map));
	proc_maps_close(&m);
}

/* Find the mapping that holds ADDR; false if none does. */
static bool find_own(void *addr, bool details, struct proc_map *map)
{
	static char buf[16384];
	struct proc_maps m;
	uintptr_t last = 0;
	bool found = false;

	assert_int_equal(details ? proc_smaps_open(&m, buf, sizeof(buf)) :
				   proc_maps_open(&m, buf, sizeof(buf)), 0);
	while (!found && proc_maps_next(&m, map)) {
		assert_true(map->start >= last && map->end > map->start);
		last = map->end;
		found = map->start <= (uintptr_t)addr &&
			(uintptr_t)addr < map->end;
	}
	assert_int_equal(m.lines.err, 0);
	proc_maps_close(&m);
	return found;
}

static void test_own_mappings(void **state)
{
	const size_t len = 8 * PAGE_SIZE;
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct proc_map map;

	(void)state;
	assert_true(mem != MAP_FAILED);
	/* a border of its own, so that it merges with no neighbour */
	assert_int_equal(madvise(mem, len, MADV_DONTDUMP), 0);
	assert_int_equal(madvise(mem, len, MADV_WIPEONFORK), 0);
	memset(mem, 1, 3 * PAGE_SIZE);
	assert_true(find_own(mem, false, &map));
	assert_int_equal(map.start, (uintptr_t)mem);
	assert_int_equal(map.end, (uintptr_t)mem + len);
	assert_true(map.readable && map.writable && !map.shared);
	assert_true(find_own(mem, true, &map));
	if (map.has_details)
		assert_int_equal(map.vm_flags & (PROC_VM_NO_DUMP |
						 PROC_VM_WIPE_ON_FORK |
						 PROC_VM_LOCKED),
				 PROC_VM_NO_DUMP | PROC_VM_WIPE_ON_FORK);
	assert_true(map.rss >= 3 * PAGE_SIZE && map.rss <= len);
	munmap(mem, len);
	assert_false(find_own(mem, false, &map) &&
		     map.start == (uintptr_t)mem);
}

static void test_keys_of_flat_files(void **state)
{
	static const char text[] =
		"cache 100\n"
		"inactive_file_x 5\n"
		"inactive_file 4096\n"
		"MemTotal:       24684084 kB\n"
		"huge 99999999999999999999\n"
		"hugekb: 18446744073709551615 kB\n"
		"bad -5\n"
		"worse\n"
		"tab\t7\n"
		"last 9";
	uint64_t n;

	(void)state;
	assert_true(proc_key(text, "cache", &n));
	assert_int_equal(n, 100);
	assert_true(proc_key(text, "inactive_file", &n));
	assert_int_equal(n, 4096);
	assert_true(proc_key(text, "MemTotal", &n));
	assert_int_equal(n, (uint64_t)24684084 * 1024);
	assert_true(proc_key(text, "huge", &n));
	assert_true(n == UINT64_MAX);
	assert_true(proc_key(text, "hugekb", &n));
	assert_true(n == UINT64_MAX);
	assert_true(proc_key(text, "tab", &n) && n == 7);
	assert_true(proc_key(text, "last", &n) && n == 9);
	assert_false(proc_key(text, "bad", &n));
	assert_false(proc_key(text, "worse", &n));
	assert_false(proc_key(text, "ache", &n));
	assert_false(proc_key(text, "9", &n));
	assert_false(proc_key("", "cache", &n));
	assert_int_equal(n, 0);
}

static void test_statm(void **state)
{
	struct proc_statm s;

	(void)state;
	assert_int_equal(proc_statm_parse(&s, "765 436 408 5 0 123 0\n"), 0);
	assert_int_equal(s.resident, 436 * PAGE_SIZE);
	assert_int_equal(s.shared, 408 * PAGE_SIZE);
	assert_int_equal(proc_statm_parse(&s, "1 2"), -EINVAL);
	assert_int_equal(proc_statm_parse(&s, ""), -EINVAL);
	assert_int_equal(proc_statm_parse(&s, "1 99999999999999999999 1"),
			 -ERANGE);
	assert_int_equal(proc_statm(&s), 0);
	assert_true(s.size > s.resident && s.resident > s.shared);
}

static void test_meminfo(void **state)
{
	struct proc_meminfo m;

	(void)state;
	assert_int_equal(proc_meminfo_parse(&m,
			 "MemTotal: 100 kB\nMemFree: 1 kB\n"
			 "MemAvailable:   50 kB\n"), 0);
	assert_int_equal(m.total, 102400);
	assert_int_equal(m.available, 51200);
	assert_int_equal(proc_meminfo_parse(&m, "MemTotal: 100 kB\n"),
			 -EINVAL);
	assert_int_equal(proc_meminfo(&m), 0);
	assert_true(m.total >= m.available && m.available > 0);
}

static void test_start_time_behind_a_nasty_name(void **state)
{
	static const char tail[] =
		" S 1 2 3 0 -1 4194304 101 0 0 0 0 0 0 0 20 0 1 0 160773 31\n";
	char text[256];
	uint64_t ticks;

	(void)state;
	snprintf(text, sizeof(text), "4630 (cat)%s", tail);
	assert_int_equal(proc_start_time_parse(&ticks, text), 0);
	assert_int_equal(ticks, 160773);
	snprintf(text, sizeof(text), "4630 (a ) R 1 (\n b)%s", tail);
	assert_int_equal(proc_start_time_parse(&ticks, text), 0);
	assert_int_equal(ticks, 160773);
	assert_int_equal(proc_start_time_parse(&ticks, "1 (x) S 1 2 3"),
			 -EINVAL);
	assert_int_equal(proc_start_time_parse(&ticks, "1 x"), -EINVAL);
	assert_int_equal(proc_start_time_parse(&ticks, ""), -EINVAL);
	assert_int_equal(ticks, 0);
}

static void test_own_name_and_start_time(void **state)
{
	char name[32];
	char small[4];
	uint64_t ticks;
	uint64_t again;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a b) c"), 0);
	proc_comm(name, sizeof(name));
	assert_string_equal(name, "a b) c");
	proc_comm(small, sizeof(small));
	assert_string_equal(small, "a b");
	assert_int_equal(proc_start_time_ticks(&ticks), 0);
	assert_int_equal(proc_start_time_ticks(&again), 0);
	assert_true(ticks > 0 && ticks == again);
}

static void test_whole_files(void **state)
{
	char buf[8];
	const int fd = file_of("0123456789");

	(void)state;
	assert_int_equal(proc_pread(fd, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "0123456");
	assert_int_equal(proc_pread(fd, buf, 1), 0);
	assert_string_equal(buf, "");
	assert_int_equal(proc_pread(fd, buf, 0), -EINVAL);
	close(fd);
	buf[0] = 'x';
	assert_int_equal(proc_read("/nowhere", buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
	buf[0] = 'x';
	assert_int_equal(proc_pread(-1, buf, sizeof(buf)), -EBADF);
	assert_string_equal(buf, "");
	assert_true(proc_read_self("comm", buf, sizeof(buf)) > 0);
	assert_int_equal(proc_read_self("nothing", buf, sizeof(buf)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_of_any_buffer_size_are_the_same),
		cmocka_unit_test(test_line_longer_than_the_buffer_is_cut),
		cmocka_unit_test(test_lines_of_nothing),
		cmocka_unit_test(test_every_kind_of_mapping),
		cmocka_unit_test(
			test_mappings_that_changed_while_read_do_not_overlap),
		cmocka_unit_test(test_garbage_lines_are_skipped),
		cmocka_unit_test(
			test_long_names_are_cut_and_the_next_line_is_whole),
		cmocka_unit_test(test_smaps_give_flags_and_rss),
		cmocka_unit_test(test_own_mappings),
		cmocka_unit_test(test_keys_of_flat_files),
		cmocka_unit_test(test_statm),
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_start_time_behind_a_nasty_name),
		cmocka_unit_test(test_own_name_and_start_time),
		cmocka_unit_test(test_whole_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
