/* SPDX-License-Identifier: MIT */
/*
 * The malloc family, forwarded to whatever allocator the program has.
 *
 * glibc's allocator grows by internal calls that no hook sees.  So each
 * thread counts the bytes it asks for, and every megabyte the engine is
 * given a chance to look.  That is a subtraction and a jump per call.  An
 * allocator that was seen to map memory through our hook is not counted for:
 * its growth is known.  While a profile is recorded every allocator is, and
 * the next sample may come before the next look.
 *
 * Freeing or moving a big block may unmap it: inside the gate
 * (engine/gate.h), which with engine A is one more jump.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#include "hooks/hooks.h"

#define LOOK_EVERY	((long)MIB)
#define BIG		(128 * KIB)	/* glibc maps such blocks singly */

/* Bytes this thread may ask for, until the next look or sample. */
static __thread struct {
	long budget;		/* left of what was */
	long granted;
	long to_look;		/* then, from when it was granted */
	long to_sample;
	bool sampling;		/* to_sample was drawn */
} thread __attribute__((tls_model("initial-exec"))) = {
	LOOK_EVERY, LOOK_EVERY, LOOK_EVERY, 0, false
};

static void *early_malloc(size_t len);
static void *early_calloc(size_t nr, size_t len);
static void *early_realloc(void *old, size_t len);
static void early_free(void *p);
static void free_unsampled(void *p);
static void free_seldom(void *p);

/* Why a call does more than go on to the program's allocator. */
#define WHY_COUNT	1u	/* it grows unseen */
#define WHY_SAMPLE	2u	/* a profile is recorded */
#define WHY_DROP	4u	/* addresses are in a profile */
#define WHY_GATE	8u	/* engine B works */

/*
 * All that most calls read, in one cache line: of a program whose memory is
 * far bigger than the caches, each further line would cost as much as the
 * rest of the hook.
 */
static struct {
	_Atomic uint32_t why;	/* 0 before hook_malloc_init() */
	intptr_t budget_at;	/* from the thread pointer */
	void *(*malloc)(size_t len);
	void *(*calloc)(size_t nr, size_t len);
	void *(*realloc)(void *old, size_t len);
	void (*free)(void *p);
	void (*_Atomic free_by)(void *p);	/* free, or what is due first */
} next CACHE_ALIGNED = {
	0, 0, early_malloc, early_calloc, early_realloc, early_free, early_free
};

/*
 * The thread's budget.  The compiler would look up where it lies in the table
 * of offsets, which is one more cache line.
 */
#if defined(__x86_64__)
#define THREAD	(*(char *__seg_fs *)0)
#define BUDGET	(*(long __seg_fs *)next.budget_at)
#else
#define THREAD	((char *)__builtin_thread_pointer())
#define BUDGET	(*(long *)(THREAD + next.budget_at))
#endif

static void *(*next_memalign)(size_t align, size_t len);
static void *(*next_aligned_alloc)(size_t align, size_t len);
static int (*next_posix_memalign)(void **out, size_t align, size_t len);
static void *(*next_valloc)(size_t len);
static size_t (*next_usable_size)(void *p);	/* NULL: every block is big */
static uintptr_t allocator_start;	/* the object next.malloc is in */
static uintptr_t allocator_end;

/* For any of the reasons WHY? */
static inline bool has(uint32_t why)
{
	return atomic_load_explicit(&next.why, memory_order_relaxed) & why;
}

static void set(uint32_t why, bool on)
{
	if (on)
		atomic_fetch_or(&next.why, why);
	else
		atomic_fetch_and(&next.why, ~why);
}

static bool is_allocators(const void *code)
{
	return (uintptr_t)code >= allocator_start &&
	       (uintptr_t)code < allocator_end;
}

/* dladdr() would say it too, after a look at every symbol of libc. */
static void find_allocator(void)
{
	struct dl_find_object found;

	if (!_dl_find_object((void *)next.malloc, &found)) {
		allocator_start = (uintptr_t)found.dlfo_map_start;
		allocator_end = (uintptr_t)found.dlfo_map_end;
	}
}

