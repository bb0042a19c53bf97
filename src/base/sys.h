/* SPDX-License-Identifier: MIT */
/*
 * The kernel, one function per system call we use; all of them enter it
 * through sys_call6(), by the only instruction in the tree that does.
 *
 * All functions return what the kernel returns: a value >= 0, or -errno.
 * None touches errno, thread-local storage or any symbol of libc that a
 * program or we ourselves might have interposed.  Context: any.
 */
#ifndef UZ_BASE_SYS_H
#define UZ_BASE_SYS_H

#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "base/types.h"

struct msghdr;
struct pollfd;
struct rlimit;

long sys_call6(long nr, long a, long b, long c, long d, long e, long f);

static inline bool sys_failed(long ret)
{
	return ret < 0 && ret > -4096;
}

/* memory */
long sys_mmap(uintptr_t addr, size_t len, int prot, int flags, int fd,
	      off_t off);
long sys_munmap(uintptr_t addr, size_t len);
long sys_mremap(uintptr_t addr, size_t old_len, size_t new_len, int flags,
		uintptr_t new_addr);
long sys_madvise(uintptr_t addr, size_t len, int advice);
long sys_mprotect(uintptr_t addr, size_t len, int prot);
long sys_brk(uintptr_t addr);
long sys_process_vm_readv(pid_t pid, const struct iovec *to,
			  const struct iovec *from);
long sys_process_vm_writev(pid_t pid, const struct iovec *from,
			   const struct iovec *to);
long sys_mincore(uintptr_t addr, size_t len, unsigned char *out);
/* Has the machine any swap at all? */
bool sys_has_swap(void);

/* files; paths are C strings */
long sys_open(const char *path, int flags, mode_t mode);
long sys_openat(int dir, const char *path, int flags, mode_t mode);
long sys_close(int fd);
long sys_readlink(const char *path, char *buf, size_t len);
long sys_getdents(int fd, void *buf, size_t len);
long sys_read(int fd, void *buf, size_t len);
long sys_pread(int fd, void *buf, size_t len, off_t off);
long sys_write(int fd, const void *buf, size_t len);
long sys_ioctl(int fd, unsigned long cmd, void *arg);
long sys_fcntl(int fd, int cmd, long arg);
long sys_fstat_rdev(int fd, uint32_t *mode, uint64_t *rdev);
long sys_ftruncate(int fd, off_t len);
long sys_memfd_create(const char *name, unsigned flags);
long sys_userfaultfd(int flags);
long sys_pidfd_open(pid_t pid);
long sys_pidfd_getfd(int pidfd, int fd);
long sys_close_range(unsigned first, unsigned last, unsigned flags);
long sys_socket(int family, int type);
long sys_setsockopt(int fd, int option, const void *value, unsigned len);
long sys_connect(int fd, const void *addr, unsigned len);
long sys_recvmsg(int fd, struct msghdr *msg, int flags);
long sys_poll(struct pollfd *fds, unsigned nr, const struct timespec *max);

/* threads and processes */
long sys_futex_wait(_Atomic uint32_t *word, uint32_t while_is,
		    const struct timespec *max);
long sys_futex_wake(_Atomic uint32_t *word, int nr_wake);
/*
 * The same for a word that other processes map too, and waiting for either
 * one of ours or such a one, until a time (Linux 5.16).
 */
long sys_futex_wake_shared(_Atomic uint32_t *word, int nr_wake);
long sys_futex_wait_either(_Atomic uint32_t *ours, uint32_t ours_is,
			   _Atomic uint32_t *shared, uint32_t shared_is,
			   const struct timespec *until);
long sys_sigprocmask_all(uint64_t *old_mask);
long sys_sigprocmask_set(uint64_t mask);
long sys_gettid(void);
long sys_getpid(void);
long sys_tgkill(pid_t pid, pid_t tid, int sig);
long sys_yield(void);
long sys_nanosleep(uint64_t ns);
long sys_sched_setaffinity(pid_t tid, size_t len, const void *mask);
long sys_sched_getaffinity(pid_t tid, size_t len, void *mask);
long sys_setpriority(int which, int who, int prio);
long sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c,
	       unsigned long d);
long sys_getrlimit(int what, struct rlimit *out);
uintptr_t sys_robust_list(pid_t tid);	/* 0: none, or no such thread */
/*
 * epoll: ADD says which EVENTS of FD, and the number that they carry.  WAIT
 * returns one number, or -ETIMEDOUT.
 */
long sys_epoll_create(void);
long sys_epoll_add(int epoll_fd, int fd, uint32_t number, uint32_t events);
long sys_epoll_wait(int epoll_fd, int max_ms);
/* An eventfd, and making it readable for good. */
long sys_eventfd(void);
long sys_eventfd_raise(int fd);
NORETURN void sys_exit_thread(int status);
NORETURN void sys_exit_process(int status);
NORETURN void sys_abort(void);

/*
 * A new thread of this process running fn(arg) on the stack that ends at
 * STACK_TOP with TLS as its thread pointer; it shares everything with the
 * caller, descriptors too.  *TID_WORD holds its id until it has ended.
 * fn must end in sys_exit_thread().  Returns the id or -errno.
 */
long sys_clone_thread(void *stack_top, void *tls, _Atomic uint32_t *tid_word,
		      void (*fn)(void *arg), void *arg);

uint64_t sys_clock_ns(int which);	/* CLOCK_..., of time.h */

uint64_t sys_now_ns(void);		/* CLOCK_MONOTONIC; vdso.c */

/* CPU time of the calling thread. */
static inline uint64_t sys_cpu_ns(void)
{
	return sys_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Are there 8 bytes at ADDR that can be read? */
bool sys_is_readable(uintptr_t addr);

#endif
