/* SPDX-License-Identifier: MIT */
/*
 * What hooks of allocations do for the profile.
 *
 * A thread is in here once at a time: an allocation made by unwinding, or by
 * a signal handler meanwhile, is not sampled.  Nobody is in here while the
 * process forks: the child would find rows half written for ever.
 *
 * An allocator may map memory with its locks held, so nothing here waits for
 * anybody, but the fork.
 */
#include "base/sys.h"
#include "hooks/hooks.h"
#include "hooks/unwind.h"

#define PAUSE_NS	(100 * NS_PER_US)
#define SAMPLE_MOST_NS	(200 * NS_PER_US) /* or else somebody had our CPU */

/* Where random numbers come from, and whether the thread is in here. */
static __thread struct {
	uint64_t seed;
	bool inside;
} thread __attribute__((tls_model("initial-exec")));

static _Atomic uint32_t nr_inside;	/* threads in here */
static _Atomic uint32_t paused;		/* somebody forks */

static bool enter(void)
{
	if (thread.inside)
		return false;
	thread.inside = true;
	atomic_fetch_add(&nr_inside, 1);
	if (likely(!atomic_load(&paused)))
		return true;
	atomic_fetch_sub(&nr_inside, 1);
	thread.inside = false;
	return false;
}

static void leave(void)
{
	atomic_fetch_sub(&nr_inside, 1);
	thread.inside = false;
}

void hook_profile_prepare(void)
{
	atomic_fetch_add(&paused, 1);
	/* a signal handler that forks in here would wait for itself */
	while (atomic_load(&nr_inside) > thread.inside)
		sys_nanosleep(PAUSE_NS);
}

void hook_profile_parent(void)
{
	atomic_fetch_sub(&paused, 1);
}

void hook_profile_child(void)
{
	atomic_store(&nr_inside, thread.inside);
	atomic_store(&paused, 0);
}

long hook_profile_distance(void)
{
	uint64_t interval = atomic_load_explicit(&hooks_profile.interval,
						 memory_order_relaxed);

	if (!thread.seed)
		thread.seed = sys_now_ns() ^ (uint64_t)(uintptr_t)&thread << 16;
	return (long)profile_distance(&thread.seed, interval);
}

void hook_profile_add(enum uzswap_profile_kind kind, void *addr, size_t len)
{
	struct profile *p = &hooks_profile;
	struct stack stack;
	uint64_t start_ns;

	if (!addr || !enter())
		return;
	start_ns = sys_now_ns();
	unwind_stack(p->cfg.unwind ? UNWIND_TABLES : UNWIND_FP, &stack,
		     p->cfg.depth);
	if (!stack.nr)
		atomic_fetch_add(&p->no_stack, 1);
	profile_add(p, kind, (uintptr_t)addr, len, start_ns, stack.frames,
		    stack.nr);
	atomic_fetch_add(&p->unwind_ns,
			 min_size(sys_now_ns() - start_ns, SAMPLE_MOST_NS));
	leave();
}
