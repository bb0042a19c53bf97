/* SPDX-License-Identifier: MIT */
#include "engine/visit.h"

#include "engine/engine.h"
#include "engine/near.h"

#define DEAR_NS		(8 * NS_PER_US)	/* going there and back: 20 us or so */
#define PAGES		256u	/* in one visit: 100 us */
#define LOOKS		16u	/* the same */
#define MEASURE		64u	/* visits; then it is measured again */

static int32_t thread_cpu(const struct helper *h)
{
	return atomic_load_explicit(&h->engine->reclaim.thread_cpu,
				    memory_order_relaxed);
}

void visit_thread_is_on(struct engine *e, const struct follow *f)
{
	const int32_t cpu = e->nr_servers == 1 ? f->cpu : -1;

	if (likely(cpu == atomic_load_explicit(&e->reclaim.thread_cpu,
					       memory_order_relaxed)))
		return;
	atomic_store_explicit(&e->reclaim.thread_cpu, cpu,
			      memory_order_relaxed);
	if (cpu < 0 || !near_is_on(e))
		return;
	for (unsigned i = 0; i < e->nr_evictors; i++) {
		const uint32_t tid = atomic_load(&e->evictors[i].thread.tid);

		if (tid)
			follow_send_away(f, (int32_t)tid);
	}
}

void visit_start(struct helper *h)
{
	h->visit.move_ns = 0;
	h->visit.since = 0;
	follow_start(&h->visit.where);
}

static bool is_dear(const struct helper *h)
{
	return h->visit.move_ns >= DEAR_NS;
}

void visit_rest(struct helper *h)
{
	int32_t cpu = near_cpu(h->engine);

	if (cpu < 0 && is_dear(h))
		cpu = thread_cpu(h);
	follow_away(&h->visit.where, cpu);
}

static bool is_due(struct helper *h)
{
	/* near: that CPU has enough to do */
	if (!is_dear(h) || near_is_on(h->engine))
		return false;
	if (h->visit.since++ < MEASURE)
		return true;
	h->visit.since = 0;
	return false;
}

bool visit_sweep(struct helper *h, size_t *taken)
{
	const int32_t cpu = thread_cpu(h);
	bool more = true;
	size_t n;

	if (likely(cpu < 0) || !is_due(h) ||
	    !follow_visit(&h->visit.where, cpu))
		return cold_sweep(h, SIZE_MAX, taken);
	*taken = 0;
	for (unsigned i = 0; more && i < LOOKS && *taken < PAGES &&
	     !atomic_load(&h->engine->stopping); i++) {
		more = cold_sweep(h, PAGES, &n);
		*taken += n;
	}
	visit_rest(h);
	return more;
}

void visit_note_move(struct helper *h, uint64_t ns)
{
	struct visit *v = &h->visit;

	if (!follow_is_visiting(&v->where))
		v->move_ns += ns / 8 - v->move_ns / 8;
}
