/* SPDX-License-Identifier: MIT */
/*
 * The malloc family, forwarded to whatever allocator the program has.
 *
 * glibc's allocator grows by internal calls that no hook sees.  So each
 * thread counts the bytes it asks for, and every megabyte the engine is
 * given a chance to look.  That is a subtraction and a jump per call.
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

/* Bytes this thread may ask for until the next look. */
static __thread long budget __attribute__((tls_model("initial-exec"))) =
	LOOK_EVERY;

static void *(*next_malloc)(size_t len);
static void *(*next_calloc)(size_t nr, size_t len);
static void *(*next_realloc)(void *old, size_t len);
static void *(*next_memalign)(size_t align, size_t len);
static void *(*next_aligned_alloc)(size_t align, size_t len);
static int (*next_posix_memalign)(void **out, size_t align, size_t len);
static void *(*next_valloc)(size_t len);
static void (*next_free)(void *p);
static size_t (*next_usable_size)(void *p);	/* NULL: every block is big */

/* Only the allocator that made a block can tell its size. */
static void find_usable_size(void)
{
	union {
		void *sym;
		size_t (*call)(void *p);
	} found = { dlsym(RTLD_NEXT, "malloc_usable_size") };
	Dl_info its;
	Dl_info frees;

	if (found.sym && dladdr(found.sym, &its) &&
	    dladdr((void *)next_free, &frees) &&
	    its.dli_fbase == frees.dli_fbase)
		next_usable_size = found.call;
}

void hook_malloc_init(void)
{
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	next_memalign = dlsym(RTLD_NEXT, "memalign");
	next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	next_valloc = dlsym(RTLD_NEXT, "valloc");
	next_free = dlsym(RTLD_NEXT, "free");
	find_usable_size();
	next_malloc = dlsym(RTLD_NEXT, "malloc");
}

static COLD void look(void)
{
	int err = errno;
	long used = LOOK_EVERY - budget;

	budget = LOOK_EVERY;
	hooks_allocated((size_t)used);
	errno = err;
}

/*
 * Count LEN bytes; true if it is time to look - after the call, when memory
 * that the allocator had to map for it can be seen.
 */
static inline bool is_due(size_t len)
{
	budget -= (long)len;
	return unlikely(budget < 0);
}

static COLD void *looked_at(void *ret)
{
	look();
	return ret;
}

/* Somebody allocates before our constructor ran. */
static COLD void early(void)
{
	hook_malloc_init();
}

EXPORT void *malloc(size_t len)
{
	if (unlikely(!next_malloc))
		early();
	if (is_due(len))
		return looked_at(next_malloc(len));
	return next_malloc(len);
}

EXPORT void *calloc(size_t nr, size_t len)
{
	if (unlikely(!next_calloc))
		early();
	if (is_due(nr * len))
		return looked_at(next_calloc(nr, len));
	return next_calloc(nr, len);
}

static COLD unsigned gate_enter_big(void *p)
{
	if (!p || (next_usable_size && next_usable_size(p) < BIG))
		return GATE_SLOTS;
	return gate_enter(&hooks_engine.gate);
}

EXPORT void *realloc(void *old, size_t len)
{
	void *ret;
	unsigned pass;

	if (unlikely(!next_realloc))
		early();
	if (likely(!gate_is_active(&hooks_engine.gate))) {
		if (is_due(len))
			return looked_at(next_realloc(old, len));
		return next_realloc(old, len);
	}
	pass = gate_enter_big(old);
	ret = next_realloc(old, len);
	gate_leave(&hooks_engine.gate, pass);
	return ret;
}

EXPORT void free(void *p)
{
	unsigned pass;

	if (unlikely(!next_free))
		early();
	if (likely(!gate_is_active(&hooks_engine.gate))) {
		next_free(p);
		return;
	}
	pass = gate_enter_big(p);
	next_free(p);
	gate_leave(&hooks_engine.gate, pass);
}

EXPORT void *memalign(size_t align, size_t len)
{
	if (unlikely(!next_memalign))
		early();
	if (is_due(len))
		return looked_at(next_memalign(align, len));
	return next_memalign(align, len);
}

EXPORT void *aligned_alloc(size_t align, size_t len)
{
	if (unlikely(!next_aligned_alloc))
		early();
	if (is_due(len))
		return looked_at(next_aligned_alloc(align, len));
	return next_aligned_alloc(align, len);
}

EXPORT int posix_memalign(void **out, size_t align, size_t len)
{
	int ret;

	if (unlikely(!next_posix_memalign))
		early();
	if (!is_due(len))
		return next_posix_memalign(out, align, len);
	ret = next_posix_memalign(out, align, len);
	look();
	return ret;
}

EXPORT void *valloc(size_t len)
{
	if (unlikely(!next_valloc))
		early();
	if (is_due(len))
		return looked_at(next_valloc(len));
	return next_valloc(len);
}
