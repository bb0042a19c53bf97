/* SPDX-License-Identifier: MIT */
/* Files below a directory of mkdtemp(); failures end the test. */
#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/types.h"

static char root[64];

const char *fixture_begin(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%.32s/uz-fixture-XXXXXX",
		 dir && *dir ? dir : "/tmp");
	assert_non_null(mkdtemp(root));
	return root;
}

static void full_path(char *out, size_t len, const char *path)
{
	assert_true((size_t)snprintf(out, len, "%s%s", root, path) < len);
}

static void make_parents(char *path)
{
	for (char *p = path + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
}

void fixture_put(const char *path, const char *text)
{
	char full[4096];
	int fd;

	full_path(full, sizeof(full), path);
	make_parents(full);
	/* in place: readers keep the file open */
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void fixture_mkdir(const char *path)
{
	char full[4096];

	full_path(full, sizeof(full), path);
	make_parents(full);
	mkdir(full, 0700);
}

void fixture_remove(const char *path)
{
	char full[4096];

	full_path(full, sizeof(full), path);
	assert_int_equal(unlink(full), 0);
}

void fixture_number(const char *path, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)n);
	fixture_put(path, text);
}

void fixture_v1(const char *path, const char *limit, uint64_t usage)
{
	char file[256];

	snprintf(file, sizeof(file), FIXTURE_V1 "%s/memory.limit_in_bytes",
		 path);
	fixture_put(file, limit);
	snprintf(file, sizeof(file), FIXTURE_V1 "%s/memory.usage_in_bytes",
		 path);
	fixture_number(file, usage);
}

void fixture_v2(const char *path, const char *max, const char *high,
		uint64_t usage)
{
	char file[256];

	snprintf(file, sizeof(file), FIXTURE_V2 "%s/memory.max", path);
	fixture_put(file, max);
	snprintf(file, sizeof(file), FIXTURE_V2 "%s/memory.high", path);
	fixture_put(file, high);
	snprintf(file, sizeof(file), FIXTURE_V2 "%s/memory.current", path);
	fixture_number(file, usage);
}

void fixture_system(const char *group, bool v2)
{
	char text[256];

	if (v2)
		snprintf(text, sizeof(text), "0::%s\n", group);
	else
		snprintf(text, sizeof(text), "4:memory:%s\n0::/\n", group);
	fixture_put("/proc/self/cgroup", text);
	fixture_put("/proc/self/mountinfo", v2 ?
		    "32 20 0:4 / " FIXTURE_V2 " rw - cgroup2 cgroup rw\n" :
		    "32 20 0:4 / " FIXTURE_V1 " rw - cgroup cgroup rw,memory\n");
}

void fixture_meminfo(uint64_t total, uint64_t available)
{
	char text[128];

	snprintf(text, sizeof(text), "MemTotal: %llu kB\nMemFree: 1 kB\n"
		 "MemAvailable: %llu kB\n", (unsigned long long)total / 1024,
		 (unsigned long long)available / 1024);
	fixture_put("/proc/meminfo", text);
}

void fixture_statm(uint64_t resident, uint64_t shared)
{
	char text[128];

	snprintf(text, sizeof(text), "999999 %llu %llu 1 0 1 0\n",
		 (unsigned long long)(resident / PAGE_SIZE),
		 (unsigned long long)(shared / PAGE_SIZE));
	fixture_put("/proc/self/statm", text);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void fixture_end(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	root[0] = '\0';
}
