/* SPDX-License-Identifier: MIT */
/*
 * The marks.  Reserve 1/64 of the limit, within 8..128 MiB: what a few
 * servers can overshoot by (64 pages each), what the pool takes before
 * packing frees, and what the kernel itself needs.  Low and high are as far
 * apart as an evictor gets in a few milliseconds.
 */
#include "engine/reclaim.h"

#include <sys/resource.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/near.h"
#include "engine/upkeep.h"

#define DIRECT_ROUNDS	4	/* tries to find as many pages as are owed */
#define DIRECT_LEAST	(4 * TRAY_SLOTS) /* pages, half of the reserve used */
/*
 * Pages, having looked everywhere and found less than was owed: such a search
 * takes ten milliseconds, and would find the page that it just gave.
 */
#define DIRECT_CREDIT	64u
/*
 * As much as a server's, where it may: an evictor that loses its CPU to the
 * program inside a section holds up every fault for a time slice.
 */
#define EVICTOR_NICE	(-10)
/*
 * Of the limit, for a fork: what parent and child change and bring back from
 * then on is their own, and all that can leave (docs/pressure.md).
 */
#define AMPLE_PART	8
#define AMPLE_LEAST	(16 * MIB)
#define AMPLE_MOST	(2 * GIB)
#define IDLE_NS		(100 * NS_PER_MS)
#define EMPTY_NS	(2 * NS_PER_S)
#define STUCK_NS	(20 * NS_PER_MS)
#define HOLD_NS		(50 * NS_PER_MS)	/* then the fault goes first */
/*
 * Engine B, while its evictors are not known to fail: they may have lost their
 * CPU for longer than that.  Rounds in vain: one may be a moment's chance.
 */
#define HOLD_MOST_NS	NS_PER_S
#define HOLD_STUCK	3
#define INSIST_NAP_NS	(200 * NS_PER_US)
#define TORTURE_NAP_NS	(4 * NS_PER_MS)
#define TORTURE_REST_NS	(20 * NS_PER_MS)
/*
 * Servers' rounds in which they evict TRAY_SLOTS pages: if that is a page for
 * a fault, a working set of some megabytes is never together.
 */
#define TORTURE_DIRECT	256u

void reclaim_init(struct reclaim *r)
{
	atomic_init(&r->room, INT64_MAX / 2);
	atomic_init(&r->thread_cpu, -1);
	r->reserve = 0;
	r->low = 0;
	r->high = 0;
}

static int64_t clamp_pages(uint64_t bytes, size_t least, size_t most)
{
	if (bytes < least)
		bytes = least;
	if (bytes > most)
		bytes = most;
	return (int64_t)(bytes / PAGE_SIZE);
}

void reclaim_ring(struct reclaim *r)
{
	if (!atomic_load(&r->asleep))
		return;
	atomic_fetch_add(&r->bell, 1);
	sys_futex_wake(&r->bell, (int)EVICTORS_MAX);
}

/* With ROOM pages left; servers may take out what is needed (near.h). */
static bool needs_evictors(const struct reclaim *r, int64_t room)
{
	return room < r->low && (room < 0 || !atomic_load(&r->near));
}

int64_t reclaim_reserve(uint64_t limit)
{
	return clamp_pages(limit / 64, 8 * MIB, 128 * MIB);
}

void reclaim_update(struct reclaim *r, uint64_t limit, int64_t headroom,
		    int64_t extra, unsigned nr)
{
	int64_t room;

	if (!limit) {
		atomic_store(&r->room, INT64_MAX / 2);
		return;
	}
	r->reserve = reclaim_reserve(limit);
	r->low = clamp_pages(limit / 256, 2 * MIB, 64 * MIB) / nr;
	r->high = 2 * r->low;
	r->ample = (clamp_pages(limit / AMPLE_PART, AMPLE_LEAST, AMPLE_MOST) -
		    r->reserve) / nr;
	room = headroom / (int64_t)PAGE_SIZE - r->reserve;
	/* what is wished for makes nobody wait */
	if (room > 0)
		room = room > extra ? (room - extra) / nr : 0;
	atomic_store(&r->room, room);
	if (atomic_load(&r->near))
		atomic_fetch_sub(&r->near, 1);
	if (needs_evictors(r, room))
		reclaim_ring(r);
}

void reclaim_take(struct reclaim *r, size_t nr)
{
	int64_t left = atomic_fetch_sub(&r->room, (int64_t)nr) - (int64_t)nr;

	if (needs_evictors(r, left))
		reclaim_ring(r);
}

