/* SPDX-License-Identifier: MIT */
/*
 * Another thread holds a lock that fork() takes, the one of all FILEs, and
 * under it gives memory up and uses it again, a hundred thousand times.  The
 * fork waits for all of it, so nothing of it may wait for the fork.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "pattern.h"

#define TIMES	100000
#define OWN	1024	/* pages it does this to */
#define USE	64	/* it uses one page in so many times */
#define BEGUN_US 1500000	/* fork() may look for room for a second */

static char *data;
static _Atomic int locked, forking, done;

static void *give_up(size_t n)
{
	char *page = data + n % OWN * PAGE;

	CHECK(!madvise(page, PAGE, MADV_DONTNEED));
	return page;
}

/* fflush(NULL) calls it with all FILEs locked. */
static ssize_t write_under_lock(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	(void)buf;
	locked = 1;
	while (!forking)
		usleep(1000);
	usleep(BEGUN_US);
	for (size_t n = 0; n < TIMES; n++) {
		char *page = give_up(n);

		if (n % USE == 0)
			CHECK(is_zero(page));
	}
	for (size_t n = 0; n < OWN; n++)
		fill(give_up(n), n);
	done = 1;
	return (ssize_t)len;
}

static void *flush_all(void *arg)
{
	const cookie_io_functions_t io = { .write = write_under_lock };
	FILE *f = fopencookie(NULL, "w", io);

	CHECK(f);
	CHECK(fputc('x', f) == 'x');
	CHECK(!fflush(NULL));
	return arg;
}

static void begin(void)
{
	forking = 1;
}

int main(void)
{
	pthread_t t;
	pid_t pid;
	int status;

	data = map_data(0);
	CHECK(!pthread_atfork(begin, NULL, NULL));
	CHECK(!pthread_create(&t, NULL, flush_all, NULL));
	while (!locked)
		usleep(1000);
	pid = fork();
	CHECK(pid >= 0);
	CHECK(done);
	if (!pid) {
		verify_all(data, DATA_PAGES, 0);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	CHECK(!pthread_join(t, NULL));
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
