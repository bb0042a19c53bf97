/* SPDX-License-Identifier: MIT */
/*
 * Helper threads without pthread_create: they run, end, are started again on
 * the same stack, take no signal, and can have descriptors of their own.
 */
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	1	/* does not know threads without its own TLS */
#else
#define SANITIZED	0
#endif

static struct arena arena;
static struct thread thread;
static _Atomic uint32_t seen;
static _Atomic long result;

static int setup(void **state)
{
	(void)state;
	atomic_store(&seen, 0);
	if (SANITIZED)
		return 0;
	return arena.base ? 0 : arena_start(&arena, 64 * MIB);
}

static void start(void (*run)(void *arg), void *arg)
{
	if (SANITIZED)
		skip();
	assert_int_equal(thread_start(&thread, &arena, "uzswap-test", run,
				      arg), 0);
}

static void add_one(void *word)
{
	atomic_fetch_add((_Atomic uint32_t *)word, 1);
}

static void test_the_same_thread_runs_again_and_again(void **state)
{
	void *stack = NULL;

	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		start(add_one, &seen);
		thread_join(&thread);
		assert_int_equal(thread.tid, 0);
		assert_int_equal(seen, i);
		if (stack)
			assert_ptr_equal(thread.stack, stack);
		stack = thread.stack;
	}
}

static void wait_for_two(void *arg)
{
	(void)arg;
	atomic_store(&seen, 1);
	sys_futex_wake(&seen, 1);
	while (atomic_load(&seen) != 2)
		thread_wait(&seen, 1, NS_PER_S);
}

/* The name that /proc has for thread TID. */
static void read_name(uint32_t tid, char name[32])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%u/comm", tid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(name, 32, f));
	fclose(f);
}

static void test_it_has_a_name_and_takes_no_signal(void **state)
{
	char name[32];

	(void)state;
	start(wait_for_two, NULL);
	while (!atomic_load(&seen))
		sys_yield();
	read_name(thread.tid, name);
	assert_string_equal(name, "uzswap-test\n");
	/* would end the process, were it not blocked there */
	assert_int_equal(sys_tgkill((pid_t)sys_getpid(), (pid_t)thread.tid,
				    SIGUSR1), 0);
	atomic_store(&seen, 2);
	sys_futex_wake(&seen, 1);
	thread_join(&thread);
}

static void leave_files(void *keep)
{
	int fd = *(int *)keep;

	int ret = thread_leave_files(fd);

	atomic_store(&result, !ret && sys_fcntl(fd, F_GETFD, 0) >= 0 &&
		     sys_fcntl(0, F_GETFD, 0) == -EBADF &&
		     sys_fcntl(fd + 1, F_GETFD, 0) == -EBADF);
	sys_close(fd);
}

static void test_its_descriptors_are_its_own(void **state)
{
	int keep = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int other = dup2(keep, keep + 1);

	(void)state;
	assert_true(keep > 0 && other == keep + 1);
	start(leave_files, &keep);
	thread_join(&thread);
	assert_int_equal(result, 1);
	assert_true(fcntl(keep, F_GETFD) >= 0);
	assert_true(fcntl(other, F_GETFD) >= 0);
	assert_true(fcntl(1, F_GETFD) >= 0);
	close(keep);
	close(other);
}

static void test_waiting_ends_by_itself(void **state)
{
	uint64_t begin = sys_now_ns();

	(void)state;
	thread_wait(&seen, 0, 5 * NS_PER_MS);
	assert_true(sys_now_ns() - begin >= 5 * NS_PER_MS);
	/* another value: not at all */
	thread_wait(&seen, 1, 100 * NS_PER_S);
}

static void test_there_is_a_cpu(void **state)
{
	(void)state;
	assert_true(thread_nr_cpus() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_the_same_thread_runs_again_and_again, setup),
		cmocka_unit_test_setup(test_it_has_a_name_and_takes_no_signal,
				       setup),
		cmocka_unit_test_setup(test_its_descriptors_are_its_own,
				       setup),
		cmocka_unit_test_setup(test_waiting_ends_by_itself, setup),
		cmocka_unit_test_setup(test_there_is_a_cpu, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
