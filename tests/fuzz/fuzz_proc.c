/* SPDX-License-Identifier: MIT */
/*
 * Parsers of /proc and cgroup files: whatever the kernel, a container
 * runtime or a file system in user space puts there, nothing crashes, and
 * what is promised of mappings and lines holds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/proc.h"
#include "base/text.h"
#include "fuzz_main.h"

const char *const fuzz_seeds[] = {
	"7f0000000000-7f0000400000 rw-p 00000000 00:00 0 \n"
	"7f0000400000-7f0000500000 rw-p 00000000 00:00 0          [anon:a]\n"
	"7f0000500000-7f0000600000 rw-s 00001000 fd:01 77         /a/b c\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n",
	"10000-20000 rw-p 00000000 00:00 0\nSize: 64 kB\nRss: 12 kB\n"
	"VmFlags: rd wr mr lo dd ac \n"
	"18000-30000 rw-p 00000000 00:00 0\nRss: 8 kB\nVmFlags: um\n",
	"9:name=memory:/w\n4:cpu,memory:/docker/id\n0::/u\n",
	"32 20 0:4 /docker /sys/fs/cgroup/memory rw shared:10 - cgroup c rw,memory\n"
	"33 20 0:5 /../.. /sys/fs\\040x rw - cgroup2 cgroup2 rw\n",
	"MemTotal: 24684084 kB\nMemAvailable: 1 kB\ninactive_file 4096\n",
	"765 436 408 5 0 123 0\n",
	"4630 (a ) b) S 1 2 3 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 160773 3\n",
	NULL,
};

const char *const fuzz_words[] = {
	"memory", "cgroup", "cgroup2 ", " - ", "/..", "\\040", "[anon:",
	"[heap]", "rw-p ", "VmFlags: ", "Rss: ", " kB", "MemTotal:",
	"18446744073709551615", "18446744073709551616", "ffffffffffffffff",
	"10000000000000000-", "4096", "0::/", ":memory:/", "(", ")", "\n\n",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_proc: broken: %s\n", what);
	abort();
}

/* An open file with the input in it. */
static int file_of(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET))
		fail("no file");
	return fd;
}

static void try_maps(const uint8_t *data, size_t size, bool details,
		     size_t buf_len)
{
	char *buf = malloc(buf_len);
	uintptr_t last = 0;
	struct proc_maps m;
	struct proc_map map;

	proc_maps_start(&m, file_of(data, size), details, buf, buf_len);
	while (proc_maps_next(&m, &map)) {
		if (map.start < last || map.end <= map.start)
			fail("mappings overlap");
		if ((map.start | map.end) & (PAGE_SIZE - 1))
			fail("bounds are not aligned");
		if (strnlen(map.name, sizeof(map.name)) == sizeof(map.name))
			fail("name has no end");
		if (map.kind > PROC_MAP_FILE)
			fail("kind");
		last = map.end;
	}
	proc_maps_close(&m);
	free(buf);
}

/* A small buffer gives the same lines as a large one, only shorter. */
static void try_lines(const uint8_t *data, size_t size, size_t buf_len)
{
	static char large[2 * FUZZ_INPUT];
	char *small = malloc(buf_len);
	struct proc_lines a;
	struct proc_lines b;
	const char *line;

	if (size >= sizeof(large)) {
		free(small);
		return;
	}
	proc_lines_start(&a, file_of(data, size), large, sizeof(large));
	proc_lines_start(&b, file_of(data, size), small, buf_len);
	do {
		const char *cut = proc_lines_next(&b);

		line = proc_lines_next(&a);
		if (!line != !cut)
			fail("number of lines");
		if (line && strncmp(line, cut, buf_len - 1) &&
		    strlen(cut) < strlen(line))
			fail("lines differ");
	} while (line);
	proc_lines_close(&a);
	proc_lines_close(&b);
	free(small);
}

static void try_texts(const char *text)
{
	struct proc_statm statm;
	struct proc_meminfo meminfo;
	uint64_t n;
	bool b;

	(void)!proc_statm_parse(&statm, text);
	(void)!proc_meminfo_parse(&meminfo, text);
	(void)!proc_start_time_parse(&n, text);
	proc_key(text, "inactive_file", &n);
	(void)!text_parse_u64(&n, text);
	(void)!text_parse_size(&n, text);
	(void)!text_parse_ms(&n, text);
	(void)!text_parse_percent(&n, text);
	(void)!text_parse_bool(&b, text);
	if (text_glob(text, strlen(text), "a*b") &&
	    !text_glob("*", 1, text))
		fail("glob");
}

static char tree[64];	/* stands for "/" */

static void path_of(char *out, size_t len, const char *path)
{
	snprintf(out, len, "%s%s", tree, path);
}

static void remove_tree(void)
{
	static const char parts[][24] = {
		"/proc/self/cgroup", "/proc/self/mountinfo", "/proc/self",
		"/proc", "",
	};
	char path[192];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		path_of(path, sizeof(path), parts[i]);
		remove(path);
	}
}

static void make_tree(void)
{
	const char *dir = getenv("TMPDIR");
	char path[128];

	snprintf(tree, sizeof(tree), "%.32s/uz-fuzz-XXXXXX",
		 dir && *dir ? dir : "/tmp");
	if (!mkdtemp(tree))
		fail("no directory");
	path_of(path, sizeof(path), "/proc");
	mkdir(path, 0700);
	path_of(path, sizeof(path), "/proc/self");
	mkdir(path, 0700);
	atexit(remove_tree);
}

static void put_file(const char *name, const void *data, size_t size)
{
	char path[128];
	int fd;

	path_of(path, sizeof(path), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fail("no file");
	close(fd);
}

static void walk_up(struct cgroup_walk *walk)
{
	do {
		const long fd = cgroup_open(walk, "x");

		if (*cgroup_name(walk) != '/')
			fail("name of a level");
		if (fd >= 0)
			close((int)fd);
	} while (cgroup_walk_up(walk));
	if (strlen(walk->dir) != walk->mount_len)
		fail("top of the walk");
}

/* The input as /proc/self/cgroup and as mountinfo, with the other fixed. */
static void try_cgroup(const uint8_t *data, size_t size)
{
	static const char group[] = "4:memory:/docker/id\n0::/a\n";
	static const char mounts[] =
		"1 1 0:4 / / rw - cgroup c rw,memory\n"
		"1 1 0:4 / / rw - cgroup2 c rw\n";
	static struct cgroup_walk walk;
	char buf[128];

	for (int as_group = 0; as_group < 2; as_group++) {
		if (as_group) {
			put_file("/proc/self/cgroup", data, size);
			put_file("/proc/self/mountinfo", mounts,
				 sizeof(mounts) - 1);
		} else {
			put_file("/proc/self/cgroup", group,
				 sizeof(group) - 1);
			put_file("/proc/self/mountinfo", data, size);
		}
		for (int v2 = 0; v2 < 2; v2++)
			if (!cgroup_walk_begin(&walk, tree, v2))
				walk_up(&walk);
		cgroup_own_hash(tree, buf, sizeof(buf));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (!*tree)
		make_tree();
	memcpy(text, data, size);
	text[size] = '\0';
	try_texts(text);
	free(text);
	try_maps(data, size, false, 64);
	try_maps(data, size, true, 100);
	try_maps(data, size, true, 4096);
	try_lines(data, size, 2);
	try_lines(data, size, 17);
	try_cgroup(data, size);
	return 0;
}
