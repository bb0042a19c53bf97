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
