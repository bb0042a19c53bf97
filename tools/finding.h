/* SPDX-License-Identifier: MIT */
/*
 * What zctl doctor finds: one line each, with what would fix it.
 *
 *	 ok    preload library       /usr/lib/.../libuzswap.so.0
 *	 warn  transparent hugepages enabled=always: ...
 *	 FAIL  /dev/userfaultfd      EACCES (crw------- root root)
 *	                             fix: ...
 */
#ifndef UZ_TOOLS_FINDING_H
#define UZ_TOOLS_FINDING_H

#include <stddef.h>

#include "zctl.h"

enum finding_level {
	FINDING_OK,
	FINDING_NOTE,		/* neither good nor bad */
	FINDING_WARN,		/* works, but */
	FINDING_FAIL,		/* would not work */
	FINDING_NR_LEVELS
};

struct finding {
	enum finding_level level;
	char name[48];
	char text[320];
	char fix[256];		/* "" for none */
};

#define FINDING_MAX	48

struct findings {
	struct finding all[FINDING_MAX];
	size_t nr;
	size_t nr_of[FINDING_NR_LEVELS];
};

/* Add one; returns it, so that fix can be filled in. */
struct finding *finding_add(struct findings *f, enum finding_level level,
			    const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "1 problem, 2 warnings" in words, or JSON; the status of zctl doctor. */
enum zctl_status finding_print(const struct findings *f, const char *title,
			       const char *subject);

/* A file of one line, as in /proc and /sys; "" when it cannot be read. */
const char *finding_read_line(char *buf, size_t len, const char *path);

#endif
