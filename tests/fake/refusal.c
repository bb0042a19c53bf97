/* SPDX-License-Identifier: MIT */
/*
 * The ways are those that the manual pages or the kernel's source have for
 * calls as we make them.  AT_ANY_TIME: a kernel that works may say that now
 * and then; not what ends the engine.
 */
#include "tests/fake/refusal.h"

#include <errno.h>
#include <stdatomic.h>

#include "tests/fake/actor.h"

static const struct {
	const char *name;
	bool at_any_time;
	int ways[REFUSAL_ERRS];
} kinds[REFUSAL_KINDS] = {
	[REFUSE_COPY] = { "COPY", true, { EAGAIN, ENOMEM, REFUSAL_PART } },
	[REFUSE_MOVE] = { "MOVE", true, { EAGAIN, ENOMEM, EBUSY, EINVAL,
					  REFUSAL_PART, REFUSAL_LIE } },
	[REFUSE_ZEROPAGE] = { "ZEROPAGE", true, { EAGAIN, ENOMEM } },
	[REFUSE_REGISTER] = { "REGISTER", true, { ENOMEM, EBUSY, EINVAL } },
	[REFUSE_UNREGISTER] = { "UNREGISTER", true, { ENOMEM } },
	[REFUSE_API] = { "API", false, { EINVAL } },
	[REFUSE_USERFAULTFD] = { "userfaultfd", false, { EPERM, EMFILE } },
	[REFUSE_SCAN] = { "PAGEMAP_SCAN", true, { ENOMEM, ENOTTY } },
	[REFUSE_READ_UFFD] = { "read of faults", true, { EAGAIN } },
	[REFUSE_READ] = { "read", true, { EINTR, ENOMEM } },
	[REFUSE_PREAD] = { "pread", true, { EINTR, ENOMEM } },
	[REFUSE_OPEN] = { "open", true, { EMFILE, ENOMEM, EACCES } },
	[REFUSE_MMAP] = { "mmap", true, { ENOMEM } },
	[REFUSE_MPROTECT] = { "mprotect", false, { ENOMEM } },
	[REFUSE_MADVISE] = { "madvise", true, { ENOMEM, EAGAIN, EINVAL } },
	[REFUSE_MREMAP] = { "mremap", true, { ENOMEM, EFAULT,
					      REFUSAL_TORN } },
	[REFUSE_MINCORE] = { "mincore", true, { EAGAIN } },
	[REFUSE_EPOLL_CREATE] = { "epoll_create", true, { EMFILE } },
	[REFUSE_EPOLL_ADD] = { "epoll_ctl", true, { ENOMEM, ENOSPC } },
	[REFUSE_EPOLL_WAIT] = { "epoll_wait", true, { EINTR } },
	[REFUSE_POLL] = { "poll", true, { EINTR, ENOMEM } },
	[REFUSE_EVENTFD] = { "eventfd", false, { EMFILE } },
	[REFUSE_FUTEX_WAIT] = { "futex", true, { EINTR, EAGAIN } },
	[REFUSE_SLEEP] = { "nanosleep", true, { EINTR } },
	[REFUSE_FILES] = { "close_range", false, { EMFILE, EPERM } },
	[REFUSE_WRITEV] = { "process_vm_writev", false, { EPERM, EFAULT } },
	[REFUSE_THREAD] = { "clone", false, { EAGAIN, ENOMEM } },
	[REFUSE_OTHER] = { "setpriority", true, { EACCES } },
};

static _Atomic unsigned calls[REFUSAL_KINDS];
static _Atomic unsigned random_one_in;
static struct {
	bool on;
	enum refusal_kind kind;
	unsigned at;
	int way;
} nth;

const char *refusal_name(enum refusal_kind kind)
{
	return kinds[kind].name;
}

int refusal_way(enum refusal_kind kind, unsigned i)
{
	return i < REFUSAL_ERRS ? kinds[kind].ways[i] : REFUSAL_NONE;
}

void refusal_nth(enum refusal_kind kind, unsigned n, int way)
{
	nth.kind = kind;
	nth.at = atomic_load(&calls[kind]) + n;
	nth.way = way;
	nth.on = true;
}

void refusal_random(unsigned one_in)
{
	atomic_store(&random_one_in, one_in);
}

unsigned refusal_calls(enum refusal_kind kind)
{
	return atomic_load(&calls[kind]);
}

int refusal_now(enum refusal_kind kind)
{
	const unsigned call = atomic_fetch_add(&calls[kind], 1) + 1;
	const unsigned one_in = atomic_load(&random_one_in);
	unsigned nr = 0;

	if (nth.on && nth.kind == kind && nth.at == call)
		return nth.way;
	if (!one_in || !kinds[kind].at_any_time || actor_random(one_in))
		return REFUSAL_NONE;
	while (nr < REFUSAL_ERRS && kinds[kind].ways[nr])
		nr++;
	return kinds[kind].ways[actor_random(nr)];
}
