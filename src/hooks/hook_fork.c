/* SPDX-License-Identifier: MIT */
/*
 * The door through which a process leaves twice.
 *
 * Our fork handlers are registered before all others: so prepare runs last
 * and the child's handler first, before any code of the program.  But some
 * of glibc's own code runs in the child before that, when nobody answers
 * faults there: it resets the lock of every open FILE and walks the thread
 * descriptors, which lie on the threads' stacks; and it and we use thread-local
 * variables.  So prepare makes those pages resident, after evicting has
 * stopped.
 *
 * They are read by process_vm_readv on ourselves, which survives a stale
 * pointer where a plain read would crash the program.
 *
 * clone() without CLONE_VM, and fork, clone and clone3 through syscall(), are
 * forks as well.  Not seen are those made by the bare instruction.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"
#include "engine/descriptor.h"
#include "hooks/hooks.h"

#define THREADS_MAX	4096u	/* descriptors remembered; a ring */
#define ASIDE_MAX_NS	(60 * NS_PER_S)	/* gigabytes take long */
#define FILES_MAX	65536u	/* FILEs looked at: a bound, not a limit */

#define READY_WAIT_NS	(NS_PER_MS)

static _Atomic uintptr_t threads[THREADS_MAX];
static _Atomic uint32_t nr_threads;
static _Thread_local bool prepared
	__attribute__((tls_model("initial-exec")));

static int (*next_pthread_create)(pthread_t *out, const pthread_attr_t *attr,
				  void *(*start)(void *), void *arg);
static int (*next_mutex_init)(pthread_mutex_t *m,
			      const pthread_mutexattr_t *attr);
static pid_t (*next_raw_fork)(void);
static int (*next_clone)(int (*fn)(void *), void *stack, int flags, void *arg,
			 ...);

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

/*
 * Thread-local variables of libc, and ours: where they lie from pthread_self()
 * on, which is the same in each thread.  (Global ones are not managed:
 * is_small_bss() in engine/adopt.c.)
 */
static struct {
	uintptr_t start;
	size_t len;
} locals[2];
static unsigned nr_locals;

static bool holds(const struct dl_phdr_info *m, uintptr_t addr)
{
	for (unsigned i = 0; i < m->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &m->dlpi_phdr[i];

		if (part->p_type == PT_LOAD &&
		    addr - m->dlpi_addr - part->p_vaddr < part->p_memsz)
			return true;
	}
	return false;
}

static int see_module(struct dl_phdr_info *m, size_t len UNUSED,
		      void *unused UNUSED)
{
	if (!holds(m, (uintptr_t)dladdr) && !holds(m, (uintptr_t)see_module))
		return 0;
	for (unsigned i = 0; i < m->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &m->dlpi_phdr[i];

		if (part->p_type != PT_TLS || !m->dlpi_tls_data ||
		    nr_locals == ARRAY_SIZE(locals))
			continue;
		locals[nr_locals].start = (uintptr_t)m->dlpi_tls_data -
					  (uintptr_t)pthread_self();
		locals[nr_locals++].len = part->p_memsz;
	}
	return 0;
}

static void touch_locals(void)
{
	for (unsigned i = 0; i < nr_locals; i++)
		touch((uintptr_t)pthread_self() + locals[i].start,
		      locals[i].len);
}

/* The kernel writes there on its own account: rseq, tid, robust list. */
static void pin_descriptor(uintptr_t addr)
{
	pin_add(&hooks_engine.cold.pins, addr);
	pin_add(&hooks_engine.cold.pins, addr + DESCRIPTOR_LEN - 1);
}

static void touch_threads(void)
{
	uint32_t nr = atomic_load(&nr_threads);

	for (uint32_t i = 0; i < nr && i < THREADS_MAX; i++)
		touch(atomic_load(&threads[i]), DESCRIPTOR_LEN);
	touch((uintptr_t)pthread_self(), DESCRIPTOR_LEN);
}

