/* SPDX-License-Identifier: MIT */
/*
 * A program with more call stacks and allocations than a profile has room
 * for: N blocks of 1000 bytes, each by a way of its own through 17 pairs of
 * calls.
 *
 *	many_sites N
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH	17
#define LEN	1000u
#define KEEP	__attribute__((noinline, noclone))

static volatile int done;

static KEEP void *descend(unsigned way, int depth)
{
	void *p;

	if (depth == DEPTH) {
		p = malloc(LEN);
		memset(p, (int)way, LEN);
	} else if (way >> depth & 1) {
		p = descend(way, depth + 1);
		done = 1;	/* not a tail call */
	} else {
		p = descend(way, depth + 1);
		done = 2;
	}
	return p;
}

int main(int argc, char **argv)
{
	unsigned nr = argc > 1 ? (unsigned)atoi(argv[1]) : 1u << DEPTH;
	char **all = calloc(nr, sizeof(*all));

	for (unsigned i = 0; i < nr; i++)
		all[i] = descend(i, 0);
	sleep(3);
	for (unsigned i = 0; i < nr; i++)
		if (all[i][LEN - 1] != (char)i)
			return 1;
	return 0;
}
