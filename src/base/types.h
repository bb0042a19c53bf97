/* SPDX-License-Identifier: MIT */
/*
 * The words every other file uses: sizes of pages and chunks, attributes,
 * and nothing that needs a function in a .c file.
 *
 * A page is the kernel's 4 KiB page, the unit we evict and restore.  A chunk
 * is 2 MiB of address space, aligned: the unit of our bookkeeping and the
 * size of the kernel's transparent huge page.
 */
#ifndef UZ_BASE_TYPES_H
#define UZ_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	((size_t)1 << PAGE_SHIFT)
#define PAGE_MASK	(~(uintptr_t)(PAGE_SIZE - 1))

#define CHUNK_SHIFT	21
#define CHUNK_SIZE	((size_t)1 << CHUNK_SHIFT)
#define CHUNK_PAGES	(CHUNK_SIZE / PAGE_SIZE)

/* Program addresses end here (x86-64 and arm64 with 47/48-bit spaces). */
#define ADDR_BITS	47

#define KIB		((size_t)1 << 10)
#define MIB		((size_t)1 << 20)
#define GIB		((size_t)1 << 30)

#define NS_PER_US	((uint64_t)1000)
#define NS_PER_MS	((uint64_t)1000000)
#define NS_PER_S	((uint64_t)1000000000)

#define MUST_USE	__attribute__((warn_unused_result))
#define EXPORT		__attribute__((visibility("default")))
#define COLD		__attribute__((cold, noinline))
#define NORETURN	__attribute__((noreturn))
#define UNUSED		__attribute__((unused))
#define CACHE_LINE	64u
#define CACHE_ALIGNED	__attribute__((aligned(CACHE_LINE)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static inline size_t round_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static inline size_t round_down(size_t n, size_t align)
{
	return n & ~(align - 1);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
