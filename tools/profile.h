/* SPDX-License-Identifier: MIT */
/*
 * A profile as zctl has it: made from the page of a process, or read from a
 * file; all views and formats are made from this and nothing else.
 *
 *	profile_page.c    the page (uzswap/profile.h) -> struct profile
 *	profile_module.c  what is mapped where, by /proc/PID/maps and build id
 *	profile_symbol.c  addresses -> functions and lines, by libdwfl
 *	profile_demangle.c  names of C++
 *	profile_record.c  recording: heat over time, then all of the above
 *	profile_watch.c   a process, or a program and its end
 *	profile_file.c    struct profile -> file
 *	profile_parse.c   file -> struct profile
 *	profile_sum.c     what is resident, cold, stored, would be saved
 *	profile_heat.c    the heat map, in columns
 *	profile_text.c    tables and bars for a terminal
 *	profile_export.c  folded, gnuplot, sums as JSON; differences
 *	profile_pprof.c   profile.proto
 *	profile_html.c    the report (report.html)
 *
 * Whatever a struct profile comes from is taken for hostile: counts are
 * bounded, indices checked and texts printable when it has been made.
 */
#ifndef UZ_TOOLS_PROFILE_H
#define UZ_TOOLS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uzswap/profile.h>

#include "zctl.h"

#define PROFILE_NONE	UINT32_MAX	/* an index that is not there */
#define PROFILE_PAGE	4096u

/* Bounds of what is believed. */
#define PROFILE_MODULES_MAX	8192u
#define PROFILE_MAPS_MAX	65536u
#define PROFILE_FRAMES_MAX	UZSWAP_PROFILE_FRAMES
#define PROFILE_SYMBOLS_MAX	(2u * UZSWAP_PROFILE_FRAMES)
#define PROFILE_ROWS_MAX	240u
#define PROFILE_FILE_MAX	(64u << 20)	/* bytes, unpacked */
#define PROFILE_TEXT_MAX	1024u

struct profile_module {
	uint64_t start;
	uint64_t end;
	uint64_t offset;	/* in the file */
	char *path;
	char build_id[64];	/* hexadecimal, or "" */
};

/* One function at an address; inlined ones come before what they are in. */
struct profile_symbol {
	char *function;
	char *file;		/* or NULL */
	uint32_t line;
};

struct profile_frame {
	uint64_t pc;		/* return address */
	uint32_t module;	/* or PROFILE_NONE */
	uint32_t first_symbol;
	uint32_t nr_symbols;
};

struct profile_site {
	enum uzswap_profile_kind kind;
	char thread[16];
	uint32_t first_frame;	/* index into stack */
	uint32_t nr_frames;
	uint64_t samples;
	double bytes;		/* alive, by all samples */
	double count;		/* allocations alive */
	double variance;	/* of bytes, by sampling */
};

struct profile_point {
	uint64_t addr;
	uint64_t idle_ms;	/* not used for so long at least */
	uint64_t slack_ms;	/* and if at all since it is watched, not for
				   so much longer */
	uint32_t state;		/* enum uzswap_profile_state */
	uint32_t uses;
	uint32_t packed;	/* as in uzswap_profile_point */
	uint32_t site;		/* or PROFILE_NONE */
	double site_bytes;	/* it stands for so many of the site */
	bool cell;		/* it stands for cell bytes of memory */
};

/* Private memory as /proc/PID/smaps has it. */
struct profile_map {
	uint64_t start;
	uint64_t end;
	uint64_t resident;
	char name[64];
};

/* One moment: a letter per point, '0' idle '9' used '.' stored ' ' none. */
struct profile_row {
	uint64_t at_ms;		/* since recording began */
	char *heat;
};

