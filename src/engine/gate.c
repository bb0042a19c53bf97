/* SPDX-License-Identifier: MIT */
/*
 * The same handshake as in order.c: a thread raises its count and looks for
 * the closed gate, an evictor closes and looks at the counts; both
 * sequentially consistent, so that one sees the other.
 */
#include "engine/gate.h"

#include "base/sys.h"

#define PAUSE_NS	(10 * NS_PER_US)

unsigned gate_enter_active(struct gate *g)
{
	/* stacks of threads differ, which is all that is asked for */
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0) >> 12;
	unsigned pass = (unsigned)(stack ^ stack >> 8) % GATE_SLOTS;

	for (;;) {
		uint32_t closed;

		atomic_fetch_add(&g->slots[pass].inside, 1);
		closed = atomic_load(&g->closed);
		if (likely(!closed))
			return pass;
		atomic_fetch_sub(&g->slots[pass].inside, 1);
		atomic_fetch_add(&g->queue, 1);
		sys_futex_wait(&g->closed, closed, NULL);
		atomic_fetch_sub(&g->queue, 1);
	}
}

void gate_leave_active(struct gate *g, unsigned pass)
{
	atomic_fetch_sub(&g->slots[pass].inside, 1);
}

static bool is_empty(struct gate *g)
{
	for (unsigned i = 0; i < GATE_SLOTS; i++)
		if (atomic_load(&g->slots[i].inside) > 0)
			return false;
	return true;
}

bool gate_close(struct gate *g, uint64_t max_ns)
{
	uint64_t until_ns = sys_now_ns() + max_ns;

	while (atomic_load(&g->queue) > 0 && sys_now_ns() < until_ns)
		sys_nanosleep(PAUSE_NS);
	atomic_fetch_add(&g->closed, 1);
	while (!is_empty(g)) {
		if (sys_now_ns() >= until_ns)
			return false;
		sys_nanosleep(PAUSE_NS);
	}
	return true;
}

void gate_open(struct gate *g)
{
	atomic_fetch_sub(&g->closed, 1);
	if (atomic_load(&g->queue) > 0)
		sys_futex_wake(&g->closed, 1 << 16);
}

void gate_fork_child(struct gate *g)
{
	atomic_store(&g->closed, 0);
	atomic_store(&g->queue, 0);
	for (unsigned i = 0; i < GATE_SLOTS; i++)
		atomic_store(&g->slots[i].inside, 0);
}
