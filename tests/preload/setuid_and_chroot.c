/* SPDX-License-Identifier: MIT */
/*
 * A program with stored memory gives up its rights: chroot, prctl (dumpable,
 * no new privileges, name), a user of its own, namespaces of its own.  What
 * it has in memory stays as it was, and new memory can be stored after it.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "pattern.h"

#define NOBODY	65534

static void give_up(int how)
{
	switch (how) {
	case 0:
		CHECK(!chroot("/proc/self/fdinfo") && !chdir("/"));
		break;
	case 1:
		CHECK(!setgid(NOBODY) && !setuid(NOBODY));
		CHECK(setuid(0) == -1);
		break;
	case 2:
		CHECK(!prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
		CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		CHECK(!prctl(PR_SET_NAME, "renamed", 0, 0, 0));
		break;
	case 3:
		CHECK(!unshare(CLONE_FS | CLONE_FILES));
		/* may be forbidden, but is the same then */
		(void)!unshare(CLONE_NEWNS | CLONE_NEWUTS);
		break;
	default:
		break;
	}
}

static void work(int how)
{
	char *p = map_data(0);
	char *q;

	give_up(how);
	verify_all(p, DATA_PAGES, 0);
	q = map_data(1000000);
	fill_all(p, DATA_PAGES / 4, 5);
	verify_all(q, DATA_PAGES, 1000000);
	verify_all(p, DATA_PAGES / 4, 5);
}

int main(void)
{
	if (geteuid())
		SKIP("needs root, to give it up");
	for (int how = 0; how < 4; how++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			work(how);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	work(4);
	return 0;
}
