/* SPDX-License-Identifier: MIT */
/*
 * The round over all watched pages, in one period each.
 *
 * Each page that is not out is taken out once in a round, while the budget
 * lasts; the next round goes on where this one had to end.  Meanwhile new
 * pages to watch are looked for; and in between, too, where memory has grown:
 * what is written once and never again is known from when it was first out.
 *
 * Taking a page out for the first time is dear, as it may be the first of a
 * huge page, and there are many at the beginning.  So three of four pages taken
 * are of these, here and there: those that have been looked at stand for the
 * others.  And a page that is always in use tells nothing when it is taken
 * out again: if the budget does not last, those that were asked for at once
 * the last times are left alone for one, three .. rounds.  They are not left
 * alone together, so that some of each neighbourhood are looked at in every
 * round; and as soon as one is not asked for any more, its neighbours are
 * looked at as well, before all others.
 *
 * So how exactly an age is known is different for each page: its last use was
 * after it was seen in use (used_ns), and before it was taken out (out_ns).
 */
#include <errno.h>

#include "base/sys.h"
#include "engine/engine.h"
#include "watch/profile.h"
#include "watch/publish.h"

#define COST_ALL	100u	/* percent: whatever it costs */
#define PACE_EVERY	(50 * NS_PER_MS)	/* of budget granted */
#define TAKES_PER_TICK	640u
#define MEASURES_PER_TICK 64u
#define CHARGE_EVERY	8u	/* pages between looks at the clock: 0.2 us */
#define CHECK_TICKS	2u	/* until all have been looked at */
#define BACKOFF_MOST	4u	/* 16 rounds */
#define USUALLY		4u	/* times the longest it was out in use */
#define NEIGHBOURS	8u	/* on each side: one of 16 is taken */
#define STRIDE		2531u	/* odd: comes by all slots */

/* The steward's time since the last call, from the budget. */
void profile_charge(struct profile *p)
{
	uint64_t now = sys_cpu_ns();

	p->cpu_ns += now - p->charged_ns;
	p->budget.own_ns -= (int64_t)(now - p->charged_ns);
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
	if (!pt->streak)
		pt->usual_ms = 0;
	else if (ms > pt->usual_ms)
		pt->usual_ms = (uint16_t)min_size(ms, UINT16_MAX);
	if (i >= UZSWAP_PROFILE_REUSE)
		i = UZSWAP_PROFILE_REUSE - 1;
	if (pt->cell)
		p->reuse[i] += p->cell / PAGE_SIZE;
}

/*
 * For what will be asked for at once: charged when taken, not to take more
 * than the budget allows before the first is found to be back.
 */
static void charge_ask(struct profile *p, struct profile_point *pt)
{
	if (!pt->charged)
		p->budget.program_ns -= (int64_t)PROFILE_ASK_NS;
	pt->charged = true;
}

static void refund_ask(struct profile *p, struct profile_point *pt)
{
	if (pt->charged)
		p->budget.program_ns += (int64_t)PROFILE_ASK_NS;
	pt->charged = false;
}

static void take_point(struct profile *p, uint32_t i, uint64_t now_ns)
{
	struct profile_point *pt = &p->points[i];
	bool was_stored = pt->state == UZSWAP_POINT_STORED;

	switch (probe_take(&p->engine->steward, i, pt->addr)) {
	case PROBE_OUT:
		pt->fresh = false;
		if (was_stored)
			note_use(p, pt, now_ns); /* restored since */
		pt->state = UZSWAP_POINT_OUT;
		pt->out_ns = now_ns;
		pt->measured = false;
		if (pt->streak)
			charge_ask(p, pt);
		break;
	case PROBE_STORED:
		pt->fresh = false;
		if (!was_stored)
			pt->out_ns = now_ns;
		pt->state = UZSWAP_POINT_STORED;
		break;
	case PROBE_EMPTY:
		pt->fresh = true;
		pt->state = UZSWAP_POINT_EMPTY;
		pt->used_ns = 0;
		pt->since_ns = now_ns;
		pt->packed = UZSWAP_POINT_UNKNOWN;
		/* a cell may be filled again later, and is found then */
		if (pt->live == UZSWAP_POINT_NO_LIVE)
			pt->doomed = true;
		break;
	case PROBE_STUCK:
		pt->fresh = false;
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
		p->asked_ns += PROFILE_ASK_NS;
		charge_ask(p, pt);
		pt->charged = false;
		break;
	case PROBE_EMPTY:
	case PROBE_STORED:
	case PROBE_STUCK:
	case PROBE_AGAIN:
		pt->state = UZSWAP_POINT_EMPTY;
		refund_ask(p, pt);
		break;
	}
}

