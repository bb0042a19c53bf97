/* SPDX-License-Identifier: MIT */
/*
 * Doors through which the program says how it wants memory treated.
 *
 * madvise and mlock do their work in the kernel: dropping pages raises an
 * event, locking faults them in through us, and locked pages are not moved.
 * What we take from here is the wish to be left alone (space/exempt.h), and
 * its end: memory kept out of core dumps is given back (engine/yield.h), for
 * the pool would be in a dump; locked memory is not adopted.
 *
 * mlockall locks all memory, ours too: nothing can leave then, until
 * munlockall.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "hooks/hooks.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102	/* Linux 6.13 */
#define MADV_GUARD_REMOVE	103
#endif

#define YIELD_MAX_NS	(60 * NS_PER_S)

/*
 * A guard is gone when a page is filled in there, as it is if it happens to
 * be among the neighbours of a page asked for.  And it raises no event.
 */
static void make_way_for_guards(void *addr, size_t len)
{
	uint32_t ticket = hooks_exempt(EXEMPT_GUARD, addr, len);

	if (atomic_load(&hooks.mode) == HOOKS_AWAKE)
		(void)!yield_wait(&hooks_engine, ticket, YIELD_MAX_NS);
}

EXPORT int madvise(void *addr, size_t len, int advice)
{
	long ret;

	if (unlikely(advice == MADV_GUARD_INSTALL) && len)
		make_way_for_guards(addr, len);
	ret = sys_madvise((uintptr_t)addr, len, advice);
	if (advice == (ret ? MADV_GUARD_INSTALL : MADV_GUARD_REMOVE))
		hooks_unexempt(EXEMPT_GUARD, addr, len);
	if (!ret && advice == MADV_DONTDUMP && len)
		hooks_exempt(EXEMPT_NO_DUMP, addr, len);
	if (!ret && advice == MADV_DODUMP)
		hooks_unexempt(EXEMPT_NO_DUMP, addr, len);
	if (!ret && advice == MADV_WIPEONFORK)
		atomic_store(&hooks_engine.adopt.wipes, 1);
	return (int)hooks_result(ret);
}

/* It need not be given back: the kernel does not let go of locked pages. */
static void note_locked(const void *addr, size_t len)
{
	exempt_add(&hooks_engine.exempt, EXEMPT_LOCKED,
		   (uintptr_t)addr & PAGE_MASK,
		   round_up((uintptr_t)addr + len, PAGE_SIZE));
}

EXPORT int mlock(const void *addr, size_t len)
{
	long ret = sys_call6(SYS_mlock, (long)addr, (long)len, 0, 0, 0, 0);

	if (!ret)
		note_locked(addr, len);
	return (int)hooks_result(ret);
}

EXPORT int mlock2(const void *addr, size_t len, unsigned int flags)
{
	long ret = sys_call6(SYS_mlock2, (long)addr, (long)len, (long)flags,
			     0, 0, 0);

	if (!ret)
		note_locked(addr, len);
	return (int)hooks_result(ret);
}

EXPORT int munlock(const void *addr, size_t len)
{
	long ret = sys_call6(SYS_munlock, (long)addr, (long)len, 0, 0, 0, 0);

	if (!ret)
		hooks_unexempt(EXEMPT_LOCKED, addr, len);
	return (int)hooks_result(ret);
}

EXPORT int mlockall(int flags)
{
	uint32_t had = atomic_fetch_or(&hooks_engine.stopping,
				       STOP_FOR_LOCK);
	long ret = sys_call6(SYS_mlockall, (long)flags, 0, 0, 0, 0, 0);

	/* what is there is locked now; with MCL_FUTURE so is what comes */
	if (ret && !(had & STOP_FOR_LOCK))
		atomic_fetch_and(&hooks_engine.stopping, ~STOP_FOR_LOCK);
	return (int)hooks_result(ret);
}

EXPORT int munlockall(void)
{
	long ret = sys_call6(SYS_munlockall, 0, 0, 0, 0, 0, 0);

	if (!ret) {
		exempt_cut(&hooks_engine.exempt, EXEMPT_LOCKED, 0,
			   UINTPTR_MAX);
		atomic_fetch_and(&hooks_engine.stopping, ~STOP_FOR_LOCK);
	}
	return (int)hooks_result(ret);
}
