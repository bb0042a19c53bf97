/* SPDX-License-Identifier: MIT */
/*
 * The round over all watched pages.
 *
 *	REST    until the period is over
 *	CELLS   find new cells with something in them
 *	LIVES   find new small allocations
 *	TAKE    take out each page that is not out
 *
 * A page is taken out once in a round.  What the program pays for pages it
 * then asks for and for sampled allocations, and the steward's own time, is
 * taken from a budget that grows by a share of the program's CPU time; no page
 * is taken out while it is used up.  It is that of one CPU at most, and of a
 * quarter of one at least: a program that sleeps is to be looked at, too.  (A
 * share of all time was tried: who runs for a third of it paid three times as
 * much for what it does.)
 *
 * Taking a page out for the first time is dear, as it may be the first of a
 * huge page, and there are many at the beginning.  So a round does not wait
 * for them; every other page taken is one of these.  And a page that is always
 * in use tells nothing when it is taken out again: if the budget does not last,
 * those that were asked for at once the last times are left alone for one,
 * three .. rounds, which leaves more for the others, until a neighbour is not
 * asked for any more.
 *
 * So how exactly an age is known is different for each page: its last use was
 * after it was seen in use (used_ns), and before it was taken out (out_ns).
 */
#include <errno.h>

#include "base/sys.h"
#include "engine/engine.h"
#include "watch/profile.h"

/* A thread waits for its page: by what that cost Redis in the end. */
#define ASK_NS		(80 * NS_PER_US)
#define BUDGET_MOST	(200 * NS_PER_MS)
#define COST_ALL	100u	/* percent: whatever it costs */
#define PACE_EVERY	(50 * NS_PER_MS)	/* of budget granted */
#define BUSY_PART	4u	/* of one CPU: taken to be busy at least */
#define TAKES_PER_TICK	256u
#define MEASURES_PER_TICK 64u
#define CHARGE_EVERY	8u	/* pages between looks at the clock: 0.2 us */
#define CHECK_TICKS	4u	/* until all have been looked at */
#define BACKOFF_MOST	4u	/* 16 rounds */
#define NEIGHBOURS	8u	/* on each side: one of 16 is taken */

/* The steward's time since the last call, from the budget. */
void profile_charge(struct profile *p)
{
	uint64_t now = sys_cpu_ns();

	p->cpu_ns += now - p->charged_ns;
	p->budget_ns -= (int64_t)(now - p->charged_ns);
	p->charged_ns = now;
}

/* --- one page ------------------------------------------------------------ */

static void note_use(struct profile *p, struct profile_point *pt,
		     uint64_t used_ns)
{
	uint64_t ms = used_ns > pt->out_ns ? (used_ns - pt->out_ns) / NS_PER_MS
					   : 0;
	unsigned i = ms ? 63 - (unsigned)__builtin_clzll(ms) : 0;

	pt->state = UZSWAP_POINT_USED;
	pt->used_ns = used_ns;
	pt->uses++;
	if (used_ns - pt->out_ns >= p->cfg.period_ns)
		pt->streak = 0;
	else if (pt->streak < BACKOFF_MOST)
		pt->streak++;
	if (i >= UZSWAP_PROFILE_REUSE)
		i = UZSWAP_PROFILE_REUSE - 1;
	if (pt->cell)
		p->reuse[i] += p->cell / PAGE_SIZE;
}

static void take_point(struct profile *p, uint32_t i, uint64_t now_ns)
{
	struct profile_point *pt = &p->points[i];
	bool was_stored = pt->state == UZSWAP_POINT_STORED;

	pt->fresh = false;
	switch (probe_take(&p->engine->steward, i, pt->addr)) {
	case PROBE_OUT:
		if (was_stored)
			note_use(p, pt, now_ns); /* restored since */
		pt->state = UZSWAP_POINT_OUT;
		pt->out_ns = now_ns;
		pt->measured = false;
		break;
	case PROBE_STORED:
		if (!was_stored)
			pt->out_ns = now_ns;
		pt->state = UZSWAP_POINT_STORED;
		break;
	case PROBE_EMPTY:
		pt->state = UZSWAP_POINT_EMPTY;
		pt->used_ns = 0;
		pt->since_ns = now_ns;
		pt->packed = UZSWAP_POINT_UNKNOWN;
		/* a cell may be filled again later, and is found then */
		if (pt->live == UZSWAP_POINT_NO_LIVE)
			pt->doomed = true;
		break;
	case PROBE_STUCK:
		pt->state = UZSWAP_POINT_STUCK;
		break;
	case PROBE_USED:
	case PROBE_AGAIN:
		break;
	}
}

