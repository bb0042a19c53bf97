/* SPDX-License-Identifier: MIT */
/*
 * start.c - how long it takes to start a program and see it end.
 *
 *	start ROUNDS LIBRARY PROGRAM [ARG]...
 *
 * Starts PROGRAM by turns without and with LD_PRELOAD=LIBRARY and prints the
 * median of both in microseconds, and their difference.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS_MAX	10000

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double once(char **command, char **environment)
{
	double t = now_us();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, command[0], NULL, NULL, command, environment)) {
		perror(command[0]);
		exit(99);
	}
	waitpid(pid, &status, 0);
	if (status) {
		fprintf(stderr, "start: %s failed (%d)\n", command[0], status);
		exit(1);
	}
	return now_us() - t;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double plain[ROUNDS_MAX], with[ROUNDS_MAX];
	static char preload[4096], path[] = "PATH=/usr/bin:/bin";
	char *env_plain[] = { path, NULL };
	char *env_with[] = { path, preload, NULL };
	size_t rounds = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: start ROUNDS LIBRARY PROGRAM ...\n");
		return 99;
	}
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[2]);
	once(argv + 3, env_plain);
	once(argv + 3, env_with);
	for (size_t i = 0; i < rounds; i++) {
		plain[i] = once(argv + 3, env_plain);
		with[i] = once(argv + 3, env_with);
	}
	qsort(plain, rounds, sizeof(*plain), order);
	qsort(with, rounds, sizeof(*with), order);
	printf("%.1f %.1f %.1f\n", plain[rounds / 2], with[rounds / 2],
	       with[rounds / 2] - plain[rounds / 2]);
	return 0;
}