/* Only the allocator that made a block can tell its size. */
static void find_usable_size(void)
{
	union {
		void *sym;
		size_t (*call)(void *p);
	} found = { dlsym(RTLD_NEXT, "malloc_usable_size") };

	if (is_allocators(found.sym) && is_allocators((void *)next.free))
		next_usable_size = found.call;
}

static void choose_free(void)
{
	uint32_t why;

	do {
		why = atomic_load(&next.why);
		atomic_store(&next.free_by, why & WHY_GATE ? free_seldom
					  : why & WHY_DROP ? free_unsampled
					  : next.free);
	} while (atomic_load(&next.why) != why);
}

void hook_malloc_refresh(void)
{
	/* what is sampled from now on is dropped when it is freed */
	set(WHY_DROP, atomic_load(&hooks_profile.has_live));
	set(WHY_GATE, gate_is_active(&hooks_engine.gate));
	choose_free();
	set(WHY_SAMPLE, hooks_are_profiling());
}

void hook_malloc_init(void)
{
	next.calloc = dlsym(RTLD_NEXT, "calloc");
	next.realloc = dlsym(RTLD_NEXT, "realloc");
	next_memalign = dlsym(RTLD_NEXT, "memalign");
	next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	next_valloc = dlsym(RTLD_NEXT, "valloc");
	next.free = dlsym(RTLD_NEXT, "free");
	choose_free();		/* dlsym() itself may free something */
	next.malloc = dlsym(RTLD_NEXT, "malloc");
	find_allocator();
	find_usable_size();
	next.budget_at = (char *)&thread.budget - THREAD;
	/* release: where the budget is, before it is counted */
	set(WHY_COUNT, true);
}

/* Bytes were counted in full: what is due?  True: a sample. */
static bool settle(void)
{
	const long used = thread.granted - thread.budget;
	bool sampled = false;

	thread.to_look -= used;
	if (thread.to_look < 0) {
		hooks_allocated((size_t)(LOOK_EVERY - thread.to_look));
		thread.to_look = LOOK_EVERY;
	}
	thread.granted = thread.to_look;
	if (!hooks_are_profiling()) {
		thread.sampling = false;
	} else if (thread.sampling) {
		thread.to_sample -= used;
		sampled = thread.to_sample < 0;
	} else {
		/* recording has just begun: as if with this allocation */
		thread.sampling = true;
		thread.to_sample = hook_profile_distance() - used;
		sampled = thread.to_sample < 0;
	}
	if (sampled)
		thread.to_sample = hook_profile_distance();
	if (thread.sampling && thread.to_sample < thread.granted)
		thread.granted = thread.to_sample;
	thread.budget = thread.granted;
	return sampled;
}

static inline bool count(size_t len)
{
	return unlikely((BUDGET -= (long)len) < 0);
}

/*
 * Count LEN bytes; true if it is time to look - after the call, when memory
 * that the allocator had to map for it can be seen.
 */
static inline bool is_due(size_t len)
{
	return has(WHY_COUNT | WHY_SAMPLE) && count(len);
}

static COLD void *looked_at(void *ret, size_t len)
{
	int err = errno;

	if (settle())
		hook_profile_add(UZSWAP_PROFILE_MALLOC, ret, len);
	errno = err;
	return ret;
}

bool hook_malloc_samples(size_t len, uintptr_t caller)
{
	/* what the allocator maps is sampled when it is handed out */
	return !is_allocators((void *)caller) && count(len) && settle();
}

void hook_malloc_mapped(uintptr_t caller)
{
	if (has(WHY_COUNT) && is_allocators((void *)caller))
		set(WHY_COUNT, false);
}

/* Somebody allocates before our constructor ran. */
static COLD void *early_malloc(size_t len)
{
	hook_malloc_init();
	return next.malloc(len);
}

static COLD void *early_calloc(size_t nr, size_t len)
{
	hook_malloc_init();
	return next.calloc(nr, len);
}

static COLD void *early_realloc(void *old, size_t len)
{
	hook_malloc_init();
	return next.realloc(old, len);
}

