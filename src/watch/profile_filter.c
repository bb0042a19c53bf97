/* SPDX-License-Identifier: MIT */
#include "watch/profile_filter.h"

#include <errno.h>

#include "base/arena.h"

/* Words of both, as powers of two. */
static const unsigned log_words[] = { 8, 13 };

static uintptr_t asked_at(const struct profile_filter *f, unsigned level)
{
	return (uintptr_t)f->levels[level].words | (64 - log_words[level]);
}

int profile_filter_init(struct profile_filter *f, struct arena *a)
{
	for (unsigned i = 0; i < ARRAY_SIZE(f->levels); i++) {
		struct profile_filter_level *l = &f->levels[i];

		l->nr = (size_t)1 << log_words[i];
		if (!l->words)
			l->words = arena_alloc(a, l->nr * sizeof(*l->words));
		if (!l->counts)
			l->counts = arena_alloc(a, 64 * l->nr);
		if (!l->words || !l->counts)
			return -ENOMEM;
	}
	profile_filter_choose(f, 0);
	return 0;
}

void profile_filter_clear(struct profile_filter *f)
{
	for (unsigned i = 0; i < ARRAY_SIZE(f->levels); i++) {
		struct profile_filter_level *l = &f->levels[i];

		for (size_t k = 0; l->counts && k < 64 * l->nr; k++)
			atomic_store_explicit(&l->counts[k], 0,
					      memory_order_relaxed);
		for (size_t k = 0; l->words && k < l->nr; k++)
			atomic_store_explicit(&l->words[k], 0,
					      memory_order_relaxed);
	}
}

static void count(struct profile_filter_level *l, size_t word, unsigned which,
		  bool more)
{
	_Atomic uint8_t *to = &l->counts[64 * word + which];
	uint64_t bit = (uint64_t)1 << which;
	uint8_t n = atomic_load(to);

	while (n != UINT8_MAX && (more || n) &&
	       !atomic_compare_exchange_weak(to, &n,
					     (uint8_t)(more ? n + 1 : n - 1)))
		;
	if (!more && n == 1) {
		atomic_fetch_and(&l->words[word], ~bit);
		/* another thread may have come before: its bit.  What it
		   frees in between, if ever, stays in the profile */
		more = atomic_load(to);
	}
	if (more)
		atomic_fetch_or(&l->words[word], bit);
}

static void count_all(struct profile_filter *f, uintptr_t addr, bool more)
{
	uint64_t hash = profile_filter_hash(addr);

	for (unsigned i = 0; i < ARRAY_SIZE(f->levels); i++) {
		size_t word = hash >> (64 - log_words[i]);

		count(&f->levels[i], word, hash >> 32 & 63, more);
		count(&f->levels[i], word, hash >> 38 & 63, more);
	}
}

void profile_filter_add(struct profile_filter *f, uintptr_t addr)
{
	count_all(f, addr, true);
}

void profile_filter_drop(struct profile_filter *f, uintptr_t addr)
{
	count_all(f, addr, false);
}

void profile_filter_choose(struct profile_filter *f, uint32_t nr)
{
	uintptr_t few = asked_at(f, 0);
	uintptr_t many = asked_at(f, 1);

	/* half of it, to go back: not to and fro */
	if (nr > FILTER_FEW || !atomic_load(&f->asked))
		atomic_store(&f->asked, nr > FILTER_FEW ? many : few);
	else if (nr < FILTER_FEW / 2)
		atomic_store(&f->asked, few);
}