/* The engine is up, or has failed; soon, if it is starting just now. */
static bool is_up(void)
{
	uint32_t ready;

	if (atomic_load(&hooks.mode) != HOOKS_AWAKE)
		return false;
	while (!(ready = atomic_load(&hooks_engine.ready)) &&
	       atomic_load(&hooks.mode) == HOOKS_AWAKE)
		thread_wait(&hooks_engine.ready, 0, READY_WAIT_NS);
	return ready == 1;
}

static void prepare(void)
{
	if (is_up())
		fork_make_room(&hooks_engine);
	fork_hold(&hooks_engine);
	prepared = is_up();
	if (!prepared)
		return;
	hook_profile_prepare();
	fork_prepare(&hooks_engine);
	touch_files();
	touch_threads();
	touch_locals();
}

static void parent(void)
{
	if (prepared) {
		fork_parent(&hooks_engine);
		hook_profile_parent();
	} else {
		fork_release(&hooks_engine);
	}
	prepared = false;
}

static void child(void)
{
	int err = errno;

	hooks.pid = (int32_t)sys_getpid();
	hooks_summary_child();
	atomic_store(&nr_threads, 0);
	if (prepared) {
		fork_child(&hooks_engine);
		hook_profile_child();
	} else if (atomic_load(&hooks.mode) == HOOKS_AWAKE) {
		atomic_store(&hooks.mode, HOOKS_OFF);
		atomic_store(&hooks_profile.on, 0);
		atomic_store(&hooks_profile.sites_on, 0);
		atomic_store(&hooks_profile.has_live, 0);
		hook_malloc_refresh();
	} else {
		atomic_store(&hooks_engine.fork.users, 0);
	}
	prepared = false;
	errno = err;
}

void hook_fork_init(void)
{
	next_pthread_create = dlsym(RTLD_NEXT, "pthread_create");
	next_mutex_init = dlsym(RTLD_NEXT, "pthread_mutex_init");
	next_raw_fork = dlsym(RTLD_NEXT, "_Fork");
	next_clone = dlsym(RTLD_NEXT, "clone");
	dl_iterate_phdr(see_module, NULL);
	pthread_atfork(prepare, parent, child);
	pin_descriptor((uintptr_t)pthread_self());
}

EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	int ret = next_pthread_create(out, attr, start, arg);

	if (!ret) {
		uint32_t at = atomic_fetch_add(&nr_threads, 1) % THREADS_MAX;

		atomic_store(&threads[at], (uintptr_t)*out);
		pin_descriptor((uintptr_t)*out);
	}
	return ret;
}

/*
 * When its owner ends, the kernel looks for what it holds, and gives up at a
 * page that is missing: whoever waits then would wait for ever.
 */
EXPORT int pthread_mutex_init(pthread_mutex_t *m,
			      const pthread_mutexattr_t *attr)
{
	int robust = PTHREAD_MUTEX_STALLED;

	if (attr && !pthread_mutexattr_getrobust(attr, &robust) &&
	    robust == PTHREAD_MUTEX_ROBUST) {
		pin_add(&hooks_engine.cold.pins, (uintptr_t)m);
		pin_add(&hooks_engine.cold.pins, (uintptr_t)(m + 1) - 1);
	}
	if (unlikely(!next_mutex_init))
		next_mutex_init = dlsym(RTLD_NEXT, "pthread_mutex_init");
	return next_mutex_init(m, attr);
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

/* The first thing a child of clone() does. */
struct first_call {
	int (*fn)(void *arg);
	void *arg;
};

/*
 * A thread ends, maybe the last one of the program: its status counts if it is
 * the last of all.  Helpers that are ending because they got no memory come
 * first.
 */
static void let_helpers_end(void)
{
	if (atomic_load(&hooks.mode) == HOOKS_AWAKE &&
	    atomic_load(&hooks_engine.ready) == 2)
		thread_join(&hooks_engine.steward.thread);
}

static int call_first(void *first)
{
	struct first_call *f = first;
	struct proc_threads alive;
	int ret;

	child();
	ret = f->fn(f->arg);
	let_helpers_end();
	/* libc ends this thread only, and our threads would go on without it */
	if (atomic_load(&hooks.mode) == HOOKS_AWAKE &&
	    engine_is_single(&hooks_engine, &alive))
		sys_exit_process(ret);
	return ret;
}

EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct first_call first = { fn, arg };
	pid_t *parent_tid;
	pid_t *child_tid;
	void *tls;
	va_list ap;
	int ret;

	va_start(ap, arg);
	parent_tid = va_arg(ap, pid_t *);
	tls = va_arg(ap, void *);
	child_tid = va_arg(ap, pid_t *);
	va_end(ap);
	if ((flags & CLONE_VM) || !fn || !stack)
		return next_clone(fn, stack, flags, arg, parent_tid, tls,
				  child_tid);
	prepare();
	ret = next_clone(call_first, stack, flags, &first, parent_tid, tls,
			 child_tid);
	parent();
	return ret;
}

