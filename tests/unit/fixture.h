/* SPDX-License-Identifier: MIT */
/*
 * A tree of small files that stands for "/": /proc/self/cgroup, mountinfo,
 * cgroup directories with whatever a test wants them to say.
 */
#ifndef UZ_TESTS_FIXTURE_H
#define UZ_TESTS_FIXTURE_H

/* A new empty tree; returns its path, valid until fixture_end(). */
const char *fixture_begin(void);
/* (Over)write file PATH, which begins with "/"; makes its directories. */
void fixture_put(const char *path, const char *text);
void fixture_mkdir(const char *path);
/* Remove one file. */
void fixture_remove(const char *path);
/* Remove the tree. */
void fixture_end(void);

#endif
