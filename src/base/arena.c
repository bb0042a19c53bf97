/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator over one reservation.  NEXT only ever rises, by one
 * atomic add, so there is no lock; committing is an mprotect, which the
 * kernel merges with its neighbours.  A failed commit leaves address space
 * behind, which costs nothing.
 *
 * The page before the reservation and the one behind it are shared mappings
 * that nobody touches.  Without them the kernel would make one mapping of the
 * program's memory and ours where they meet, with the same protection on both
 * sides; and what is in part ours can't be managed.
 */
#include "base/arena.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"

#define ARENA_LEAST	(64 * MIB)

/* A mapping that is never merged with its neighbours. */
static void put_fence(uintptr_t at)
{
	sys_mmap(at, PAGE_SIZE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS |
		 MAP_NORESERVE | MAP_FIXED, -1, 0);
}

int arena_start(struct arena *a, size_t len)
{
	for (len = round_up(len, CHUNK_SIZE); len >= ARENA_LEAST; len /= 2) {
		long p = sys_mmap(0, len + 2 * PAGE_SIZE, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				  -1, 0);

		if (sys_failed(p))
			continue;
		a->base = (uintptr_t)p + PAGE_SIZE;
		a->end = a->base + len;
		/* gcore would write all of it; what is used comes back below */
		sys_madvise(a->base, len, MADV_DONTDUMP);
		put_fence(a->base - PAGE_SIZE);
		put_fence(a->end);
		atomic_init(&a->next, a->base);
		atomic_init(&a->committed, 0);
		return 0;
	}
	return -ENOMEM;
}

void *arena_reserve(struct arena *a, size_t len, size_t align)
{
	uintptr_t old = atomic_load_explicit(&a->next, memory_order_relaxed);
	uintptr_t at;

	len = round_up(len, PAGE_SIZE);
	do {
		at = round_up(old, align);
		if (at < old || at > a->end || a->end - at < len)
			return NULL;
	} while (!atomic_compare_exchange_weak(&a->next, &old, at + len));
	return (void *)at;
}

int arena_commit(struct arena *a, void *p, size_t len)
{
	long ret;

	len = round_up(len, PAGE_SIZE);
	ret = sys_mprotect((uintptr_t)p, len, PROT_READ | PROT_WRITE);
	if (ret)
		return -ENOMEM;
	sys_madvise((uintptr_t)p, len, MADV_DODUMP);
	atomic_fetch_add_explicit(&a->committed, len, memory_order_relaxed);
	return 0;
}

void *arena_alloc(struct arena *a, size_t len)
{
	void *p = arena_reserve(a, len, PAGE_SIZE);

	if (!p || arena_commit(a, p, len))
		return NULL;
	return p;
}

void arena_release(struct arena *a, void *p, size_t len)
{
	(void)a;
	sys_madvise((uintptr_t)p, len, MADV_DONTNEED);
}