void reclaim_give(struct reclaim *r, size_t nr)
{
	/* half of it went to the pool, as a rule; the steward corrects */
	atomic_fetch_add(&r->room, (int64_t)nr / 2);
}

void reclaim_owe(struct helper *h, uintptr_t addr, size_t nr)
{
	struct engine *e = h->engine;

	reclaim_take(&e->reclaim, nr);
	h->owes += (uint32_t)nr;
	if (unlikely(atomic_load(&e->fork.shares)))
		cold_passed(&e->cold, (struct page_run){
			.start = addr, .end = addr + nr * PAGE_SIZE });
}

/*
 * Pages to store for each page given.  About half of a page is won by
 * storing it, and a restored one leaves half a page of the pool: one for one
 * keeps the balance there, two for one when memory is filled anew.
 */
static size_t price(const struct reclaim *r)
{
	int64_t over = -atomic_load(&r->room);

	if (over < r->reserve / 8)
		return 1;
	return over < r->reserve / 4 ? 2 : over < r->reserve / 2 ? 4 : 8;
}

static bool is_deep(const struct reclaim *r)
{
	return atomic_load(&r->room) < -r->reserve / 2;
}

static size_t direct_rounds(struct helper *h, size_t most)
{
	size_t total = 0;

	for (int i = 0; i < DIRECT_ROUNDS && total < most; i++) {
		size_t freed = evict_some(h, most - total, EVICT_NOW);

		if (!freed)
			break;
		total += freed;
	}
	return total;
}

/*
 * Half of the reserve is used and nothing is found: what could leave is in
 * the hands of an evictor that has lost its CPU.  Answering on would use up
 * the rest before it comes back.
 */
static size_t direct_insist(struct helper *h, size_t most)
{
	struct engine *e = h->engine;
	struct reclaim *r = &e->reclaim;
	const uint64_t until = sys_now_ns() + HOLD_NS;
	size_t total = 0;

	while (!total && is_deep(r) && !atomic_load(&r->stuck) &&
	       !atomic_load(&e->stopping) && !fork_is_snapshot(&e->fork) &&
	       sys_now_ns() < until) {
		sys_nanosleep(INSIST_NAP_NS);
		total = direct_rounds(h, most);
	}
	return total;
}

void reclaim_direct(struct helper *h)
{
	struct engine *e = h->engine;
	struct reclaim *r = &e->reclaim;
	const size_t owes = h->owes;
	size_t total;
	size_t most;

	if (torture_strikes(TORTURE_DIRECT))
		evict_some(h, TRAY_SLOTS, EVICT_NOW);
	if (likely(atomic_load(&r->room) >= 0) || !owes) {
		h->owes = 0;
		h->credit = 0;
		return;
	}
	if (owes < h->credit)
		return;
	h->owes = 0;
	if (atomic_load(&r->hopeless) ||
	    (!is_deep(r) && sys_now_ns() < atomic_load(&r->no_direct_ns))) {
		count_one(UZSWAP_COUNT_exceeded);
		return;
	}
	count_one(UZSWAP_COUNT_direct_reclaims);
	most = owes * price(r);
	if (is_deep(r))
		most = max_size(most, DIRECT_LEAST);
	total = direct_rounds(h, most);
	/* engine B's evictors fill trays, not we */
	if (!e->use_move)
		return;
	h->credit = total < owes ? DIRECT_CREDIT : 0;
	if (total)
		return;
	/* answering faults goes before keeping the limit */
	count_one(UZSWAP_COUNT_exceeded);
	/* shared memory: little to look at, and more with each fault */
	if (atomic_load(&e->fork.shares))
		return;
	if (!direct_insist(h, most))
		atomic_store(&r->no_direct_ns, sys_now_ns() + STUCK_NS);
}

bool reclaim_holds(struct engine *e, uint64_t since_ns)
{
	struct reclaim *r = &e->reclaim;

	/* nobody but evictors makes room: they may use the reserve, we not */
	if (likely(e->use_move ||
		   atomic_load(&r->room) >= -r->reserve / 8) ||
	    atomic_load(&r->stuck) >= HOLD_STUCK ||
	    atomic_load(&r->hopeless) ||
	    atomic_load(&e->stopping) || fork_is_snapshot(&e->fork))
		return false;
	if (sys_now_ns() - since_ns < HOLD_MOST_NS)
		return true;
	count_one(UZSWAP_COUNT_exceeded);
	return false;
}

/*
 * Torture: some pages out, whether there is room or not; then time for the
 * program to get on.  A fault or two must fit in, or nothing would move.
 */
