/* SPDX-License-Identifier: MIT */
/*
 * The malloc family, forwarded to whatever allocator the program has.
 *
 * glibc's allocator grows by internal calls that no hook sees.  So each
 * thread counts the bytes it asks for, and every megabyte the engine is
 * given a chance to look.  That is a subtraction and a jump per call.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#include "hooks/hooks.h"

#define LOOK_EVERY	((long)MIB)

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

void hook_malloc_init(void)
{
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	next_memalign = dlsym(RTLD_NEXT, "memalign");
	next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
	next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
	next_valloc = dlsym(RTLD_NEXT, "valloc");
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

static inline void count(size_t len)
{
	budget -= (long)len;
	if (unlikely(budget < 0))
		look();
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
	count(len);
	return next_malloc(len);
}

EXPORT void *calloc(size_t nr, size_t len)
{
	if (unlikely(!next_calloc))
		early();
	count(nr * len);
	return next_calloc(nr, len);
}

EXPORT void *realloc(void *old, size_t len)
{
	if (unlikely(!next_realloc))
		early();
	count(len);
	return next_realloc(old, len);
}

EXPORT void *memalign(size_t align, size_t len)
{
	if (unlikely(!next_memalign))
		early();
	count(len);
	return next_memalign(align, len);
}

EXPORT void *aligned_alloc(size_t align, size_t len)
{
	if (unlikely(!next_aligned_alloc))
		early();
	count(len);
	return next_aligned_alloc(align, len);
}

EXPORT int posix_memalign(void **out, size_t align, size_t len)
{
	if (unlikely(!next_posix_memalign))
		early();
	count(len);
	return next_posix_memalign(out, align, len);
}

EXPORT void *valloc(size_t len)
{
	if (unlikely(!next_valloc))
		early();
	count(len);
	return next_valloc(len);
}
