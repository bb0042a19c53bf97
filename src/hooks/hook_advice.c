/* SPDX-License-Identifier: MIT */
/*
 * Doors through which the program says how it wants memory treated.
 *
 * madvise and mlock do their work in the kernel: dropping pages raises an
 * event, locking faults them in through us.  What we take from here is the
 * wish to be left alone: locked memory and memory kept out of core dumps is
 * not adopted.  mlockall locks all memory, ours too, so that nothing can
 * leave any more.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "hooks/hooks.h"

static void leave_alone(const void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr & PAGE_MASK;

	adopt_exclude(&hooks_engine.adopt, start,
		      round_up((uintptr_t)addr + len, PAGE_SIZE));
}

EXPORT int madvise(void *addr, size_t len, int advice)
{
	long ret = sys_madvise((uintptr_t)addr, len, advice);

	if (!ret && advice == MADV_DONTDUMP)
		leave_alone(addr, len);
	if (!ret && advice == MADV_WIPEONFORK)
		atomic_store(&hooks_engine.adopt.wipes, 1);
	return (int)hooks_result(ret);
}

EXPORT int mlock(const void *addr, size_t len)
{
	long ret = sys_call6(SYS_mlock, (long)addr, (long)len, 0, 0, 0, 0);

	if (!ret)
		leave_alone(addr, len);
	return (int)hooks_result(ret);
}

EXPORT int mlock2(const void *addr, size_t len, unsigned int flags)
{
	long ret = sys_call6(SYS_mlock2, (long)addr, (long)len, (long)flags,
			     0, 0, 0);

	if (!ret)
		leave_alone(addr, len);
	return (int)hooks_result(ret);
}

EXPORT int munlock(const void *addr, size_t len)
{
	return (int)hooks_result(sys_call6(SYS_munlock, (long)addr, (long)len,
					   0, 0, 0, 0));
}

EXPORT int mlockall(int flags)
{
	uint32_t had = atomic_fetch_or(&hooks_engine.stopping,
				       STOP_FOR_LOCK);
	long ret = sys_call6(SYS_mlockall, (long)flags, 0, 0, 0, 0, 0);

	/* what is there is locked now; with MCL_FUTURE so is what comes */
	if (ret && !(had & STOP_FOR_LOCK))
		atomic_fetch_and(&hooks_engine.stopping, ~STOP_FOR_LOCK);
	else if (!ret)
		leave_alone((void *)PAGE_SIZE, (size_t)1 << ADDR_BITS);
	return (int)hooks_result(ret);
}

EXPORT int munlockall(void)
{
	return (int)hooks_result(sys_call6(SYS_munlockall, 0, 0, 0, 0, 0, 0));
}