static void measure(struct profile *p, uint32_t i)
{
	struct profile_point *pt = &p->points[i];
	long len = probe_measure(&p->engine->steward, i);

	if (len == -EAGAIN)
		return;
	pt->packed = (uint16_t)(len < 0 ? PAGE_SIZE : (size_t)len);
	pt->measured = true;
}

static void check_point(struct profile *p, uint32_t i)
{
	struct profile_point *pt = &p->points[i];
	uintptr_t addr;
	uint64_t used_ns;

	switch (probe_check(&p->engine->steward, i, &addr, &used_ns)) {
	case PROBE_OUT:
		pt->addr = addr;
		break;
	case PROBE_USED:
		note_use(p, pt, used_ns);
		p->asked++;
		p->asked_ns += ASK_NS;
		p->budget_ns -= (int64_t)ASK_NS;
		break;
	case PROBE_EMPTY:
	case PROBE_STORED:
	case PROBE_STUCK:
	case PROBE_AGAIN:
		pt->state = UZSWAP_POINT_EMPTY;
		break;
	}
}

static void forget(struct profile *p, uint32_t i)
{
	if (p->points[i].state == UZSWAP_POINT_OUT &&
	    !probe_return(&p->engine->steward, i))
		return;
	profile_point_forget(p, i);
}

/* Every so many points from the first on. */
static void check_some(struct profile *p, uint32_t first, uint32_t every,
		       uint64_t now_ns)
{
	uint32_t measured = 0;

	for (uint32_t i = first; i < p->nr_points; i += every) {
		struct profile_point *pt = &p->points[i];

		if (pt->state == UZSWAP_POINT_OUT)
			check_point(p, i);
		if (pt->state == UZSWAP_POINT_OUT && !pt->measured &&
		    now_ns - pt->out_ns > p->cfg.period_ns / 2 &&
		    p->budget_ns >= 0 && measured++ < MEASURES_PER_TICK)
			measure(p, i);
		if (pt->state != UZSWAP_POINT_FREE)
			profile_point_owner(p, pt);
		if (pt->doomed)
			forget(p, i);
	}
}

/* --- all of them --------------------------------------------------------- */

static bool is_due(const struct profile *p, uint32_t i, bool fresh)
{
	const struct profile_point *pt = &p->points[i];
	uint32_t pause = pt->streak < p->backoff ? pt->streak : p->backoff;

	if (pt->state == UZSWAP_POINT_FREE || pt->doomed ||
	    pt->state == UZSWAP_POINT_OUT || pt->fresh != fresh)
		return false;
	/* by I: those that pause do not come back all in one round */
	return !((p->nr_rounds + i) & ((1u << pause) - 1));
}

/* Take the next page out, a fresh one or not; false if there is none. */
static bool take_next(struct profile *p, bool fresh, uint64_t now_ns)
{
	uint32_t *at = fresh ? &p->at_fresh : &p->at_point;

	while (*at < p->nr_points && !is_due(p, *at, fresh))
		++*at;
	if (*at >= p->nr_points)
		return false;
	take_point(p, (*at)++, now_ns);
	return true;
}

/* True when the round is over. */
static bool step_take(struct profile *p, uint64_t now_ns)
{
	bool more = true;
	bool more_fresh = true;

	for (uint32_t n = 1; more || more_fresh; n++) {
		if (n % CHARGE_EVERY == 0)
			profile_charge(p);
		p->ran_dry |= p->budget_ns < 0;
		if (n > TAKES_PER_TICK || p->budget_ns < 0)
			break;
		if (more && n % 2)
			more = take_next(p, false, now_ns);
		else
			more_fresh = take_next(p, true, now_ns);
	}
	return !more && (!more_fresh ||
			 now_ns - p->round_ns >= p->cfg.period_ns);
}

/*
 * What lies together is often used together, and is found together.  So where
 * a page has not been used for once, its neighbours have to be looked at.
 */
