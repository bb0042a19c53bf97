/* SPDX-License-Identifier: MIT */
/*
 * Who was answered waits for its CPU meanwhile: few pages at a time, so that
 * it is short, but not one by one, for each look at the lists has its price.
 */
#include "engine/near.h"

#include "base/count.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/evict.h"

#define BATCH		4u	/* pages, 5 us */
#define BATCH_MOST	8u
#define IMPATIENT	64u	/* pages given; then evictors are to sleep */
#define PATIENCE	256u	/* the same: whether they do or not */
#define SLICE		4u	/* pages packed between two looks: 20 us */
#define PAUSE_NS	NS_PER_MS /* at most, until the server has taken some */
#define EMPTY_MOST	16u	/* pages freed, 15 us */
#define LOOKS		4u	/* for one batch */
#define IDLE_MOST	64u	/* slices without a page that could be packed */
#define TRAYS		4u	/* worth waking an evictor: 300 us of packing */
#define ROUNDS		2u	/* of the steward's, since a server took some */

void near_gave(struct helper *h, size_t nr)
{
	h->lone += (uint32_t)nr;
}

bool near_is_on(struct engine *e)
{
	return e->use_move && atomic_load(&e->reclaim.near);
}

static bool evictors_sleep(struct engine *e)
{
	return atomic_load(&e->reclaim.asleep) >= e->nr_evictors;
}

/* How many to take for NR given. */
static size_t wanted(struct engine *e, size_t nr)
{
	const struct reclaim *r = &e->reclaim;
	const int64_t room = atomic_load(&r->room);

	return room >= r->high ? 0 : room >= r->low ? nr : 2 * nr;
}

static size_t take(struct helper *h, size_t most)
{
	size_t got = 0;
	size_t taken;

	for (unsigned n = 0; n < LOOKS && got < most; n++) {
		if (n && !evictors_sleep(h->engine))
			break;
		if (!cold_sweep(h, min_size(most - got, BATCH), &taken))
			break;
		got += taken;
	}
	return got;
}

int32_t near_cpu(struct engine *e)
{
	return near_is_on(e) ? atomic_load(&e->reclaim.near_cpu) : -1;
}

/* Half a tray, or some pages. */
static void work(struct helper *h, uint32_t nr, size_t most)
{
	struct tray *tray = staging_dig(&h->engine->staging);

	if (tray) {
		evict_empty(h, tray, EMPTY_MOST);
		return;
	}
	h->lone -= nr;
	count_add(UZSWAP_COUNT_taken_near, take(h, most));
}

void near_take(struct helper *h, int32_t cpu)
{
	struct engine *e = h->engine;
	struct reclaim *r = &e->reclaim;
	const uint32_t nr = h->lone < BATCH_MOST ? h->lone : BATCH_MOST;
	size_t most;

	if (likely(nr < BATCH))
		return;
	if (cpu >= 0 && !evictors_sleep(e)) {
		if (h->lone >= IMPATIENT)
			atomic_store(&r->pause, 1);
		if (h->lone < PATIENCE)
			return;
	}
	most = cpu >= 0 && e->use_move ? wanted(e, nr) : 0;
	if (!most || atomic_load(&e->stopping) || store_is_full(&e->store) ||
	    atomic_load(&e->fork.shares) || !fork_work_begin(&e->fork)) {
		h->lone = 0;
		atomic_store(&r->pause, 0);
		return;
	}
	atomic_store(&r->near, ROUNDS);
	atomic_store(&r->near_cpu, cpu);
	work(h, nr, most);
	fork_work_end(&e->fork);
	if (h->lone >= BATCH)
		return;		/* again after the next fault */
	if (atomic_exchange(&r->pause, 0) || near_is_waiting(e))
		reclaim_ring(r);
}

void near_empty(struct helper *h)
{
	struct engine *e = h->engine;
	struct tray *t;

	/* a child must not find a tray free whose memory it has still */
	while (!near_is_on(e) && fork_work_begin(&e->fork)) {
		t = staging_dig(&e->staging);
		if (t)
			evict_empty(h, t, TRAY_SLOTS);
		fork_work_end(&e->fork);
		if (!t)
			break;
	}
}

/* Trays to be left, by how long they are to wait or how short memory is. */
static size_t leave(struct engine *e)
{
	const struct reclaim *r = &e->reclaim;

	return atomic_load(&r->room) < r->low ? 0 : evict_queue_most(e);
}

bool near_is_waiting(struct engine *e)
{
	return e->staging.nr_waiting >= leave(e) + TRAYS;
}

static void pause_for_server(struct engine *e)
{
	struct reclaim *r = &e->reclaim;
	const uint32_t bell = atomic_load(&r->bell);

	atomic_fetch_add(&r->asleep, 1);
	if (atomic_load(&r->pause) && !atomic_load(&e->ending))
		thread_wait(&r->bell, bell, PAUSE_NS);
	atomic_fetch_sub(&r->asleep, 1);
	atomic_store(&r->pause, 0);
}

bool near_pack(struct helper *h)
{
	struct engine *e = h->engine;
	unsigned idle = 0;
	bool some = false;

	while (e->staging.nr_waiting > leave(e) && idle < IDLE_MOST &&
	       !atomic_load(&e->stopping) && !atomic_load(&e->ending) &&
	       fork_work_begin(&e->fork)) {
		long packed = evict_pack(h, SLICE);

		fork_work_end(&e->fork);
		if (packed < 0)
			break;
		idle = packed ? 0 : idle + 1;
		some |= packed > 0;
		reclaim_give(&e->reclaim, (size_t)packed);
		if (atomic_load(&e->reclaim.pause))
			pause_for_server(e);
		else	/* the thread may have been sent here meanwhile */
			sys_yield();
	}
	return some;
}