struct profile {
	char command[32];
	int64_t pid;
	char recorded[32];	/* RFC 3339 */
	char version[16];	/* of the library */
	uint64_t clock_ms;	/* CLOCK_MONOTONIC at the end */
	uint64_t lasted_ms;
	uint64_t round_ms;
	uint64_t interval;
	uint64_t cell;
	uint64_t resident;	/* and watched */
	uint64_t process_resident;	/* watched or not; 0 unknown */
	uint64_t stored;
	uint64_t pool;
	uint64_t samples;
	uint64_t lost;
	uint64_t no_stack;
	uint64_t unwind_ns;
	uint64_t asked;
	uint64_t asked_ns;
	uint64_t sampler_ns;
	uint64_t fault_ns;	/* median time its faults took; 0 unknown */
	uint64_t reuse[UZSWAP_PROFILE_REUSE];
	bool fp;		/* stacks by frame pointers */

	struct profile_module *modules;
	struct profile_frame *frames;	/* each address once */
	struct profile_symbol *symbols;
	struct profile_site *sites;
	uint32_t *stack;		/* indices into frames */
	struct profile_point *points;
	struct profile_map *maps;
	struct profile_row *rows;
	size_t nr_modules;
	size_t nr_frames;
	size_t nr_symbols;
	size_t nr_sites;
	size_t nr_stack;
	size_t nr_points;
	size_t nr_maps;
	size_t nr_rows;
};

void profile_free(struct profile *p);

/* --- profile_page.c ------------------------------------------------------ */

/* A raw copy of the page, or of its header and points only. */
struct profile_page {
	struct uzswap_profile head;
	struct uzswap_profile_site *sites;	/* NULL unless all was read */
	uint64_t *frames;
	struct uzswap_profile_live *live;
	struct uzswap_profile_point *points;	/* head.nr_points of them */
};

/*
 * Copy the page open at FD; ALL tables, or only the points.
 *
 * why      out: reason in words when refused; WHY_LEN bytes
 *
 * Returns  0
 *          -EBADMSG  it is no profile page of a version we know
 *          -EAGAIN   nothing has been published there yet
 *          -errno    of pread(), or -ENOMEM
 */
MUST_USE int profile_page_read(struct profile_page *page, int fd, bool all,
			       char *why, size_t why_len);
void profile_page_free(struct profile_page *page);

/* Fill numbers, sites, stacks and points of P.  0 or -ENOMEM. */
MUST_USE int profile_take_page(struct profile *p,
			       const struct profile_page *page);

/* --- profile_module.c ---------------------------------------------------- */

/* Read what is mapped in process PID: executable files, private memory. */
MUST_USE int profile_take_maps(struct profile *p, pid_t pid);

/* Say for each frame in which module it is. */
void profile_place_frames(struct profile *p);

/* --- profile_symbol.c ---------------------------------------------------- */

/*
 * Find functions and lines for all frames that have none.  Files are looked
 * for below ROOT ("" or a path), and believed if their build id is right;
 * code of a JIT in /tmp/perf-PID.map below it.  0 or -ENOMEM.
 */
MUST_USE int profile_symbolize(struct profile *p, const char *root);

/* No frame has a function any more. */
void profile_forget_symbols(struct profile *p);

/* profile_demangle.c: a C++ name for people, any other as it is; malloc'd. */
char *profile_demangle(const char *name);

/* --- profile_file.c, profile_parse.c ------------------------------------- */

#define PROFILE_SCHEMA	"uzswap.profile.v1"

/* Members that are plain numbers, under the same name in a file. */
#define PROFILE_NUMBERS(X)						\
	X(pid) X(clock_ms) X(lasted_ms) X(round_ms) X(interval) X(cell)	\
	X(resident) X(stored) X(pool) X(samples) X(lost) X(no_stack)	\
	X(unwind_ns) X(asked) X(asked_ns) X(sampler_ns) X(fault_ns)	\
	X(process_resident)

MUST_USE enum zctl_status profile_save(const struct profile *p,
				       const char *path, bool force);
MUST_USE enum zctl_status profile_load(struct profile *p, const char *path);

/* The same in memory, for profile_load() and its fuzz test.  0 or -errno. */
MUST_USE int profile_parse(struct profile *p, const char *text, size_t len,
			   char *why, size_t why_len);
char *profile_format(const struct profile *p);	/* malloc'd, or NULL */

#endif
