/* SPDX-License-Identifier: MIT */
/*
 * Writes, reads, forks, gives up and unmaps memory, by two threads, and knows
 * every byte of it: for refuse.sh, under which system calls fail.  Ends with 1
 * if a byte is wrong, with 3 if one of its own calls was refused.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>

#include "../preload/pattern.h"

#define PAGES	6144	/* twice what the limit takes */
#define GIVEN	512	/* pages given up */
#define REFUSED	3

static char *data;

static void *read_some(void *arg)
{
	for (size_t n = 0; n < PAGES; n += 7)
		verify(data + n * PAGE, n);
	return arg;
}

static void refused_if(int yes)
{
	if (yes)
		_exit(REFUSED);
}

int main(void)
{
	pthread_t t;
	pid_t pid;
	int status;

	data = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	refused_if(data == MAP_FAILED);
	fill_all(data, PAGES, 0);
	refused_if(pthread_create(&t, NULL, read_some, NULL));
	verify_all(data, PAGES, 0);
	pthread_join(t, NULL);
	pid = fork();
	refused_if(pid < 0);
	verify_all(data, PAGES, 0);
	if (!pid)
		_exit(0);
	refused_if(waitpid(pid, &status, 0) != pid);
	CHECK(status == 0);
	refused_if(madvise(data, GIVEN * PAGE, MADV_DONTNEED));
	verify_zero(data, GIVEN);
	verify_all(data + GIVEN * PAGE, PAGES - GIVEN, GIVEN);
	refused_if(munmap(data, PAGES * PAGE));
	return 0;
}
