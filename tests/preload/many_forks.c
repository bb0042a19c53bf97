/* SPDX-License-Identifier: MIT */
/*
 * Hundreds of forks in a row.  Each child checks a few pages and ends; the
 * parent must be no bigger afterwards than after the first few: no thread, no
 * descriptor, no mapping left over from a fork.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/wait.h>

#include "pattern.h"

#define FORKS	200
#define WARM	20

/* A line of /proc/self/status. */
static long status_of(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long n = -1;

	CHECK(f);
	while (n < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			n = atol(line + strlen(name));
	fclose(f);
	return n;
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int main(void)
{
	char *p = map_data(0);
	long threads = 0, size = 0;
	int fds = 0;

	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid) {
			for (size_t n = (size_t)i; n < DATA_PAGES; n += 997)
				verify(p + n * PAGE, n);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
		if (i == WARM) {
			threads = status_of("Threads:");
			size = status_of("VmSize:");
			fds = descriptors();
		}
	}
	CHECK(status_of("Threads:") == threads);
	CHECK(status_of("VmSize:") <= size + 1024);
	CHECK(descriptors() == fds);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
