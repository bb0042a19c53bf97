/* SPDX-License-Identifier: MIT */
/*
 * System calls as plain functions.  How the kernel is entered is in
 * sys_call.c: a test may put a kernel of its own below this file.
 */
#define _GNU_SOURCE
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#define CALL(nr, a, b, c, d, e, f)				\
	sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), \
		  (long)(e), (long)(f))

long sys_mmap(uintptr_t addr, size_t len, int prot, int flags, int fd,
	      off_t off)
{
	return CALL(SYS_mmap, addr, len, prot, flags, fd, off);
}

long sys_munmap(uintptr_t addr, size_t len)
{
	return CALL(SYS_munmap, addr, len, 0, 0, 0, 0);
}

long sys_mremap(uintptr_t addr, size_t old_len, size_t new_len, int flags,
		uintptr_t new_addr)
{
	return CALL(SYS_mremap, addr, old_len, new_len, flags, new_addr, 0);
}

long sys_madvise(uintptr_t addr, size_t len, int advice)
{
	return CALL(SYS_madvise, addr, len, advice, 0, 0, 0);
}

long sys_mprotect(uintptr_t addr, size_t len, int prot)
{
	return CALL(SYS_mprotect, addr, len, prot, 0, 0, 0);
}

long sys_brk(uintptr_t addr)
{
	return CALL(SYS_brk, addr, 0, 0, 0, 0, 0);
}

long sys_process_vm_readv(pid_t pid, const struct iovec *to,
			  const struct iovec *from)
{
	return CALL(SYS_process_vm_readv, pid, to, 1, from, 1, 0);
}

long sys_process_vm_writev(pid_t pid, const struct iovec *from,
			   const struct iovec *to)
{
	return CALL(SYS_process_vm_writev, pid, from, 1, to, 1, 0);
}

long sys_mincore(uintptr_t addr, size_t len, unsigned char *out)
{
	return CALL(SYS_mincore, addr, len, out, 0, 0, 0);
}

bool sys_has_swap(void)
{
	struct sysinfo info = { 0 };

	return !CALL(SYS_sysinfo, &info, 0, 0, 0, 0, 0) && info.totalswap;
}

long sys_open(const char *path, int flags, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_openat(int dir, const char *path, int flags, mode_t mode)
{
	return CALL(SYS_openat, dir, path, flags, mode, 0, 0);
}

long sys_close(int fd)
{
	return CALL(SYS_close, fd, 0, 0, 0, 0, 0);
}

long sys_readlink(const char *path, char *buf, size_t len)
{
	return CALL(SYS_readlinkat, AT_FDCWD, path, buf, len, 0, 0);
}

long sys_getdents(int fd, void *buf, size_t len)
{
	return CALL(SYS_getdents64, fd, buf, len, 0, 0, 0);
}

long sys_read(int fd, void *buf, size_t len)
{
	return CALL(SYS_read, fd, buf, len, 0, 0, 0);
}

long sys_pread(int fd, void *buf, size_t len, off_t off)
{
	return CALL(SYS_pread64, fd, buf, len, off, 0, 0);
}

long sys_write(int fd, const void *buf, size_t len)
{
	return CALL(SYS_write, fd, buf, len, 0, 0, 0);
}

long sys_ioctl(int fd, unsigned long cmd, void *arg)
{
	return CALL(SYS_ioctl, fd, cmd, arg, 0, 0, 0);
}

long sys_fcntl(int fd, int cmd, long arg)
{
	return CALL(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
}

long sys_fstat_rdev(int fd, uint32_t *mode, uint64_t *rdev)
{
	struct stat st;
	long ret = CALL(SYS_fstat, fd, &st, 0, 0, 0, 0);

	*mode = ret ? 0 : st.st_mode;
	*rdev = ret ? 0 : st.st_rdev;
	return ret;
}

long sys_ftruncate(int fd, off_t len)
{
	return CALL(SYS_ftruncate, fd, len, 0, 0, 0, 0);
}

long sys_memfd_create(const char *name, unsigned flags)
{
	return CALL(SYS_memfd_create, name, flags, 0, 0, 0, 0);
}

long sys_userfaultfd(int flags)
{
	return CALL(SYS_userfaultfd, flags, 0, 0, 0, 0, 0);
}

long sys_pidfd_open(pid_t pid)
{
	return CALL(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
}

long sys_pidfd_getfd(int pidfd, int fd)
{
	return CALL(SYS_pidfd_getfd, pidfd, fd, 0, 0, 0, 0);
}

long sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return CALL(SYS_close_range, first, last, flags, 0, 0, 0);
}

long sys_poll(struct pollfd *fds, unsigned nr, const struct timespec *max)
{
	struct timespec left;

	if (max)
		left = *max;
	return CALL(SYS_ppoll, fds, nr, max ? &left : NULL, 0, 0, 0);
}

long sys_socket(int family, int type)
{
	return CALL(SYS_socket, family, type, 0, 0, 0, 0);
}

long sys_setsockopt(int fd, int option, const void *value, unsigned len)
{
	return CALL(SYS_setsockopt, fd, SOL_SOCKET, option, value, len, 0);
}

long sys_connect(int fd, const void *addr, unsigned len)
{
	return CALL(SYS_connect, fd, addr, len, 0, 0, 0);
}

long sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return CALL(SYS_recvmsg, fd, msg, flags, 0, 0, 0);
}

static struct timespec timespec_of(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	return ts;
}

long sys_epoll_create(void)
{
	return CALL(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
}

long sys_epoll_add(int epoll_fd, int fd, uint32_t number, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = number };

	return CALL(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_ADD, fd, &ev, 0, 0);
}

long sys_epoll_wait(int epoll_fd, int max_ms)
{
	struct epoll_event ev = { 0 };
	long ret = CALL(SYS_epoll_pwait, epoll_fd, &ev, 1, max_ms, NULL, 8);

	if (ret == 0)
		return -ETIMEDOUT;
	return ret < 0 ? ret : (long)ev.data.u32;
}

long sys_eventfd(void)
{
	return CALL(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0, 0, 0, 0);
}

long sys_eventfd_raise(int fd)
{
	const uint64_t one = 1;

	return CALL(SYS_write, fd, &one, sizeof(one), 0, 0, 0);
}

long sys_futex_wait(_Atomic uint32_t *word, uint32_t while_is,
		    const struct timespec *max)
{
	return CALL(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_is, max, 0, 0);
}

long sys_futex_wake(_Atomic uint32_t *word, int nr_wake)
{
	return CALL(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr_wake, 0, 0, 0);
}

long sys_futex_wake_shared(_Atomic uint32_t *word, int nr_wake)
{
	return CALL(SYS_futex, word, FUTEX_WAKE, nr_wake, 0, 0, 0);
}

/* As the kernel has it; headers before Linux 5.16 have not. */
#define NR_FUTEX_WAITV	449

struct waiter {
	uint64_t val;
	uint64_t addr;
	uint32_t flags;
	uint32_t reserved;
};

#define WAITER_U32	2u

long sys_futex_wait_either(_Atomic uint32_t *ours, uint32_t ours_is,
			   _Atomic uint32_t *shared, uint32_t shared_is,
			   const struct timespec *until)
{
	const struct waiter both[] = {
		{ ours_is, (uintptr_t)ours, WAITER_U32 | FUTEX_PRIVATE_FLAG,
		  0 },
		{ shared_is, (uintptr_t)shared, WAITER_U32, 0 },
	};

	return CALL(NR_FUTEX_WAITV, both, ARRAY_SIZE(both), 0, until,
		    CLOCK_MONOTONIC, 0);
}

long sys_sigprocmask_all(uint64_t *old_mask)
{
	uint64_t all = ~(uint64_t)0;

	return CALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, old_mask,
		    sizeof(all), 0, 0);
}

