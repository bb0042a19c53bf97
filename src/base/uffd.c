/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows <linux/userfaultfd.h>.  What headers of older
 * kernels lack is defined here under names of our own, from the stable
 * binary interface.
 *
 * A partial operation makes the ioctl return EAGAIN with a positive count in
 * the structure: the work is resumed here until it is all done or the next
 * step gives the real reason.
 */
#include "base/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/count.h"
#include "base/sys.h"
#include "base/torture.h"

#define FEATURE_MOVE	((uint64_t)1 << 16)	/* Linux 6.8 */

struct move_arg {
	uint64_t dst;
	uint64_t src;
	uint64_t len;
	uint64_t mode;
	int64_t move;
};

#define IOC_MOVE	_IOWR(UFFDIO, 0x05, struct move_arg)
#define MOVE_QUIET	((uint64_t)1)
#define MOVE_HOLES	((uint64_t)2)

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW	_IO(0xAA, 0x00)
#endif

#define EVENT_FEATURES							\
	(UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP |		\
	 UFFD_FEATURE_EVENT_REMAP)

static long open_fd(enum uffd_source from, int dev_fd)
{
	const int flags = O_CLOEXEC | O_NONBLOCK;
	long dev;
	long fd;

	if (from == UFFD_FROM_SYSCALL)
		return sys_userfaultfd(flags);
	if (from == UFFD_FROM_FD)
		return sys_ioctl(dev_fd, USERFAULTFD_IOC_NEW,
				 (void *)(uintptr_t)flags);
	dev = sys_open("/dev/userfaultfd", O_RDWR | O_CLOEXEC, 0);
	if (dev < 0)
		return dev;
	fd = sys_ioctl((int)dev, USERFAULTFD_IOC_NEW,
		       (void *)(uintptr_t)flags);
	sys_close((int)dev);
	return fd;
}

/*
 * The handshake can be done once per descriptor and fails on any feature the
 * kernel does not know, so a first descriptor asks what there is.
 */
static int handshake(int fd, uint64_t want, uint64_t *have)
{
	struct uffdio_api api = { .api = UFFD_API, .features = want };
	long ret = sys_ioctl(fd, UFFDIO_API, &api);

	*have = api.features;
	return (int)ret;
}

int uffd_open(struct uffd *u, enum uffd_source from, int dev_fd,
	      unsigned want)
{
	uint64_t wish = FEATURE_MOVE | UFFD_FEATURE_THREAD_ID |
			UFFD_FEATURE_PAGEFAULT_FLAG_WP;
	uint64_t have;
	long fd;
	int ret;

	u->fd = -1;
	u->features = 0;
	fd = open_fd(from, dev_fd);
	if (fd < 0)
		return (int)fd;
	ret = handshake((int)fd, 0, &have);
	sys_close((int)fd);
	if (ret)
		return ret;
	if (want & UFFD_WANT_EVENTS)
		wish |= EVENT_FEATURES;
	if (want & UFFD_WANT_FORK)
		wish |= UFFD_FEATURE_EVENT_FORK;
	if ((want & UFFD_WANT_EVENTS) &&
	    (have & EVENT_FEATURES) != EVENT_FEATURES)
		return -ENOSYS;
	fd = open_fd(from, dev_fd);
	if (fd < 0)
		return (int)fd;
	ret = handshake((int)fd, wish & have, &have);
	if (ret) {
		sys_close((int)fd);
		return ret;
	}
	u->fd = (int)fd;
	u->features = wish & have;
	return 0;
}

void uffd_close(struct uffd *u)
{
	if (u->fd >= 0)
		sys_close(u->fd);
	u->fd = -1;
}

bool uffd_has_move(const struct uffd *u)
{
	return u->features & FEATURE_MOVE;
}

bool uffd_has_wp(const struct uffd *u)
{
	return u->features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
}

