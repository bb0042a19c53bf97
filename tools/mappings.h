/* SPDX-License-Identifier: MIT */
/*
 * The mappings of a process, and why some of them are not managed.
 *
 * Taken from /proc/PID/smaps, so by the kernel's word and not by that of the
 * process.  Which mappings are eligible is told by the same rules as in
 * src/engine/adopt.c.
 */
#ifndef UZ_TOOLS_MAPPINGS_H
#define UZ_TOOLS_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "zctl.h"

/* Why a mapping is not managed; X(name, words). */
#define MAPPING_KINDS(X)						\
	X(MANAGED,	"managed")					\
	X(ELIGIBLE,	"not registered, or the library's")		\
	X(RESERVED,	"reserved, no access")				\
	X(SMALL,	"smaller than 64K")				\
	X(FILE,		"of a file")					\
	X(SHARED,	"shared")					\
	X(LOCKED,	"locked by mlock")				\
	X(DONTDUMP,	"kept out of core dumps")			\
	X(STACK,	"main stack")					\
	X(SPECIAL,	"of the kernel or of a device")			\
	X(LIBRARY,	"the library's own")

enum mapping_kind {
#define X(name, words) MAPPING_##name,
	MAPPING_KINDS(X)
#undef X
	MAPPING_NR_KINDS
};

struct mapping {
	uint64_t start;
	uint64_t size;		/* bytes */
	uint64_t resident;	/* bytes in RAM */
	uint64_t swapped;	/* bytes in the kernel's swap */
	enum mapping_kind kind;
	char name[64];		/* clean; the end of a long path */
};

struct mappings {
	struct mapping *all;	/* by rising address */
	size_t nr;
};

/* Read what is written in FILE as in smaps.  0 or -errno. */
MUST_USE int mappings_parse(struct mappings *m, FILE *file);

/* Read those of process PID.  0 or -errno. */
MUST_USE int mappings_read(struct mappings *m, pid_t pid);

void mappings_free(struct mappings *m);

const char *mappings_kind_words(enum mapping_kind kind);

/*
 * "locked by mlock 64.0M, shared 1.0G" of the mappings of 64 KiB and more
 * that hold private or locked memory and are not managed; their number.
 */
size_t mappings_skipped(char *buf, size_t len, const struct mappings *m);

#endif
