/* SPDX-License-Identifier: MIT */
/*
 * The Dekker handshake: a reader raises its flag and then looks for a
 * writer, a writer announces itself and then looks at all flags; both with
 * sequential consistency, so that at least one sees the other.
 *
 * The writer spins, since sections last microseconds; after a while it
 * yields, for a reader that lost its CPU inside a section.
 */
#include "engine/order.h"

#include "base/sys.h"

#define SPINS		200	/* about 2 us */

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

void order_init(struct order *o)
{
	lock_init(&o->lock, LOCK_ORDER);
	atomic_init(&o->exclusive, 0);
	atomic_init(&o->asleep, 0);
	for (size_t i = 0; i < ORDER_SLOTS; i++)
		atomic_init(&o->slots[i].in, 0);
}

void order_enter(struct order *o, unsigned slot)
{
	for (;;) {
		atomic_store(&o->slots[slot].in, 1);
		if (likely(!atomic_load(&o->exclusive)))
			return;
		atomic_store(&o->slots[slot].in, 0);
		for (int i = 0; i < SPINS && atomic_load(&o->exclusive); i++)
			relax();
		/* counted before the kernel looks: see order_admit() */
		atomic_fetch_add(&o->asleep, 1);
		if (atomic_load(&o->exclusive))
			sys_futex_wait(&o->exclusive, 1, NULL);
		atomic_fetch_sub(&o->asleep, 1);
	}
}

void order_leave(struct order *o, unsigned slot)
{
	/* release: what the section wrote is seen by an exclusive holder */
	atomic_store_explicit(&o->slots[slot].in, 0, memory_order_release);
}

void order_exclude(struct order *o)
{
	lock_take(&o->lock);
	atomic_store(&o->exclusive, 1);
	for (size_t i = 0; i < ORDER_SLOTS; i++) {
		for (unsigned n = 0; atomic_load(&o->slots[i].in); n++) {
			if (n < SPINS)
				relax();
			else
				sys_yield();
		}
	}
}

void order_admit(struct order *o)
{
	atomic_store(&o->exclusive, 0);
	/* who counts itself after this look finds the 0 */
	if (atomic_load(&o->asleep))
		sys_futex_wake(&o->exclusive, ORDER_SLOTS);
	lock_drop(&o->lock);
}
