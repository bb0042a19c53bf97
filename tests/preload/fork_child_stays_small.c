/* SPDX-License-Identifier: MIT */
/*
 * A forked child reads everything, twice, while its parent waits.  All they
 * have is shared, so the child has only what it takes beyond that: it must
 * give back what it has read as it goes, and not add to the memory of the
 * two what it reads.  In a memory group with a limit it would be killed.
 *
 * run.sh: clean=yes torture=no
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "pattern.h"

#define OLD	1000000
#define MOST	(DATA_LEN / 8)	/* half of it was stored */

static size_t private_dirty(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	size_t kib = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Private_Dirty: %zu", &kib) == 1)
			break;
	fclose(f);
	CHECK(kib);
	return kib << 10;
}

static void child(const char *p)
{
	size_t most = 0;

	for (size_t round = 0; round < 2; round++) {
		for (size_t n = 0; n < DATA_PAGES; n++) {
			size_t now;

			verify(p + n * PAGE, OLD + n);
			if (n % 1024)
				continue;
			now = private_dirty();
			most = now > most ? now : most;
		}
	}
	if (most > MOST)
		fprintf(stderr, "the child has %zu MiB to itself\n",
			most >> 20);
	_exit(most > MOST);
}

int main(void)
{
	char *p = map_data(OLD);
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		child(p);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	verify_all(p, DATA_PAGES, OLD);
	return 0;
}
