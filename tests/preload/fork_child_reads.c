/* SPDX-License-Identifier: MIT */
/*
 * A forked child reads everything its parent wrote before the fork, while the
 * parent goes on writing; then both write and verify their own.  Most pages
 * are stored at the moment of the fork, in the one copy of the pool that both
 * have afterwards.  The parent must not see what the child wrote, nor the
 * child what the parent did.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "pattern.h"

#define OLD	1000000
#define PARENT	2000000
#define CHILD	3000000

static void child(char *p)
{
	verify_all(p, DATA_PAGES, OLD);
	for (size_t n = 0; n < DATA_PAGES; n += 3)
		fill(p + n * PAGE, CHILD + n);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, (n % 3 ? OLD : CHILD) + n);
	_exit(0);
}

int main(void)
{
	char *p = map_data(OLD);
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		child(p);
	for (size_t n = 0; n < DATA_PAGES; n += 2)
		fill(p + n * PAGE, PARENT + n);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, (n % 2 ? OLD : PARENT) + n);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	for (size_t n = 0; n < DATA_PAGES; n++)
		verify(p + n * PAGE, (n % 2 ? OLD : PARENT) + n);
	return 0;
}