static COLD void early_free(void *p)
{
	hook_malloc_init();
	next.free(p);
}

/*
 * What is seldom stands in functions of its own that are jumped to: the way
 * through malloc() and free() then needs no stack.
 */
static COLD void *malloc_seldom(size_t len)
{
	return looked_at(next.malloc(len), len);
}

EXPORT void *malloc(size_t len)
{
	if (is_due(len))
		return malloc_seldom(len);
	return next.malloc(len);
}

EXPORT void *calloc(size_t nr, size_t len)
{
	if (is_due(nr * len))
		return looked_at(next.calloc(nr, len), nr * len);
	return next.calloc(nr, len);
}

static COLD unsigned gate_enter_big(void *p)
{
	if (!p || (next_usable_size && next_usable_size(p) < BIG))
		return GATE_SLOTS;
	return gate_enter(&hooks_engine.gate);
}

static inline void *reallocate(void *old, size_t len)
{
	void *ret;
	unsigned pass;

	if (likely(!has(WHY_GATE))) {
		if (is_due(len))
			return looked_at(next.realloc(old, len), len);
		return next.realloc(old, len);
	}
	pass = gate_enter_big(old);
	ret = next.realloc(old, len);
	gate_leave(&hooks_engine.gate, pass);
	return ret;
}

static inline bool is_sampled(void *p)
{
	/* acquire: the reason is seen, so is the filter */
	return unlikely(atomic_load(&next.why) & WHY_DROP) &&
	       profile_filter_may(&hooks_profile.filter, (uintptr_t)p) &&
	       profile_filter_has(&hooks_profile.filter, (uintptr_t)p);
}

/* Forgotten before somebody else may get the same address. */
static COLD void *reallocate_sampled(void *old, size_t len)
{
	struct uzswap_profile_live row;
	bool had = profile_drop(&hooks_profile, (uintptr_t)old, &row);
	void *ret = reallocate(old, len);

	if (had && !ret && len)
		profile_put_back(&hooks_profile, &row);
	return ret;
}

EXPORT void *realloc(void *old, size_t len)
{
	if (is_sampled(old))
		return reallocate_sampled(old, len);
	return reallocate(old, len);
}

static void free_seldom(void *p)
{
	unsigned pass;

	if (is_sampled(p))
		profile_drop(&hooks_profile, (uintptr_t)p, NULL);
	if (!has(WHY_GATE)) {
		next.free(p);
		return;
	}
	pass = gate_enter_big(p);
	next.free(p);
	gate_leave(&hooks_engine.gate, pass);
}

/* Only a profile is recorded.  In as few cache lines as can be. */
static __attribute__((aligned(CACHE_LINE))) void free_unsampled(void *p)
{
	if (likely(!profile_filter_may(&hooks_profile.filter, (uintptr_t)p)))
		next.free(p);
	else
		free_seldom(p);
}

EXPORT void free(void *p)
{
	atomic_load_explicit(&next.free_by, memory_order_relaxed)(p);
}

EXPORT void *memalign(size_t align, size_t len)
{
	if (unlikely(!next_memalign))
		hook_malloc_init();
	if (is_due(len))
		return looked_at(next_memalign(align, len), len);
	return next_memalign(align, len);
}

EXPORT void *aligned_alloc(size_t align, size_t len)
{
	if (unlikely(!next_aligned_alloc))
		hook_malloc_init();
	if (is_due(len))
		return looked_at(next_aligned_alloc(align, len), len);
	return next_aligned_alloc(align, len);
}

EXPORT int posix_memalign(void **out, size_t align, size_t len)
{
	int ret;

	if (unlikely(!next_posix_memalign))
		hook_malloc_init();
	if (!is_due(len))
		return next_posix_memalign(out, align, len);
	ret = next_posix_memalign(out, align, len);
	looked_at(ret ? NULL : *out, len);
	return ret;
}

EXPORT void *valloc(size_t len)
{
	if (unlikely(!next_valloc))
		hook_malloc_init();
	if (is_due(len))
		return looked_at(next_valloc(len), len);
	return next_valloc(len);
}