static void forget(struct profile *p, uint32_t i)
{
	if (p->points[i].state == UZSWAP_POINT_OUT &&
	    !probe_return(&p->engine->steward, i))
		return;
	refund_ask(p, &p->points[i]);
	profile_point_forget(p, i);
}

/*
 * What lies together is often used together, and is found together.  So where
 * a page has not been used for once, its neighbours have to be looked at.
 */
static void wake_neighbours(struct profile *p, uint32_t i)
{
	uint32_t at = i > NEIGHBOURS ? i - NEIGHBOURS : 0;

	for (; at < p->nr_points && at <= i + NEIGHBOURS; at++) {
		struct profile_point *pt = &p->points[at];

		pt->woken |= pt->streak > 0;
		pt->streak = 0;
	}
	p->some_woken = true;
}

/* Out for longer than what is in use is, as far as can be told? */
static bool is_idle(const struct profile *p, const struct profile_point *pt,
		    uint64_t now_ns)
{
	uint64_t least = p->cfg.period_ns / 2;

	if (pt->streak > 1)
		least = min_size(least, max_size(p->cfg.period_ns / 8,
				 USUALLY * pt->usual_ms * NS_PER_MS));
	return now_ns - pt->out_ns > least;
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
		if (pt->state == UZSWAP_POINT_OUT && is_idle(p, pt, now_ns)) {
			refund_ask(p, pt);
			if (pt->streak)
				wake_neighbours(p, i);
			if (!pt->measured && p->budget.own_ns >= 0 &&
			    measured++ < MEASURES_PER_TICK)
				measure(p, i);
		}
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

/*
 * How many slots of this round are for later: they are spread over most of a
 * period, so that wherever memory goes cold, some page near by is taken soon.
 */
static uint32_t nr_later(const struct profile *p, uint64_t now_ns)
{
	uint64_t all_ns = p->cfg.period_ns * 3 / 4;
	uint64_t passed_ns = now_ns - p->round_ns;

	return passed_ns >= all_ns ? 0
	     : (uint32_t)(PROBE_SLOTS * (all_ns - passed_ns) / all_ns);
}

/* Take the next page out; false if there is none by now. */
static bool take_next(struct profile *p, uint64_t now_ns)
{
	const uint32_t later = nr_later(p, now_ns);

	while (p->nr_left > later) {
		uint32_t i = p->at_point++ * STRIDE % PROBE_SLOTS;

		p->nr_left--;
		if (i >= p->nr_points || !is_due(p, i, false))
			continue;
		take_point(p, i, now_ns);
		return true;
	}
	return false;
}

/* All that were woken: if they have gone cold, too, these cost nothing. */
static void take_woken(struct profile *p, uint64_t now_ns)
{
	uint32_t nr = 0;

	if (!p->some_woken)
		return;
	p->some_woken = false;
	for (uint32_t i = 0; i < p->nr_points; i++) {
		struct profile_point *pt = &p->points[i];

		if (!pt->woken)
			continue;
		if (!profile_budget_lends(&p->budget, ++nr)) {
			p->some_woken = true;
			break;
		}
		pt->woken = false;
		if (is_due(p, i, false))
			take_point(p, i, now_ns);
	}
}

/* The next one that was never taken out. */
static bool take_fresh(struct profile *p, uint64_t now_ns)
{
	while (p->at_fresh < PROBE_SLOTS) {
		uint32_t i = p->at_fresh++ * STRIDE % PROBE_SLOTS;

		if (i >= p->nr_points || !is_due(p, i, true))
			continue;
		take_point(p, i, now_ns);
		return true;
	}
	return false;
}

static void take_some(struct profile *p, uint64_t now_ns)
{
	const uint32_t later = nr_later(p, now_ns);
	bool more = true;
	bool more_fresh = true;

	take_woken(p, now_ns);
	for (uint32_t n = 1; n <= TAKES_PER_TICK && (more || more_fresh); n++) {
		bool allowed;

		if (n % CHARGE_EVERY == 0)
			profile_charge(p);
		allowed = profile_budget_allows(&p->budget);
		p->ran_dry |= more && p->nr_left > later && !allowed;
		if (more && allowed && (n % 4 == 0 || !more_fresh))
			more = take_next(p, now_ns);
		else if (more_fresh && profile_budget_lends(&p->budget, n))
			more_fresh = take_fresh(p, now_ns);
		else
			break;
	}
}

static void begin_round(struct profile *p, uint64_t now_ns)
{
	int64_t plenty = (int64_t)(p->cfg.period_ns / 200 * p->cfg.cost_pct);

	if (p->nr_rounds++)
		p->last_round_ns = now_ns - p->round_ns;
	if (p->ran_dry && p->backoff < BACKOFF_MOST)
		p->backoff++;
	else if (p->backoff && p->budget.program_ns > plenty)
		p->backoff--;
	p->ran_dry = false;
	p->round_ns = now_ns;
	p->nr_left = PROBE_SLOTS;
	p->at_fresh = 0;
	check_some(p, 0, 1, now_ns);
	profile_point_begin(p);
	p->step = profile_budget_lends(&p->budget, 1) ? PROFILE_CELLS
						      : PROFILE_LIVES;
}

/* By a cell or more, since this was last so; or was any registered? */
static bool has_grown(struct profile *p)
{
	uint64_t resident = publish_resident(p->engine);
	uint64_t registered = atomic_load(&p->engine->regions.bytes);
	bool grown = resident >= p->resident + p->cell ||
		     registered > p->registered;

	p->registered = registered;
	if (grown || resident < p->resident)
		p->resident = resident;
	return grown;
}

/* More budget, and fewer samples if these take much of the program's. */
static void grant(struct profile *p, uint64_t now_ns)
{
	const uint64_t unwind_ns = atomic_load(&p->unwind_ns);
	const uint64_t cpu_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	const uint64_t took = unwind_ns - p->sampled_ns;
	const uint64_t share =
		profile_budget_grant(&p->budget, now_ns - p->tick_ns,
				     cpu_ns - p->process_ns, took,
				     p->cfg.cost_pct);

	p->tick_ns = now_ns;
	p->process_ns = cpu_ns;
	p->sampled_ns = unwind_ns;
	p->took_ns += took;
	p->share_ns += share;
	if (p->share_ns < PACE_EVERY)
		return;
	if (p->cfg.cost_pct < COST_ALL)
		profile_live_pace(p, p->took_ns, p->share_ns);
	p->took_ns = 0;
	p->share_ns = 0;
}

void profile_round_tick(struct profile *p, uint64_t now_ns)
{
	grant(p, now_ns);
	check_some(p, p->nr_ticks++ % CHECK_TICKS, CHECK_TICKS, now_ns);
	if (now_ns - p->round_ns >= p->cfg.period_ns &&
	    p->step == PROFILE_FOUND)
		begin_round(p, now_ns);
	if (p->step == PROFILE_FOUND && profile_budget_lends(&p->budget, 1) &&
	    has_grown(p)) {
		profile_point_again(p);
		p->step = PROFILE_CELLS;
	}
	if (p->step == PROFILE_CELLS && profile_point_cells(p))
		p->step = PROFILE_LIVES;
	if (p->step == PROFILE_LIVES && profile_point_lives(p))
		p->step = PROFILE_FOUND;
	take_some(p, now_ns);
}

void profile_round_init(struct profile *p)
{
	p->tick_ns = sys_now_ns();
	p->process_ns = sys_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	p->step = PROFILE_FOUND;
	p->nr_rounds = 0;
	p->last_round_ns = 0;
	p->backoff = 0;
	p->resident = 0;
	p->registered = 0;
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
