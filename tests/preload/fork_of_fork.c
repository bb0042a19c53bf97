/* SPDX-License-Identifier: MIT */
/*
 * A child forks a grandchild, that one a great-grandchild; each verifies what
 * its ancestors left, changes a part of it, and verifies again after its own
 * child has ended.  Each generation inherits a pool that its parent in turn
 * has inherited.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "pattern.h"

#define DEPTH	3

/* Page N was last written by the latest generation up to ME that owns it. */
static uint64_t seed_of(size_t n, int me)
{
	return (uint64_t)(n % 4 <= (size_t)me ? n % 4 : 0) << 32 | n;
}

static void verify_as(char *p, int me)
{
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, seed_of(n, me));
}

/* Change our part, and wait for the next generation: true if we are it. */
static int bear(char *p, int me)
{
	int status;
	pid_t pid;

	for (size_t n = (size_t)me; n < DATA_PAGES; n += 4)
		fill(p + n * PAGE, seed_of(n, me));
	if (me == DEPTH)
		return 0;
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		return 1;
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	return 0;
}

int main(void)
{
	char *p = map_pages(DATA_PAGES);
	int me = 0;

	for (size_t n = 0; n < DATA_PAGES; n++)
		fill(p + n * PAGE, seed_of(n, 0));
	while (bear(p, me))
		me++;
	verify_as(p, me);
	return 0;
}
