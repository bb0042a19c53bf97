/* SPDX-License-Identifier: MIT */
/*
 * Where libuzswap.so.0 is: see library.h.
 */
#define _GNU_SOURCE
#include "library.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What ld.so takes for a separator; it knows no way to quote one. */
#define SEPARATORS	": "

/*
 * Directories beside zctl: build trees (libtool keeps what it built in
 * .libs), then an installation that was moved.
 */
static const char *const beside[] = {
	".libs",
	"../.libs",
	"../../.libs",
	"../src/.libs",
	"../lib",
	"../lib/x86_64-linux-gnu",
	"../lib64",
};

static bool own_directory(char *dir, size_t len)
{
	ssize_t n = readlink("/proc/self/exe", dir, len - 1);

	if (n <= 0)
		return false;
	dir[n] = 0;

	char *slash = strrchr(dir, '/');

	if (!slash)
		return false;
	*slash = 0;
	return true;
}

/* Put the real path of DIR/SUB/LIBRARY_NAME into PATH if it is there. */
static bool is_there(char *path, size_t len, const char *dir,
		     const char *sub)
{
	char real[PATH_MAX];
	char name[PATH_MAX];
	int n = snprintf(name, sizeof(name), "%s/%s/" LIBRARY_NAME, dir, sub);

	if (n < 0 || (size_t)n >= sizeof(name) || !realpath(name, real))
		return false;
	/* keep the link's own name: what it points at has the version */
	n = snprintf(name, sizeof(name), "%s/%s", dir, sub);
	if (n < 0 || (size_t)n >= sizeof(name) || !realpath(name, real))
		return false;
	n = snprintf(path, len, "%s/" LIBRARY_NAME, real);
	return n > 0 && (size_t)n < len;
}

int library_find(char *path, size_t len, const char **reason)
{
	char dir[PATH_MAX];
	bool found = false;

	*reason = NULL;
	if (own_directory(dir, sizeof(dir))) {
		for (size_t i = 0; i < ARRAY_SIZE(beside) && !found; i++)
			found = is_there(path, len, dir, beside[i]);
	}
	if (!found)
		snprintf(path, len, "%s/" LIBRARY_NAME, UZSWAP_LIBDIR);
	if (access(path, R_OK) < 0) {
		int err = errno;

		*reason = err == EACCES ? "the library may not be read"
					: "the library is not there";
		return err == EACCES ? -EACCES : -ENOENT;
	}
	if (strpbrk(path, SEPARATORS)) {
		*reason = "LD_PRELOAD cannot hold a path with a blank or "
			  "colon";
		return -EINVAL;
	}
	return 0;
}

static bool is_ours(const char *word, size_t len)
{
	const char *name = memrchr(word, '/', len);

	name = name ? name + 1 : word;
	return (size_t)(word + len - name) >= strlen("libuzswap.so") &&
	       strncmp(name, "libuzswap.so", strlen("libuzswap.so")) == 0;
}

char *library_preload(const char *path, const char *old)
{
	size_t cap = strlen(path) + (old ? strlen(old) : 0) + 2;
	char *value = malloc(cap);

	if (!value)
		return NULL;

	char *end = stpcpy(value, path);

	while (old && *old) {
		size_t len = strcspn(old, SEPARATORS);

		if (len && !is_ours(old, len)) {
			*end++ = ':';
			end = mempcpy(end, old, len);
		}
		old += len;
		old += strspn(old, SEPARATORS);
	}
	*end = 0;
	return value;
}
