/* SPDX-License-Identifier: MIT */
#include "watch/profile_filter.h"

#include <errno.h>

#include "base/arena.h"

#define SMALL	((size_t)1 << FILTER_SMALL_LOG)
#define LARGE	((size_t)1 << FILTER_LARGE_LOG)

int profile_filter_init(struct profile_filter *f, struct arena *a)
{
	if (!f->large)
		f->large = arena_alloc(a, LARGE * sizeof(*f->large));
	if (!f->large_counts)
		f->large_counts = arena_alloc(a, 64 * LARGE);
	if (!f->small_counts)
		f->small_counts = arena_alloc(a, 64 * SMALL);
	return f->large && f->large_counts && f->small_counts ? 0 : -ENOMEM;
}

static void clear(_Atomic uint64_t *words, _Atomic uint8_t *counts, size_t nr)
{
	for (size_t i = 0; counts && i < 64 * nr; i++)
		atomic_store_explicit(&counts[i], 0, memory_order_relaxed);
	for (size_t i = 0; words && i < nr; i++)
		atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

void profile_filter_clear(struct profile_filter *f)
{
	clear(f->small, f->small_counts, SMALL);
	clear(f->large, f->large_counts, LARGE);
}

/* One more or one less of bit WHICH of *WORD, whose counters are COUNTS. */
static void count(_Atomic uint64_t *word, _Atomic uint8_t *counts,
		  unsigned which, bool more)
{
	_Atomic uint8_t *to = &counts[which];
	uint64_t bit = (uint64_t)1 << which;
	uint8_t n = atomic_load(to);

	while (n != UINT8_MAX && (more || n) &&
	       !atomic_compare_exchange_weak(to, &n,
					     (uint8_t)(more ? n + 1 : n - 1)))
		;
	if (!more && n == 1) {
		atomic_fetch_and(word, ~bit);
		/* another thread may have come before: its bit.  What it
		   frees in between, if ever, stays in the profile */
		more = atomic_load(to);
	}
	if (more)
		atomic_fetch_or(word, bit);
}

static void count_both(struct profile_filter *f, uintptr_t addr, bool more)
{
	struct profile_filter_bits small = profile_filter_small(addr);
	struct profile_filter_bits large = profile_filter_large(addr);

	for (int i = 0; i < 2; i++) {
		count(&f->large[large.word], &f->large_counts[64 * large.word],
		      large.bit[i], more);
		count(&f->small[small.word], &f->small_counts[64 * small.word],
		      small.bit[i], more);
	}
}

void profile_filter_add(struct profile_filter *f, uintptr_t addr)
{
	count_both(f, addr, true);
}

void profile_filter_drop(struct profile_filter *f, uintptr_t addr)
{
	count_both(f, addr, false);
}
