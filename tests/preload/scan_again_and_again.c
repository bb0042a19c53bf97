/* SPDX-License-Identifier: MIT */
/*
 * run.sh: clean=yes
 *
 * A thread reads all its memory in order, time and again, and now and then
 * writes, frees or moves some of it.  Pages that came back keep their packed
 * copy, and leave again by comparing with it: a page that was written since
 * must not come back as it was before, nor one that was freed or moved.  A
 * child that reads everything shares those copies with its parent.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "pattern.h"

#define OLD	1000000
#define NEW	2000000
#define MOVED	(DATA_PAGES / 16)

static uint64_t seed[DATA_PAGES];

static void scan(const char *p)
{
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, seed[n]);
}

/* Read on in order; one word of every third page changes on the way. */
static void scan_and_write(char *p, uint64_t version)
{
	for (size_t n = 0; n < DATA_PAGES; n++) {
		verify(p + n * PAGE, seed[n]);
		if ((n + version) % 3 == 0) {
			seed[n] = NEW * version + n;
			fill(p + n * PAGE, seed[n]);
		}
	}
}

/* A stretch is read, so that copies of it are kept, and then freed. */
static void free_some(char *p, size_t from)
{
	for (size_t n = from; n < from + MOVED; n++)
		verify(p + n * PAGE, seed[n]);
	CHECK(!madvise(p + from * PAGE, MOVED * PAGE, MADV_DONTNEED));
	verify_zero(p + from * PAGE, MOVED);
	for (size_t n = from; n < from + MOVED; n++)
		fill(p + n * PAGE, seed[n]);
}

/* By single pages, for a mapping of which a part is registered is several. */
static void move(char *to, char *from, size_t pages)
{
	for (size_t n = 0; n < pages; n++)
		CHECK(mremap(from + n * PAGE, PAGE, PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to + n * PAGE) ==
		      to + n * PAGE);
}

/* The same, moved away and back. */
static void move_some(char *p, size_t from)
{
	char *to = map_pages(MOVED);

	for (size_t n = from; n < from + MOVED; n++)
		verify(p + n * PAGE, seed[n]);
	move(to, p + from * PAGE, MOVED);
	for (size_t n = 0; n < MOVED; n++)
		verify(to + n * PAGE, seed[from + n]);
	move(p + from * PAGE, to, MOVED);
}

static void child_scans(char *p)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		scan(p);
		scan_and_write(p, 9);
		scan(p);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
}

int main(void)
{
	char *p = map_data(OLD);

	for (size_t n = 0; n < DATA_PAGES; n++)
		seed[n] = OLD + n;
	for (uint64_t version = 1; version < 4; version++) {
		scan(p);
		scan(p);
		scan_and_write(p, version);
		scan(p);
		free_some(p, version * MOVED);
		move_some(p, version * MOVED + MOVED / 2);
	}
	scan(p);
	child_scans(p);
	scan(p);
	return 0;
}