int uffd_register(const struct uffd *u, uintptr_t start, size_t len, bool wp)
{
	struct uffdio_register reg = {
		.range = { .start = start, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (wp)
		reg.mode |= UFFDIO_REGISTER_MODE_WP;
	if (torture_strikes(64))
		return -ENOMEM;
	return (int)sys_ioctl(u->fd, UFFDIO_REGISTER, &reg);
}

int uffd_unregister(const struct uffd *u, uintptr_t start, size_t len)
{
	struct uffdio_range range = { .start = start, .len = len };

	return (int)sys_ioctl(u->fd, UFFDIO_UNREGISTER, &range);
}

/*
 * A copy looks at all of the destination before it reads the first byte of
 * the source.  In pieces with a page in common, as the kernel wants NOWHERE
 * plus the length to be an address.
 */
bool uffd_is_whole(const struct uffd *u, uintptr_t start, size_t len,
		   uintptr_t nowhere)
{
	const size_t most = ((size_t)1 << ADDR_BITS) - PAGE_SIZE - nowhere;
	size_t at = 0;
	long ret;

	for (;;) {
		struct uffdio_copy arg = {
			.dst = start + at,
			.src = nowhere,
			.len = min_size(len - at, most),
		};

		ret = sys_ioctl(u->fd, UFFDIO_COPY, &arg);
		/* EEXIST: a huge page is there */
		if (ret != -EFAULT && ret != -EEXIST)
			return false;
		at += (size_t)arg.len;
		if (at >= len)
			return true;
		at -= PAGE_SIZE;
	}
}

/* That is what a copy looks at first; only then, where it is to go. */
bool uffd_is_calm(const struct uffd *u, uintptr_t nowhere)
{
	struct uffdio_copy arg = {
		.dst = nowhere, .src = nowhere, .len = PAGE_SIZE,
	};

	return sys_ioctl(u->fd, UFFDIO_COPY, &arg) != -EAGAIN;
}

static enum uffd_result classify(long err)
{
	switch (-err) {
	case 0:
		return UFFD_DONE;
	case EEXIST:
		return UFFD_ALREADY;
	case EAGAIN:
	case EINTR:
		count_one(UZSWAP_COUNT_again);
		return UFFD_AGAIN;
	case ENOENT:
		return UFFD_HOLE;
	case EBUSY:
		return UFFD_BUSY;
	case ENOMEM:
	case ENOSPC:
		return UFFD_NOMEM;
	case ESRCH:
		return UFFD_GONE;
	default:
		return UFFD_REFUSED;
	}
}

/* Torture: what the kernel might answer at any time; DONE: ask it. */
static enum uffd_result refuse(void)
{
	torture_pause();
	if (torture_strikes(24)) {
		count_one(UZSWAP_COUNT_again);
		return UFFD_AGAIN;
	}
	return torture_strikes(96) ? UFFD_NOMEM : UFFD_DONE;
}

/* Torture: how much of LEN to do before the kernel says EAGAIN. */
static size_t part_of(size_t len)
{
	size_t part = torture_part(len / PAGE_SIZE) * PAGE_SIZE;

	return part ? part : len;
}

static enum uffd_result result_of(long ret, size_t done, size_t len)
{
	return !ret && done < len ? UFFD_AGAIN : classify(ret);
}

/* Step over what was done; false when the outcome is final. */
static bool resume(size_t *done, size_t len, long ret, int64_t count)
{
	if (count > 0)
		*done += (size_t)count;
	return ret && count > 0 && *done < len;
}

enum uffd_result uffd_copy(const struct uffd *u, size_t *done, uintptr_t to,
			   const void *from, size_t len, unsigned how)
{
	struct uffdio_copy arg;
	const size_t most = part_of(len);
	const enum uffd_result no = refuse();
	long ret;

	*done = 0;
	if (unlikely(no != UFFD_DONE))
		return no;
	do {
		arg = (struct uffdio_copy){
			.dst = to + *done,
			.src = (uintptr_t)from + *done,
			.len = most - *done,
			.mode = how & UFFD_QUIET ? UFFDIO_COPY_MODE_DONTWAKE
						 : 0,
		};
		ret = sys_ioctl(u->fd, UFFDIO_COPY, &arg);
	} while (resume(done, most, ret, ret ? arg.copy : (int64_t)arg.len));
	return result_of(ret, *done, len);
}

enum uffd_result uffd_zero(const struct uffd *u, size_t *done, uintptr_t to,
			   size_t len)
{
	struct uffdio_zeropage arg;
	const size_t most = part_of(len);
	const enum uffd_result no = refuse();
	long ret;

	*done = 0;
	if (unlikely(no != UFFD_DONE))
		return no;
	do {
		arg = (struct uffdio_zeropage){
			.range = { .start = to + *done, .len = most - *done },
		};
		ret = sys_ioctl(u->fd, UFFDIO_ZEROPAGE, &arg);
	} while (resume(done, most, ret,
			ret ? arg.zeropage : (int64_t)arg.range.len));
	return result_of(ret, *done, len);
}

enum uffd_result uffd_move(const struct uffd *u, size_t *done, uintptr_t to,
			   uintptr_t from, size_t len, unsigned how)
{
	struct move_arg arg;
	const size_t most = part_of(len);
	const enum uffd_result no = refuse();
	long ret;

	*done = 0;
	if (unlikely(no != UFFD_DONE))
		return no;
	do {
		arg = (struct move_arg){
			.dst = to + *done,
			.src = from + *done,
			.len = most - *done,
			.mode = (how & UFFD_HOLES ? MOVE_HOLES : 0) |
				(how & UFFD_QUIET ? MOVE_QUIET : 0),
		};
		ret = sys_ioctl(u->fd, IOC_MOVE, &arg);
	} while (resume(done, most, ret, ret ? arg.move : (int64_t)arg.len));
	return result_of(ret, *done, len);
}

enum uffd_result uffd_protect(const struct uffd *u, uintptr_t start,
			      size_t len, bool on)
{
	struct uffdio_writeprotect arg = {
		.range = { .start = start, .len = len },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return classify(sys_ioctl(u->fd, UFFDIO_WRITEPROTECT, &arg));
}

void uffd_wake(const struct uffd *u, uintptr_t start, size_t len)
{
	struct uffdio_range range = { .start = start, .len = len };

	sys_ioctl(u->fd, UFFDIO_WAKE, &range);
}

static void translate(struct uffd_event *out, const struct uffd_msg *in)
{
	*out = (struct uffd_event){ .kind = UFFD_OTHER };
	switch (in->event) {
	case UFFD_EVENT_PAGEFAULT:
		out->kind = UFFD_FAULT;
		out->addr = in->arg.pagefault.address & PAGE_MASK;
		out->len = PAGE_SIZE;
		out->write = in->arg.pagefault.flags &
			     UFFD_PAGEFAULT_FLAG_WRITE;
		out->wp = in->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP;
		out->tid = (int32_t)in->arg.pagefault.feat.ptid;
		break;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		out->kind = in->event == UFFD_EVENT_UNMAP ? UFFD_UNMAP
							  : UFFD_REMOVE;
		out->addr = in->arg.remove.start;
		out->len = in->arg.remove.end - in->arg.remove.start;
		break;
	case UFFD_EVENT_REMAP:
		out->kind = UFFD_REMAP;
		out->addr = in->arg.remap.from;
		out->to = in->arg.remap.to;
		out->len = in->arg.remap.len;
		break;
	}
}

long uffd_read(const struct uffd *u, struct uffd_event out[UFFD_BATCH])
{
	struct uffd_msg msgs[UFFD_BATCH];
	long ret = sys_read(u->fd, msgs, sizeof(msgs));

	if (ret < 0)
		return ret;
	ret /= (long)sizeof(msgs[0]);
	for (long i = 0; i < ret; i++)
		translate(&out[i], &msgs[i]);
	return ret;
}
