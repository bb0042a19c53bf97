/* SPDX-License-Identifier: MIT */
/*
 * One process advises another (process_madvise): COLD, PAGEOUT and WILLNEED
 * of stored memory change nothing of what is read there, and may be refused
 * only as they are without us.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "pattern.h"

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

static const int advices[] = { MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED };

static void advise(int pidfd, char *p)
{
	for (size_t n = 0; n < DATA_PAGES; n += 1024) {
		struct iovec range = { p + n * PAGE, 1024 * PAGE };
		long done = syscall(SYS_process_madvise, pidfd, &range, 1,
				    advices[n / 1024 % 3], 0);

		if (n == 0 && done < 0 && (errno == ENOSYS || errno == EPERM))
			SKIP("process_madvise is not possible here");
		CHECK(done == (long)(1024 * PAGE));
	}
}

int main(void)
{
	char *p = map_data(0);
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int status;
	pid_t pid;

	if (pidfd < 0)
		SKIP("no pidfd");
	advise(pidfd, p);
	verify_all(p, DATA_PAGES, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		advise(pidfd, p);
		verify_all(p, DATA_PAGES, 0);
		_exit(0);
	}
	fill_all(p, DATA_PAGES, 7);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES, 7);
	return 0;
}
