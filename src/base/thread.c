/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "base/thread.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/sys.h"

void thread_join(struct thread *t)
{
	uint32_t tid;

	/*
	 * The kernel clears the word and wakes with a shared futex: a
	 * private wait would miss that, so poll; ends are rare.
	 */
	while ((tid = atomic_load(&t->tid)))
		sys_nanosleep(200 * NS_PER_US);
}

static void close_all_but(int keep_fd)
{
	/* before Linux 5.9 there is no close_range() */
	for (int fd = 0; fd < 4096; fd++)
		if (fd != keep_fd)
			sys_close(fd);
}

/*
 * Never close anything before the table is known to be ours: it would be the
 * program's descriptors.  Containers forbid unshare() by seccomp, even this
 * harmless kind, but not close_range().
 */
int thread_leave_files(int keep_fd)
{
	const unsigned next = (unsigned)keep_fd + 1;	/* 0 for -1 */
	long ret = sys_close_range(next, ~0u, CLOSE_RANGE_UNSHARE);

	if (!ret)
		return keep_fd > 0 ? (int)sys_close_range(0, next - 2, 0) : 0;
	ret = sys_call6(SYS_unshare, CLONE_FILES, 0, 0, 0, 0, 0);
	if (ret)
		return (int)ret;
	close_all_but(keep_fd);
	return 0;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};
}

void thread_wait(_Atomic uint32_t *word, uint32_t while_is, uint64_t max_ns)
{
	const struct timespec max = timespec_of(max_ns);

	sys_futex_wait(word, while_is, &max);
}

void thread_wait_either(_Atomic uint32_t *word, uint32_t while_is,
			_Atomic uint32_t *shared, uint32_t shared_is,
			uint64_t max_ns)
{
	const struct timespec until = timespec_of(sys_now_ns() + max_ns);
	long ret = sys_futex_wait_either(word, while_is, shared, shared_is,
					 &until);

	/* else: an old kernel, or a filter of system calls */
	if (sys_failed(ret) && ret != -EAGAIN && ret != -ETIMEDOUT &&
	    ret != -EINTR)
		thread_wait(word, while_is, max_ns);
}

static long allowed_cpus(unsigned long *mask, size_t len)
{
	return sys_sched_getaffinity(0, len, mask);
}

unsigned thread_nr_cpus(void)
{
	unsigned long mask[16] = { 0 };
	unsigned nr = 0;

	if (allowed_cpus(mask, sizeof(mask)) <= 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(mask); i++)
		nr += (unsigned)__builtin_popcountl(mask[i]);
	return nr ? nr : 1;
}

void thread_pin(unsigned nth)
{
	unsigned long mask[16] = { 0 };
	unsigned long one[16] = { 0 };
	unsigned left = nth % thread_nr_cpus();

	if (allowed_cpus(mask, sizeof(mask)) <= 0)
		return;
	for (unsigned cpu = 0; cpu < ARRAY_SIZE(mask) * 64; cpu++) {
		if (!(mask[cpu / 64] & (1ul << (cpu % 64))))
			continue;
		if (left--)
			continue;
		one[cpu / 64] = 1ul << (cpu % 64);
		sys_sched_setaffinity(0, sizeof(one), one);
		return;
	}
}
