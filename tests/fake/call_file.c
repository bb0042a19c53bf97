/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/fake/call.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/fake/actor.h"
#include "tests/fake/handle.h"
#include "tests/fake/kernel.h"

static enum refusal_kind kind_of_ioctl(unsigned long cmd)
{
	if (_IOC_TYPE(cmd) != UFFDIO)
		return _IOC_TYPE(cmd) == 'f' ? REFUSE_SCAN : REFUSE_USERFAULTFD;
	switch (_IOC_NR(cmd)) {
	case _UFFDIO_REGISTER:
		return REFUSE_REGISTER;
	case _UFFDIO_UNREGISTER:
		return REFUSE_UNREGISTER;
	case _UFFDIO_COPY:
		return REFUSE_COPY;
	case _UFFDIO_ZEROPAGE:
		return REFUSE_ZEROPAGE;
	case 5:
		return REFUSE_MOVE;
	case _UFFDIO_API:
		return REFUSE_API;
	}
	return REFUSAL_KINDS;	/* waking never fails */
}

static long do_ioctl(const struct call *c)
{
	const enum refusal_kind kind = kind_of_ioctl((unsigned long)c->b);
	int how = REFUSAL_NONE;
	long ret = 0;

	if (kind < REFUSAL_KINDS)
		ret = call_refuse(kind, &how);
	else
		actor_pause();
	if (ret && kind == REFUSE_COPY)
		((struct uffdio_copy *)c->c)->copy = ret;
	if (ret)
		return ret;
	actor_lock();
	ret = handle_ioctl((int)c->a, (unsigned long)c->b, (void *)c->c, how);
	actor_unlock();
	return ret;
}

static long do_read(const struct call *c)
{
	long ret;

	actor_lock();
	ret = handle_kind((int)c->a) == HANDLE_UFFD;
	actor_unlock();
	REFUSE(ret ? REFUSE_READ_UFFD : REFUSE_READ);
	actor_lock();
	ret = handle_read((int)c->a, (void *)c->b, (size_t)c->c);
	actor_unlock();
	return ret;
}

static long do_write(const struct call *c)
{
	const char *text = (const char *)c->b;
	long ret = c->c;

	if (c->a == 2 && kernel_says(text, (size_t)c->c))
		return call_pass(c);
	actor_lock();
	if (c->a != 2)
		ret = handle_write((int)c->a, text, (size_t)c->c);
	actor_unlock();
	return ret;
}

static bool epoll_is_over(void *fd)
{
	return handle_epoll_ready(*(int *)fd) >= 0;
}

static long do_epoll_wait(const struct call *c)
{
	const uint64_t until = actor_now() + (uint64_t)c->d * NS_PER_MS;
	/* as struct epoll_event: packed on some machines */
	char *out = (char *)c->b;
	uint32_t number;
	int fd = (int)c->a;
	long ret;

	actor_lock();
	ret = actor_wait(epoll_is_over, &fd, until, "something to read");
	number = ret ? (uint32_t)handle_epoll_ready(fd) : 0;
	actor_unlock();
#if defined(__x86_64__)
	memcpy(out + 4, &number, sizeof(number));
#else
	memcpy(out + 8, &number, sizeof(number));
#endif
	return ret;
}

struct poll {
	struct pollfd *fds;
	unsigned nr;
};

static bool poll_is_over(void *poll)
{
	const struct poll *p = poll;

	return handle_poll(p->fds, p->nr);
}

static long do_poll(const struct call *c)
{
	struct poll p = { (struct pollfd *)c->a, (unsigned)c->b };
	const struct timespec *max = (const struct timespec *)c->c;
	const uint64_t until = actor_now() + (uint64_t)max->tv_sec * NS_PER_S +
			       (uint64_t)max->tv_nsec;
	long ret;

	actor_lock();
	actor_wait(poll_is_over, &p, until, "poll");
	ret = handle_poll(p.fds, p.nr);
	actor_unlock();
	return ret;
}

static long do_epoll_add(const struct call *c)
{
	const char *event = (const char *)c->d;
	uint32_t number;
	long ret;

#if defined(__x86_64__)
	memcpy(&number, event + 4, sizeof(number));
#else
	memcpy(&number, event + 8, sizeof(number));
#endif
	actor_lock();
	ret = handle_epoll_add((int)c->a, (int)c->c, number);
	actor_unlock();
	return ret;
}

static long locked(long (*fn)(void))
{
	long ret;

	actor_lock();
	ret = fn();
	actor_unlock();
	return ret;
}

long call_file(const struct call *c)
{
	long ret;

	switch (c->nr) {
	case SYS_ioctl:
		return do_ioctl(c);
	case SYS_read:
		return do_read(c);
	case SYS_write:
		return do_write(c);
	case SYS_pread64:
		REFUSE(REFUSE_PREAD);
		actor_lock();
		ret = handle_pread((int)c->a, (void *)c->b, (size_t)c->c,
				   (uint64_t)c->d);
		actor_unlock();
		return ret;
	case SYS_openat:
		REFUSE(REFUSE_OPEN);
		actor_lock();
		ret = handle_open((const char *)c->b);
		actor_unlock();
		return ret;
	case SYS_close:
		actor_lock();
		ret = handle_close((int)c->a);
		actor_unlock();
		return ret;
	case SYS_userfaultfd:
		REFUSE(REFUSE_USERFAULTFD);
		return locked(handle_open_uffd);
	case SYS_eventfd2:
		REFUSE(REFUSE_EVENTFD);
		return locked(handle_open_event);
	case SYS_epoll_create1:
		REFUSE(REFUSE_EPOLL_CREATE);
		return locked(handle_open_epoll);
	case SYS_epoll_ctl:
		REFUSE(REFUSE_EPOLL_ADD);
		return do_epoll_add(c);
	case SYS_epoll_pwait:
		REFUSE(REFUSE_EPOLL_WAIT);
		return do_epoll_wait(c);
	case SYS_ppoll:
		REFUSE(REFUSE_POLL);
		return do_poll(c);
	case SYS_close_range:
	case SYS_unshare:
		REFUSE(REFUSE_FILES);
		return 0;
	case SYS_pidfd_open:
		return -ENOSYS;
	}
	return CALL_NOT_MINE;
}
