/* SPDX-License-Identifier: MIT */
/*
 * The door through which the program takes memory into its own care: a range
 * can be registered with one userfaultfd only.  So before the program's own
 * UFFDIO_REGISTER the range is given back whole, with all its pages, and left
 * alone as long as it is there (space/exempt.h, engine/yield.h).
 *
 * A program that unregisters its range gets it adopted again; one that only
 * closes its descriptor goes without.  Not seen is an ioctl made by the bare
 * instruction: it fails with EBUSY on memory that is ours.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "hooks/hooks.h"

#define YIELD_MAX_NS	(60 * NS_PER_S)	/* gigabytes take long */

/* <linux/userfaultfd.h> is base/uffd.c's; these numbers never change. */
struct range {
	uint64_t start;
	uint64_t len;
};

struct register_arg {
	struct range range;
	uint64_t mode;
	uint64_t ioctls;
};

#define IOC_REGISTER	_IOWR(0xAA, 0x00, struct register_arg)
#define IOC_UNREGISTER	_IOR(0xAA, 0x01, struct range)

/* As far as the kernel could take it for one: it says what is wrong with it. */
static bool is_range(const struct range *r)
{
	return r->len && !((r->start | r->len) & (PAGE_SIZE - 1)) &&
	       r->len <= (uint64_t)1 << ADDR_BITS &&
	       r->start <= ((uint64_t)1 << ADDR_BITS) - r->len;
}

static bool read_range(struct range *r, const void *from)
{
	struct iovec local = { r, sizeof(*r) };
	struct iovec remote = { (void *)(uintptr_t)from, sizeof(*r) };

	return sys_process_vm_readv((pid_t)sys_getpid(), &local, &remote) ==
	       (long)sizeof(*r) && is_range(r);
}

static long register_own(int fd, void *arg)
{
	struct range r;
	bool known = read_range(&r, arg);
	long ret;

	if (known) {
		uint32_t ticket = hooks_exempt(EXEMPT_WATCHED,
					       (void *)r.start, r.len);

		if (atomic_load(&hooks.mode) == HOOKS_AWAKE)
			(void)!yield_wait(&hooks_engine, ticket,
					  YIELD_MAX_NS);
	}
	ret = sys_ioctl(fd, IOC_REGISTER, arg);
	if (ret && known)
		hooks_unexempt(EXEMPT_WATCHED, (void *)r.start, r.len);
	return ret;
}

static long unregister_own(int fd, void *arg)
{
	struct range r;
	long ret = sys_ioctl(fd, IOC_UNREGISTER, arg);

	if (!ret && read_range(&r, arg))
		hooks_unexempt(EXEMPT_WATCHED, (void *)r.start, r.len);
	return ret;
}

long hook_uffd_ioctl(int fd, unsigned long cmd, void *arg)
{
	switch (cmd) {
	case IOC_REGISTER:
		return register_own(fd, arg);
	case IOC_UNREGISTER:
		return unregister_own(fd, arg);
	default:
		return sys_ioctl(fd, cmd, arg);
	}
}

EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)hooks_result(hook_uffd_ioctl(fd, cmd, arg));
}
