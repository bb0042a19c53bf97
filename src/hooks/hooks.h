/* SPDX-License-Identifier: MIT */
/*
 * What all hooks share: the state of the library in this process, and the
 * calls by which a hook tells the engine that memory has grown.
 *
 * A hook keeps libc's contract to the letter: same result, same errno, and
 * errno untouched on success.  Correctness never depends on a hook - the
 * kernel's events tell what happens to managed memory - a hook only makes
 * adoption timely.  Hooks of mapping calls use raw system calls, so that an
 * allocator that maps memory with its own locks held can't meet itself.
 *
 * Context: app.
 */
#ifndef UZ_HOOKS_HOOKS_H
#define UZ_HOOKS_HOOKS_H

#include <errno.h>

#include "base/types.h"
#include "engine/engine.h"
#include "watch/profile.h"

enum hooks_mode {
	HOOKS_UNBORN,	/* before our constructor */
	HOOKS_DORMANT,	/* counting, nothing started */
	HOOKS_AWAKE,	/* the engine runs */
	HOOKS_OFF,	/* switched off, or it cannot work here */
};

struct hooks {
	_Atomic uint32_t mode;		/* enum hooks_mode */
	_Atomic int64_t grown;		/* bytes mapped writable, dormant */
	int32_t pid;			/* not that of a child of vfork() */
	uint64_t threshold;		/* bytes at which the engine wakes */
	char stats_at_exit[256];	/* as the option is given */
	uint64_t look_every;		/* bytes allocated between looks */
	bool profile;			/* record from the start */
	bool valgrind;			/* it runs us: we can't */
	struct engine_config cfg;
};

extern struct hooks hooks;
extern struct engine hooks_engine;
extern struct profile hooks_profile;

/* LEN bytes of writable private anonymous memory appeared / went away. */
void hooks_grown(size_t len);
void hooks_shrunk(size_t len);

/* About LEN bytes were allocated by malloc since the last call. */
void hooks_allocated(size_t len);

/* Wake the engine now.  Context: app. */
void hooks_wake(void);

/*
 * Before the program does what our threads could not follow: restore all
 * there is, end them, and pass everything through from now on.
 *
 * Returns  false if that is not possible within MAX_NS: nothing is lost, and
 *	    the engine goes on
 */
MUST_USE bool hooks_step_aside(uint64_t max_ns);

/*
 * The program wants [ADDR, ADDR+LEN) left alone, WHY being one of EXEMPT_*:
 * a ticket for yield_wait(), for who needs to know when it is.  And it does
 * not any more, for the reasons WHY.
 */
uint32_t hooks_exempt(unsigned why, const void *addr, size_t len);
void hooks_unexempt(unsigned why, const void *addr, size_t len);

/* Those mappings are gone: so is what was wished for them. */
static inline void hooks_forget(uintptr_t addr, size_t len)
{
	if (atomic_load_explicit(&hooks_engine.exempt.high,
				 memory_order_relaxed))
		exempt_cut(&hooks_engine.exempt, EXEMPT_ALL, addr,
			   addr + round_up(len, PAGE_SIZE));
}

/*
 * hook_remap.c: mremap(2), also of what registering has made several mappings.
 * Returns  as the system call: an address or -errno
 */
long hooks_remap(uintptr_t addr, size_t old_len, size_t new_len, int flags,
		 uintptr_t to);

/* The result of a raw system call, the way libc gives it. */
static inline long hooks_result(long ret)
{
	if (unlikely(ret < 0 && ret > -4096)) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

/* --- hook_profile.c: only while hooks_profile.on ------------------------- */

/* Bytes that the calling thread may allocate until the next sample. */
long hook_profile_distance(void);

/* LEN bytes at ADDR are sampled: who allocated them? */
void hook_profile_add(enum uzswap_profile_kind kind, void *addr, size_t len);

/* Around a fork: nobody may be unwinding. */
void hook_profile_prepare(void);
void hook_profile_parent(void);
void hook_profile_child(void);

/*
 * hook_malloc.c: LEN bytes were mapped by the code at CALLER, and count like
 * allocated ones; true if they are to be sampled.
 */
bool hook_malloc_samples(size_t len, uintptr_t caller);

/*
 * hook_malloc.c: the engine has started, or a profile has, or ended: look
 * what calls have to do now.
 */
void hook_malloc_refresh(void);

/* hook_malloc.c: the code at CALLER maps memory through our hook. */
void hook_malloc_mapped(uintptr_t caller);

static inline bool hooks_are_profiling(void)
{
	return unlikely(atomic_load_explicit(&hooks_profile.sites_on,
					     memory_order_relaxed));
}

/* hook_uffd.c: an ioctl of the program's, with the kernel's result. */
long hook_uffd_ioctl(int fd, unsigned long cmd, void *arg);

/* summary.c: in the child of a fork; what the parent did is not its own. */
void hooks_summary_child(void);

/*
 * summary.c: say it now, and not again; the engine was READY before it ended.
 * Context: app.
 */
void hooks_summary_aside(uint32_t ready);

/* hook_malloc.c, hook_fork.c: find the next definitions.  Context: init. */
void hook_malloc_init(void);
void hook_map_init(void);
void hook_fork_init(void);

#endif