long sys_sigprocmask_set(uint64_t mask)
{
	return CALL(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask),
		    0, 0);
}

long sys_gettid(void)
{
	return CALL(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

long sys_getpid(void)
{
	return CALL(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

long sys_tgkill(pid_t pid, pid_t tid, int sig)
{
	return CALL(SYS_tgkill, pid, tid, sig, 0, 0, 0);
}

long sys_yield(void)
{
	return CALL(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

long sys_nanosleep(uint64_t ns)
{
	struct timespec ts = timespec_of(ns);

	return CALL(SYS_nanosleep, &ts, 0, 0, 0, 0, 0);
}

long sys_sched_setaffinity(pid_t tid, size_t len, const void *mask)
{
	return CALL(SYS_sched_setaffinity, tid, len, mask, 0, 0, 0);
}

long sys_sched_getaffinity(pid_t tid, size_t len, void *mask)
{
	return CALL(SYS_sched_getaffinity, tid, len, mask, 0, 0, 0);
}

long sys_setpriority(int which, int who, int prio)
{
	return CALL(SYS_setpriority, which, who, prio, 0, 0, 0);
}

long sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c,
	       unsigned long d)
{
	return CALL(SYS_prctl, op, a, b, c, d, 0);
}

long sys_getrlimit(int what, struct rlimit *out)
{
	return CALL(SYS_prlimit64, 0, what, 0, out, 0, 0);
}

uintptr_t sys_robust_list(pid_t tid)
{
	uintptr_t head = 0;
	size_t len = 0;

	if (CALL(SYS_get_robust_list, tid, &head, &len, 0, 0, 0))
		return 0;
	return head;
}

void sys_exit_thread(int status)
{
	for (;;)
		CALL(SYS_exit, status, 0, 0, 0, 0, 0);
}

void sys_exit_process(int status)
{
	for (;;)
		CALL(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

void sys_abort(void)
{
	uint64_t mask = ~((uint64_t)1 << (SIGABRT - 1));

	sys_sigprocmask_set(mask);
	sys_tgkill((pid_t)sys_getpid(), (pid_t)sys_gettid(), SIGABRT);
	for (;;)
		CALL(SYS_exit_group, 134, 0, 0, 0, 0, 0);
}

/* Not libc's: others replace it, with thread-local data we do not have. */
uint64_t sys_clock_ns(int which)
{
	struct timespec ts = { 0 };

	CALL(SYS_clock_gettime, which, &ts, 0, 0, 0, 0);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* A mask that is read first, and then refused as HOW is none. */
bool sys_is_readable(uintptr_t addr)
{
	return CALL(SYS_rt_sigprocmask, ~0, addr, 0, 8, 0, 0) == -EINVAL;
}
