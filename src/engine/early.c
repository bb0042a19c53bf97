/* SPDX-License-Identifier: MIT */
#include "engine/early.h"

#define FAR_MORE	4u	/* times as often */
#define EXPLORE		128u	/* answers: one of them is wrong */

static uint64_t get(const _Atomic uint32_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void set(_Atomic uint32_t *n, uint64_t value)
{
	atomic_store_explicit(n, (uint32_t)value, memory_order_relaxed);
}

void early_init(struct early *e)
{
	for (int i = 0; i < 2; i++) {
		atomic_init(&e->left[i], 0);
		atomic_init(&e->back[i], 0);
	}
	atomic_init(&e->asked, 0);
}

void early_left(struct early *e, bool early, uint32_t window)
{
	set(&e->left[early], get(&e->left[early]) + 1);
	if (get(&e->left[0]) + get(&e->left[1]) <= window)
		return;
	for (int i = 0; i < 2; i++) {
		set(&e->left[i], get(&e->left[i]) / 2);
		set(&e->back[i], get(&e->back[i]) / 2);
	}
}

void early_back(struct early *e, bool early)
{
	set(&e->back[early], get(&e->back[early]) + 1);
}

bool early_is_too(struct early *e)
{
	/* back/left of both, multiplied out; one more, for none yet */
	const uint64_t early = get(&e->back[1]) * (get(&e->left[0]) + 1);
	const uint64_t found = get(&e->back[0]) * (get(&e->left[1]) + 1);
	const uint32_t asked = atomic_fetch_add_explicit(&e->asked, 1,
							 memory_order_relaxed);

	return (early > FAR_MORE * found) != (asked % EXPLORE == 0);
}
