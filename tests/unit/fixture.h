/* SPDX-License-Identifier: MIT */
/*
 * A tree of small files that stands for "/": /proc/self/cgroup, mountinfo,
 * cgroup directories with whatever a test wants them to say.
 */
#ifndef UZ_TESTS_FIXTURE_H
#define UZ_TESTS_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#define FIXTURE_V1	"/sys/fs/cgroup/memory"
#define FIXTURE_V2	"/sys/fs/cgroup"

/* A new empty tree; returns its path, valid until fixture_end(). */
const char *fixture_begin(void);
/* (Over)write file PATH, which begins with "/"; makes its directories. */
void fixture_put(const char *path, const char *text);
void fixture_mkdir(const char *path);
/* Remove one file. */
void fixture_remove(const char *path);

/* A line with a number. */
void fixture_number(const char *path, uint64_t n);
/* A memory group at PATH below the mount of its version. */
void fixture_v1(const char *path, const char *limit, uint64_t usage);
void fixture_v2(const char *path, const char *max, const char *high,
		uint64_t usage);
/* This process is in GROUP, and the hierarchy is mounted. */
void fixture_system(const char *group, bool v2);
/* /proc/meminfo and /proc/self/statm; all in bytes. */
void fixture_meminfo(uint64_t total, uint64_t available);
void fixture_statm(uint64_t resident, uint64_t shared);

/* Remove the tree. */
void fixture_end(void);

#endif
