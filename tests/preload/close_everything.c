/* SPDX-License-Identifier: MIT */
/*
 * A program that closes every descriptor it does not know - by close_range, by
 * closefrom, by a loop - keeps its memory: stored pages must not turn into
 * zeros because somebody's descriptor went away with the rest.  And the first
 * descriptor it opens afterwards is 3, as always.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "pattern.h"

static void open_is_3(void)
{
	int fd = open("/dev/null", O_RDONLY);

	CHECK(fd == 3);
	close(fd);
}

int main(void)
{
	char *p;

	closefrom(3);
	p = map_data(0);
	open_is_3();
	CHECK(!close_range(3, ~0u, 0));
	verify_all(p, DATA_PAGES, 0);
	open_is_3();
	for (int fd = 3; fd < 1 << 16; fd++)
		close(fd);
	verify_all(p, DATA_PAGES, 0);
	closefrom(3);
	verify_all(p, DATA_PAGES, 0);
	CHECK(dup2(1, 9) == 9);
	closefrom(3);
	open_is_3();
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
