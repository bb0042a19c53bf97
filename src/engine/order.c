/* SPDX-License-Identifier: MIT */
/*
 * The Dekker handshake: a reader raises its flag and then looks for a
 * writer, a writer announces itself and then looks at all flags; both with
 * sequential consistency, so that at least one sees the other.
 *
 * The writer spins, since sections last microseconds; after a while it
 * yields, for a reader that lost its CPU inside a section.
 *
 * A reader's flag is the lowest bit of a count, so that who only waits for
 * the sections of now need not catch a moment without any.
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
	atomic_init(&o->admitted, 0);
	for (size_t i = 0; i < ORDER_SLOTS; i++)
		atomic_init(&o->slots[i].in, 0);
}

/* By its owner only, so that it need not be read and written in one. */
static inline uint32_t next(const struct order_slot *s)
{
	return atomic_load_explicit(&s->in, memory_order_relaxed) + 1;
}

void order_enter(struct order *o, unsigned slot)
{
	struct order_slot *s = &o->slots[slot];

	for (;;) {
		atomic_store(&s->in, next(s));
		if (likely(!atomic_load(&o->exclusive)))
			return;
		atomic_store(&s->in, next(s));
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
	struct order_slot *s = &o->slots[slot];

	/* release: what the section wrote is seen by an exclusive holder */
	atomic_store_explicit(&s->in, next(s), memory_order_release);
}

/* Until the section that OWNER was seen in, WAS, has ended. */
static void wait_for_section(const struct order_slot *s, uint32_t was)
{
	for (unsigned n = 0; atomic_load(&s->in) == was; n++) {
		if (n < SPINS)
			relax();
		else
			sys_yield();
	}
}

void order_exclude(struct order *o)
{
	lock_take(&o->lock);
	atomic_store(&o->exclusive, 1);
	for (size_t i = 0; i < ORDER_SLOTS; i++) {
		uint32_t in = atomic_load(&o->slots[i].in);

		/* it may try again, and go back */
		for (; in & 1; in = atomic_load(&o->slots[i].in))
			wait_for_section(&o->slots[i], in);
	}
}

void order_admit(struct order *o)
{
	atomic_fetch_add(&o->admitted, 1);
	atomic_store(&o->exclusive, 0);
	/* who counts itself after this look finds the 0 */
	if (atomic_load(&o->asleep))
		sys_futex_wake(&o->exclusive, ORDER_SLOTS);
	lock_drop(&o->lock);
}

void order_drain(struct order *o)
{
	const uint32_t admitted = atomic_load(&o->admitted);

	while (atomic_load(&o->exclusive) &&
	       atomic_load(&o->admitted) == admitted)
		sys_yield();
	for (size_t i = 0; i < ORDER_SLOTS; i++) {
		uint32_t in = atomic_load(&o->slots[i].in);

		if (in & 1)
			wait_for_section(&o->slots[i], in);
	}
}