static void wake_neighbours(struct profile *p, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->nr_points; i++) {
		struct profile_point *pt = &p->points[i];
		uint32_t at = i > NEIGHBOURS ? i - NEIGHBOURS : 0;

		if (pt->state != UZSWAP_POINT_OUT || !pt->streak ||
		    now_ns - pt->out_ns < p->cfg.period_ns / 2)
			continue;
		for (; at < p->nr_points && at <= i + NEIGHBOURS; at++)
			p->points[at].streak = 0;
	}
}

static void begin_round(struct profile *p, uint64_t now_ns)
{
	uint64_t period = p->cfg.period_ns;

	if (p->nr_rounds++)
		p->last_round_ns = now_ns - p->round_ns;
	if (p->ran_dry && p->backoff < BACKOFF_MOST)
		p->backoff++;
	else if (p->backoff &&
		 p->budget_ns > (int64_t)(period / 200 * p->cfg.cost_pct))
		p->backoff--;
	p->ran_dry = false;
	p->round_ns = now_ns;
	p->at_point = 0;
	p->at_fresh = 0;
	check_some(p, 0, 1, now_ns);
	wake_neighbours(p, now_ns);
	profile_point_begin(p);
}

/* Of the time since the last tick, what the budget is a share of. */
static uint64_t busy_ns(struct profile *p, uint64_t now_ns)
{
	const uint64_t passed = now_ns - p->tick_ns;
	const uint64_t cpu = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	const uint64_t used = cpu - p->process_ns;

	p->tick_ns = now_ns;
	p->process_ns = cpu;
	return used > passed ? passed : max_size(used, passed / BUSY_PART);
}

/*
 * More budget, but for what sampling took meanwhile: half of it at most, so
 * that pages are looked at while a program comes by new call stacks only.
 */
static void grant(struct profile *p, uint64_t now_ns)
{
	const uint64_t unwind_ns = atomic_load(&p->unwind_ns);
	const uint64_t took = unwind_ns - p->sampled_ns;
	const uint64_t share = busy_ns(p, now_ns) / 100 * p->cfg.cost_pct;

	p->sampled_ns = unwind_ns;
	p->took_ns += took;
	p->share_ns += share;
	if (p->share_ns >= PACE_EVERY) {
		if (p->cfg.cost_pct < COST_ALL)
			profile_live_pace(p, p->took_ns, p->share_ns);
		p->took_ns = 0;
		p->share_ns = 0;
	}
	p->budget_ns += (int64_t)(share - min_size(took, share / 2));
	if (p->budget_ns > (int64_t)BUDGET_MOST)
		p->budget_ns = (int64_t)BUDGET_MOST;
}

void profile_round_tick(struct profile *p, uint64_t now_ns)
{
	grant(p, now_ns);
	check_some(p, p->nr_ticks++ % CHECK_TICKS, CHECK_TICKS, now_ns);
	switch (p->step) {
	case PROFILE_REST:
		if (now_ns - p->round_ns < p->cfg.period_ns)
			break;
		begin_round(p, now_ns);
		p->step = p->nr_rounds & ((1u << p->backoff) - 1)
			? PROFILE_LIVES : PROFILE_CELLS;
		break;
	case PROFILE_CELLS:
		if (profile_point_cells(p))
			p->step = PROFILE_LIVES;
		break;
	case PROFILE_LIVES:
		if (profile_point_lives(p))
			p->step = PROFILE_TAKE;
		break;
	case PROFILE_TAKE:
		break;
	}
	if (p->step == PROFILE_TAKE && step_take(p, now_ns))
		p->step = PROFILE_REST;
}

void profile_round_init(struct profile *p)
{
	p->tick_ns = sys_now_ns();
	p->process_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	p->step = PROFILE_REST;
	p->nr_rounds = 0;
	p->last_round_ns = 0;
	p->backoff = 0;
	p->sampled_ns = atomic_load(&p->unwind_ns);
	p->share_ns = 0;
	p->took_ns = 0;
}

bool profile_round_forget_all(struct profile *p)
{
	for (uint32_t i = 0; i < p->nr_points; i++) {
		if (p->points[i].state == UZSWAP_POINT_OUT)
			check_point(p, i);
		if (p->points[i].state != UZSWAP_POINT_FREE)
			forget(p, i);
	}
	return !p->nr_points;
}
