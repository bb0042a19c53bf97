/* SPDX-License-Identifier: MIT */
/*
 * Can this program be preloaded at all?
 *
 * ld.so ignores LD_PRELOAD without a word in set-user-id programs, and is
 * not even there in static ones; the file tells beforehand.  The program is
 * looked up as execvp() does it, and #! lines are followed.
 *
 * What cannot be judged (no read permission, a format of binfmt_misc) is
 * taken for good: the library itself will say when it cannot work.
 */
#ifndef UZ_TOOLS_PREFLIGHT_H
#define UZ_TOOLS_PREFLIGHT_H

#include <limits.h>

#include "zctl.h"

enum preflight_verdict {
	PREFLIGHT_GOOD,
	PREFLIGHT_UNCHECKED,	/* runs, but nobody knows as what */
	PREFLIGHT_TEXT,		/* no #!: a script for /bin/sh, perhaps */
	PREFLIGHT_NO_PRELOAD,	/* runs, but never with the library */
	PREFLIGHT_NOT_EXEC,	/* 126 */
	PREFLIGHT_NOT_FOUND	/* 127 */
};

struct preflight {
	enum preflight_verdict verdict;
	char path[PATH_MAX];	/* what execve() would be given */
	char subject[PATH_MAX];	/* the file judged: an interpreter maybe */
	char reason[256];	/* "statically linked ...", empty when good */
};

void preflight_check(struct preflight *out, const char *program);

#endif