/*
 * Does this call copy the process, and come back here in the child?  On a
 * stack of its own it would not.
 */
static bool is_fork(long nr, const long a[6])
{
	switch (nr) {
#ifdef SYS_fork
	case SYS_fork:
		return true;
#endif
	case SYS_clone:
		return !((unsigned long)a[0] & CLONE_VM) && !a[1];
	case SYS_clone3: {
		const struct clone_args *c = (const void *)a[0];

		return c && (size_t)a[1] >= CLONE_ARGS_SIZE_VER0 &&
		       !(c->flags & CLONE_VM) && !c->stack;
	}
	default:
		return false;
	}
}

/* A seccomp filter for all threads, and ours could not work below it. */
static bool is_filter_for_all(long nr, const long a[6])
{
	return nr == SYS_seccomp && a[0] == SECCOMP_SET_MODE_FILTER &&
	       ((unsigned long)a[1] & SECCOMP_FILTER_FLAG_TSYNC);
}

/* What has a door of its own in here goes through it: true if so. */
static bool has_door(long *ret, long nr, const long a[6])
{
	switch (nr) {
	case SYS_mmap:
		*ret = (long)mmap((void *)a[0], (size_t)a[1], (int)a[2],
				  (int)a[3], (int)a[4], (off_t)a[5]);
		return true;
	case SYS_munmap:
		*ret = munmap((void *)a[0], (size_t)a[1]);
		return true;
	case SYS_mremap:
		*ret = (long)mremap((void *)a[0], (size_t)a[1], (size_t)a[2],
				    (int)a[3], (void *)a[4]);
		return true;
	case SYS_madvise:
		*ret = madvise((void *)a[0], (size_t)a[1], (int)a[2]);
		return true;
	case SYS_mlock:
		*ret = mlock((void *)a[0], (size_t)a[1]);
		return true;
	case SYS_mlock2:
		*ret = mlock2((void *)a[0], (size_t)a[1], (unsigned)a[2]);
		return true;
	case SYS_munlock:
		*ret = munlock((void *)a[0], (size_t)a[1]);
		return true;
	case SYS_mlockall:
		*ret = mlockall((int)a[0]);
		return true;
	case SYS_munlockall:
		*ret = munlockall();
		return true;
	case SYS_ioctl:
		*ret = hooks_result(hook_uffd_ioctl((int)a[0],
						    (unsigned long)a[1],
						    (void *)a[2]));
		return true;
	default:
		return false;
	}
}

EXPORT long syscall(long nr, ...)
{
	long a[6];
	va_list ap;
	long ret;

	/* libc's takes six arguments from wherever they would be, too */
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (unlikely(is_filter_for_all(nr, a)) &&
	    !hooks_step_aside(ASIDE_MAX_NS))
		return hooks_result(-EAGAIN);
	if (nr == SYS_exit)
		let_helpers_end();
	if (nr == SYS_io_uring_setup && is_up())
		evict_remap_pins(&hooks_engine, true);
	if (has_door(&ret, nr, a))
		return ret;
	if (likely(!is_fork(nr, a)))
		return hooks_result(sys_call6(nr, a[0], a[1], a[2], a[3],
					      a[4], a[5]));
	prepare();
	ret = sys_call6(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (ret == 0)
		child();
	else
		parent();
	return hooks_result(ret);
}