static void torture_round(struct helper *h)
{
	size_t nr = 1 + torture_below(2 * TRAY_SLOTS);

	evict_some(h, nr, torture_strikes(2) ? EVICT_AHEAD : EVICT_NOW);
	if (torture_strikes(2))
		evict_flush(h);
	sys_nanosleep(torture_below(torture_strikes(8) ? TORTURE_REST_NS
						       : TORTURE_NAP_NS));
}

static bool is_wanted(struct reclaim *r)
{
	return atomic_load(&r->wanted) > 0;
}

/* Less room than MARK, or than a fork waits for? */
static bool lacks(struct reclaim *r, int64_t mark)
{
	const int64_t room = atomic_load(&r->room);

	return room < mark || room < atomic_load(&r->ahead);
}

/* Servers take out what is needed, and are not behind. */
static bool is_near(struct reclaim *r)
{
	return atomic_load(&r->near) && atomic_load(&r->room) >= 0 &&
	       !atomic_load(&r->ahead) && !is_wanted(r);
}

static bool has_work(struct engine *e)
{
	struct reclaim *r = &e->reclaim;

	return ((lacks(r, r->low) && !is_near(r)) || is_wanted(r) ||
		near_is_waiting(e) || torture_is_on()) &&
	       !atomic_load(&e->stopping);
}

static void wait_for_work(struct engine *e)
{
	struct reclaim *r = &e->reclaim;
	uint32_t bell = atomic_load(&r->bell);

	atomic_fetch_add(&r->asleep, 1);
	/* with nothing stored there is nothing to look after, either */
	if (!has_work(e) && !atomic_load(&e->ending))
		thread_wait(&r->bell, bell,
			    page_total(&e->pages, PAGE_STORED) ? IDLE_NS
							       : EMPTY_NS);
	atomic_fetch_sub(&r->asleep, 1);
}

/* Returns whether memory was freed. */
static bool evict_round(struct helper *h)
{
	struct reclaim *r = &h->engine->reclaim;
	const bool wanted = is_wanted(r);
	size_t freed = evict_some(h, 4 * TRAY_SLOTS, EVICT_AHEAD);

	if (!freed) {
		evict_flush(h);
		freed = evict_some(h, TRAY_SLOTS, EVICT_NOW);
	}
	if (wanted) {
		atomic_fetch_sub(&r->wanted, (int64_t)freed);
		if (freed)
			atomic_store(&r->fruitless, 0);
		else
			atomic_fetch_add(&r->fruitless, 1);
	}
	return freed != 0;
}

static void look_after(struct helper *h)
{
	if (h->number)
		return;
	age_evict(h);
	upkeep_run(h);
}

/* The last trays hold dead slots only, now that all pages are back. */
static void clear_trays(struct helper *h)
{
	struct engine *e = h->engine;

	evict_flush(h);
	atomic_store(&e->reclaim.near, 0);
	near_empty(h);
	for (uint32_t n = e->staging.nr_trays; n && fork_work_begin(&e->fork);
	     n--) {
		long packed = evict_pack(h, TRAY_SLOTS);

		fork_work_end(&e->fork);
		if (packed < 0)
			break;
	}
}

void reclaim_run(void *helper)
{
	struct helper *h = helper;
	struct engine *e = h->engine;
	struct reclaim *r = &e->reclaim;
	uint64_t cpu = 0;

	/* under torture it never rests: many processes could not get on */
	if (!torture_is_on())
		sys_setpriority(PRIO_PROCESS, 0, EVICTOR_NICE);
	visit_start(h);
	while (!atomic_load(&e->ending)) {
		uint64_t now;

		if (!has_work(e))
			wait_for_work(e);
		if (near_is_waiting(e) && !near_pack(h) &&
		    !atomic_load(&e->ending))
			sys_nanosleep(STUCK_NS);
		near_empty(h);
		visit_rest(h);
		while ((lacks(r, r->high) || is_wanted(r)) && !is_near(r) &&
		       !atomic_load(&e->stopping) && !atomic_load(&e->ending)) {
			if (evict_round(h)) {
				atomic_store(&r->stuck, 0);
				look_after(h);
				continue;
			}
			/* all hot, pinned or refused: do not spin */
			atomic_fetch_add(&r->stuck, 1);
			cold_rest(e);
			look_after(h);
			sys_nanosleep(STUCK_NS);
		}
		if (torture_is_on() && !atomic_load(&e->stopping))
			torture_round(h);
		look_after(h);
		now = sys_cpu_ns();
		count_add(UZSWAP_COUNT_worker_cpu_ns, now - cpu);
		cpu = now;
	}
	clear_trays(h);
}
