/* SPDX-License-Identifier: MIT */
/*
 * The classic three-state futex lock (Drepper, "Futexes Are Tricky", 2011,
 * mutex2), with a short spin first: our sections are far shorter than a
 * system call.
 */
#include "base/lock.h"

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"

#define SPINS	100	/* about 1 us; longer than any uncontended section */

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

static void remember_owner(struct lock *l UNUSED)
{
#ifdef UZSWAP_DEBUG
	atomic_store_explicit(&l->owner, (int32_t)sys_gettid(),
			      memory_order_relaxed);
#endif
}

void lock_init(struct lock *l, enum lock_rank rank)
{
	atomic_init(&l->word, 0);
	atomic_init(&l->owner, 0);
	l->rank = rank;
}

bool lock_try(struct lock *l)
{
	uint32_t zero = 0;

	if (!atomic_compare_exchange_strong_explicit(&l->word, &zero, 1,
						     memory_order_acquire,
						     memory_order_relaxed))
		return false;
	remember_owner(l);
	return true;
}

void lock_take(struct lock *l)
{
#ifdef UZSWAP_DEBUG
	if (atomic_load(&l->word) &&
	    atomic_load(&l->owner) == (int32_t)sys_gettid())
		die("lock: taken twice by one thread");
#endif
	for (int i = 0; i < SPINS; i++) {
		if (lock_try(l))
			return;
		relax();
	}
	count_one(UZSWAP_COUNT_lock_waits);
	/* acquire: pairs with the release in lock_drop */
	while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire))
		sys_futex_wait(&l->word, 2, NULL);
	remember_owner(l);
}

void lock_drop(struct lock *l)
{
	atomic_store_explicit(&l->owner, 0, memory_order_relaxed);
	/* release: pairs with the acquire in lock_try and lock_take */
	if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2)
		sys_futex_wake(&l->word, 1);
}

bool lock_is_held(const struct lock *l)
{
#ifdef UZSWAP_DEBUG
	return atomic_load(&l->owner) == (int32_t)sys_gettid();
#else
	return atomic_load_explicit(&l->word, memory_order_relaxed);
#endif
}
