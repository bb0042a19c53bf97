/* SPDX-License-Identifier: MIT */
/*
 * How much memory may this process still take?
 *
 * Sources; the one with the least headroom binds:
 *
 *	option	 the configured limit, against the anonymous memory this
 *		 process has resident (our pool and metadata are in it)
 *	cgroup	 limits of the own group and of its ancestors (v2 memory.max
 *		 and memory.high, v1 memory.limit_in_bytes), against all that
 *		 is in the group - children, page cache - less the page cache
 *		 the kernel can drop by itself
 *	machine	 MemTotal less a reserve, against MemTotal - MemAvailable
 *
 * Groups are found through /proc/self/cgroup and mountinfo (base/cgroup.h).
 * Levels without a limit are kept open, since a limit can come later.
 *
 * pressure_read() is cheap: one pread per level that has a limit, and one of
 * statm with the option.  Page cache and MemAvailable are as of the last
 * pressure_refresh(), unless it gets tight: then they are read again, at
 * most every PRESSURE_TIGHT_NS, since a kernel that drops page cache to
 * make room leaves the usage where it was.
 *
 * Files are opened by the thread that calls pressure_find() and belong to its
 * descriptor table.  After a fork the child's struct holds numbers of
 * somebody else's table: it calls pressure_find() again without closing.
 * One thread at a time per struct.  Functions return 0 or -errno unless
 * noted.  Context: worker.
 */
#ifndef UZ_ENGINE_PRESSURE_H
#define UZ_ENGINE_PRESSURE_H

#include "base/cgroup.h"
#include "base/types.h"

#define PRESSURE_LEVELS	16	/* cgroup ancestors looked at */
#define PRESSURE_NAME	64
#define PRESSURE_NONE	UINT64_MAX	/* no limit */

/*
 * How old droppable page cache and MemAvailable may be when little is left.
 * A program that fills 4 GiB/s takes 8 MiB in that time; reading either
 * costs 5 to 7 us on two CPUs, more on many (the kernel sums over them).
 */
#define PRESSURE_TIGHT_NS	(2 * NS_PER_MS)

struct pressure_config {
	uint64_t limit;		/* option, bytes; 0 none */
	uint32_t limit_pct;	/* option in percent of min(cgroup, RAM); 0 */
	const char *root;	/* "" or the fixture tree standing for "/" */
};

/* One memory group: ours, or one above it. */
struct pressure_level {
	int max_fd;		/* limit file, -1 none */
	int high_fd;		/* v2 memory.high, -1 none */
	int usage_fd;
	int stat_fd;		/* memory.stat, -1 none */
	int procs_fd;		/* own group: its processes, else -1 */
	bool v2;
	uint64_t max;		/* as last read, or PRESSURE_NONE */
	uint64_t high;		/* as last read, or PRESSURE_NONE */
	uint64_t droppable;	/* page cache, bytes, as last read */
	uint64_t droppable_ns;	/* when that was */
	char name[PRESSURE_NAME]; /* "cgroup /shortened/path", for people */
};

enum pressure_source {
	PRESSURE_BY_NOTHING,	/* nothing is known to limit us */
	PRESSURE_BY_OPTION,
	PRESSURE_BY_CGROUP,
	PRESSURE_BY_MACHINE,
};

/* What binds at this moment. */
struct pressure_now {
	enum pressure_source source;
	bool hard;		/* going over kills or breaks the promise */
	uint64_t limit;		/* bytes; 0 if nothing limits */
	uint64_t usage;		/* bytes counted against it */
	int64_t headroom;	/* limit - usage; INT64_MAX if no limit */
	int procs_fd;		/* own group binds: its processes, else -1 */
	const char *name;	/* of the source; until the next refresh */
};

struct pressure {
	struct pressure_config cfg;
	unsigned nr_levels;
	struct pressure_level levels[PRESSURE_LEVELS]; /* own group first */
	int statm_fd;		/* -1 none */
	int meminfo_fd;		/* -1 none */
	uint64_t option;	/* bytes; 0 none.  From cfg */
	uint64_t total;		/* MemTotal, bytes; 0 unknown */
	uint64_t available;	/* MemAvailable, bytes, as last read */
	uint64_t available_ns;	/* when that was */
	uint64_t group_hash;	/* cgroup_own_hash() at pressure_find() */
	uint64_t found_ns;	/* last pressure_find() */
	uint64_t checked_ns;	/* last look for a new group or new limits */
	bool lost;		/* a file cannot be read: find again */
	struct cgroup_walk walk; /* scratch */
};

/*
 * Find and open all sources.  P need not be initialised; what it held is
 * forgotten, not closed.  cfg->root is kept.
 *
 * Returns 0, or -ENOENT: nothing that limits us can be read.  P may be used
 * also then, and pressure_refresh() will look again.
 */
int pressure_find(struct pressure *p, const struct pressure_config *cfg);

/* From now on another option: bytes, or percent if that is not 0. */
void pressure_set_limit(struct pressure *p, uint64_t limit, uint32_t pct);

/* The same as pressure_read(), as if there were no option. */
void pressure_read_others(struct pressure *p, struct pressure_now *now);

/* What binds now.  Some 0.7 us per limited level, 1.1 us for the option. */
void pressure_read(struct pressure *p, struct pressure_now *now);

/*
 * The slower things, to be called every 100 ms to 1 s: changed limits, page
 * cache, MemAvailable; once a second also whether the process was moved to
 * another group or a level without limit has got one.
 */
void pressure_refresh(struct pressure *p);

/* PCT percent of the least of all cgroup limits and MemTotal; 0 unknown. */
uint64_t pressure_limit_bytes(const struct pressure *p, unsigned pct);

void pressure_close(struct pressure *p);

#endif
