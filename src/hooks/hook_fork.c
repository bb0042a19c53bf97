/* SPDX-License-Identifier: MIT */
/*
 * The door through which a process leaves twice.
 *
 * Our fork handlers are registered before all others: so prepare runs last
 * and the child's handler first, before any code of the program.  But some
 * of glibc's own code runs in the child before that, when nobody answers
 * faults there: it resets the lock of every open FILE and walks the thread
 * descriptors, which lie on the threads' stacks.  So prepare makes those
 * pages resident, after evicting has stopped.
 *
 * They are read by process_vm_readv on ourselves, which survives a stale
 * pointer where a plain read would crash the program.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"
#include "hooks/hooks.h"

#define THREADS_MAX	4096u	/* descriptors remembered; a ring */
#define FILES_MAX	65536u	/* FILEs looked at: a bound, not a limit */
#define DESCRIPTOR_LEN	4096u	/* glibc 2.36: struct pthread is 2.3 KiB */

static _Atomic uintptr_t threads[THREADS_MAX];
static _Atomic uint32_t nr_threads;
static _Thread_local bool prepared
	__attribute__((tls_model("initial-exec")));

static int (*next_pthread_create)(pthread_t *out, const pthread_attr_t *attr,
				  void *(*start)(void *), void *arg);
static pid_t (*next_raw_fork)(void);

/* Read LEN bytes at ADDR, if they are there. */
static bool peek(void *to, uintptr_t addr, size_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { (void *)addr, len };

	return sys_process_vm_readv((pid_t)sys_getpid(), &local, &remote) ==
	       (long)len;
}

static void touch(uintptr_t addr, size_t len)
{
	char byte;

	for (uintptr_t at = addr & PAGE_MASK; at < addr + len;
	     at += PAGE_SIZE)
		peek(&byte, at, 1);
}

static void touch_files(void)
{
	extern struct _IO_FILE_plus *_IO_list_all;
	uintptr_t at = (uintptr_t)_IO_list_all;
	FILE file;

	for (unsigned n = 0; at && n < FILES_MAX; n++) {
		if (!peek(&file, at, sizeof(file)))
			return;
		touch((uintptr_t)file._lock, 16);
		at = (uintptr_t)file._chain;
	}
}

static void touch_threads(void)
{
	uint32_t nr = atomic_load(&nr_threads);

	for (uint32_t i = 0; i < nr && i < THREADS_MAX; i++)
		touch(atomic_load(&threads[i]), DESCRIPTOR_LEN);
	touch((uintptr_t)pthread_self(), DESCRIPTOR_LEN);
}

static void prepare(void)
{
	prepared = atomic_load(&hooks.mode) == HOOKS_AWAKE &&
		   atomic_load(&hooks_engine.ready) == 1;
	if (!prepared)
		return;
	fork_prepare(&hooks_engine);
	touch_files();
	touch_threads();
}

static void parent(void)
{
	if (prepared)
		fork_parent(&hooks_engine);
	prepared = false;
}

static void child(void)
{
	int err = errno;

	atomic_store(&nr_threads, 0);
	if (prepared)
		fork_child(&hooks_engine);
	else if (atomic_load(&hooks.mode) == HOOKS_AWAKE)
		atomic_store(&hooks.mode, HOOKS_OFF);
	prepared = false;
	errno = err;
}

void hook_fork_init(void)
{
	next_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
	next_raw_fork = dlsym(RTLD_NEXT, "_Fork");
	pthread_atfork(prepare, parent, child);
}

EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	int ret = next_pthread_create(out, attr, start, arg);

	if (!ret) {
		uint32_t at = atomic_fetch_add(&nr_threads, 1) % THREADS_MAX;

		atomic_store(&threads[at], (uintptr_t)*out);
	}
	return ret;
}

/* fork() without handlers: ours run all the same. */
EXPORT pid_t _Fork(void)
{
	pid_t pid;

	prepare();
	pid = next_raw_fork();
	if (pid == 0)
		child();
	else
		parent();
	return pid;
}
