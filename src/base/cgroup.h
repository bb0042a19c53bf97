/* SPDX-License-Identifier: MIT */
/*
 * Where in the file system is my memory cgroup, and where are the groups
 * above it?
 *
 *	/proc/self/cgroup	4:memory:/docker/ID/job		the group
 *	/proc/self/mountinfo	.. /docker/ID /sys/fs/cgroup/memory .. cgroup
 *				   mount's root	 mount point
 *	directory		/sys/fs/cgroup/memory/job
 *
 * The group's path is cut by the root of the mount, since in a container
 * often only a subtree is mounted.  Inside a cgroup namespace both are
 * relative to the namespace and may begin with "/..": a mount whose root is
 * above the namespace shows an ancestor of ours at its top, even though the
 * way down from there has no name.  Of several mounts the one that shows
 * most of the path is taken.
 *
 * All paths are looked up below a prefix, "" or a tree of files that stands
 * for "/" in tests.  Context: any.
 */
#ifndef UZ_BASE_CGROUP_H
#define UZ_BASE_CGROUP_H

#include "base/types.h"

#define CGROUP_PATH	1536	/* longer paths are as if not mounted */

/* A walk from the own group upwards. */
struct cgroup_walk {
	const char *prefix;	/* of every path; kept */
	bool v2;		/* unified hierarchy, or v1 "memory" */
	size_t mount_len;	/* of dir: prefix and mount point */
	char dir[CGROUP_PATH];	/* the level we are at */
	char group[CGROUP_PATH]; /* of this process, as the kernel names it */
	char best[CGROUP_PATH];	/* dir of the best mount so far */
	char text[8192];	/* buffer for reading */
};

/*
 * Stand at the own group.  The directory may not exist, if the mount shows
 * only its ancestors: then cgroup_open() fails there, and going up helps.
 *
 * Returns 0, or -ENOENT: no such hierarchy, or no mount shows our group.
 */
MUST_USE int cgroup_walk_begin(struct cgroup_walk *w, const char *prefix,
			       bool v2);

/* One level up; false at the top of the mount, without moving. */
bool cgroup_walk_up(struct cgroup_walk *w);

/* Opens file NAME of this level with FLAGS: a descriptor or -errno. */
MUST_USE long cgroup_open_as(struct cgroup_walk *w, const char *name,
			     int flags);

/* For reading. */
MUST_USE long cgroup_open(struct cgroup_walk *w, const char *name);

/* The level's path below the mount point, "/" at its top; borrowed from W. */
const char *cgroup_name(const struct cgroup_walk *w);

/*
 * A number that changes when this process is moved to another group, v1
 * memory or v2; 0 if /proc can't be read.  BUF is for reading.
 */
uint64_t cgroup_own_hash(const char *prefix, char *buf, size_t len);

#endif
