/* SPDX-License-Identifier: MIT */
/*
 * MADV_DONTFORK: the child does not have the range.  MADV_WIPEONFORK: the child
 * has it as zeros.  Both with stored pages in it; the parent keeps all.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "pattern.h"

#define PART	(DATA_PAGES / 4)

int main(void)
{
	char *p = map_data(0);
	char *wiped = p + PART * PAGE;
	char *kept = p + 2 * PART * PAGE;
	int status;
	pid_t pid;

	CHECK(!madvise(p, PART * PAGE, MADV_DONTFORK));
	CHECK(!madvise(wiped, PART * PAGE, MADV_WIPEONFORK));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		verify_zero(wiped, PART);
		verify_all(kept, 2 * PART, 2 * PART);
		fill_all(wiped, PART, 5);
		verify_all(kept, 2 * PART, 2 * PART);
		verify_all(wiped, PART, 5);
		/* the range is free for others */
		CHECK(mmap(p, PART * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			   -1, 0) == p);
		verify_zero(p, PART);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
