/* SPDX-License-Identifier: MIT */
/*
 * The process is stopped and continued, again and again, while its threads
 * fault and verify; a child of it does that.  Its timers and sleeps go on,
 * and nothing is lost.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "pattern.h"

#define SECONDS	5

static char *data;
static _Atomic int stop;

static void *reader(void *arg)
{
	uint64_t random = (size_t)arg + 1;

	while (!stop) {
		size_t n = next_random(&random) % DATA_PAGES;

		verify(data + n * PAGE, n);
		fill(data + n * PAGE, n);
	}
	return NULL;
}

static void torment(pid_t pid)
{
	double end = now() + SECONDS;

	while (now() < end) {
		kill(pid, SIGSTOP);
		sleep_ms(15);
		kill(pid, SIGCONT);
		sleep_ms(15);
	}
	_exit(0);
}

int main(void)
{
	pid_t me = getpid();
	pthread_t t;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		torment(me);
	data = map_data(0);
	CHECK(!pthread_create(&t, NULL, reader, (void *)1));
	while (waitpid(pid, &status, WNOHANG) == 0) {
		static uint64_t random = 77;
		size_t n = next_random(&random) % DATA_PAGES;

		CHECK(data[n * PAGE + 8] == (char)pattern_word(n, 1));
	}
	CHECK(status == 0);
	stop = 1;
	pthread_join(t, NULL);
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
