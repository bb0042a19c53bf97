/* SPDX-License-Identifier: MIT */
/*
 * Threads are started by libc's own pthread_create, past anything preloaded,
 * as jemalloc starts its; then the program forks.  (glibc walks the
 * descriptors of all threads in the child, before anything else: those that
 * were stored read as zeros, and the child crashed.)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>

#include "pattern.h"

#define THREADS	8
#define FORKS	10

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	union {
		void *sym;
		int (*call)(pthread_t *out, const pthread_attr_t *attr,
			    void *(*start)(void *), void *arg);
	} create = { libc ? dlsym(libc, "pthread_create") : NULL };
	pthread_t thread;
	char *p;

	CHECK(create.sym);
	for (int i = 0; i < THREADS; i++)
		CHECK(!create.call(&thread, NULL, wait_for_ever, NULL));
	p = map_data(300);
	for (int i = 0; i < FORKS; i++) {
		int status;
		pid_t pid;

		fill_all(p, DATA_PAGES / 2, 300);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			verify_all(p, 64, 300);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	verify_all(p, DATA_PAGES, 300);
	return 0;
}
