/* SPDX-License-Identifier: MIT */
/*
 * Which pages are watched, and the round over them.
 *
 * Memory is cut into cells, and the page at a fixed random place of each cell
 * is watched if there is one: so each point stands for as many bytes as any
 * other, wherever memory grows.  A cell of twice the size takes the point of
 * one of its halves, and the others are forgotten: when there are too many.
 * Small allocations that were sampled, which would often fall between those,
 * have a page at a random place of their own watched.
 *
 *	REST    until the period is over
 *	CELLS   find new cells with something in them
 *	LIVES   find new small allocations
 *	TAKE    take out each page that is not out
 *
 * A page is taken out once in a round.  What the program pays for pages it
 * then asks for, and the steward's own time, is taken from a budget that
 * grows by a share of the time; no page is taken out while it is used up.
 */
#include <errno.h>
#include <string.h>

#include "base/sys.h"
#include "engine/engine.h"
#include "watch/profile.h"

#define CELL_LEAST	(256 * KIB)
#define CELLS_MOST	2048u
#define LIVES_MOST	(PROBE_SLOTS - CELLS_MOST - 64)
#define ASK_NS		(30 * NS_PER_US) /* a thread waits for its page */
#define BUDGET_MOST	(200 * NS_PER_MS)
#define CELLS_PER_TICK	512u
#define LIVES_PER_TICK	32768u
#define TAKES_PER_TICK	256u
#define MEASURES_PER_TICK 64u
#define NO_POINT	UINT32_MAX

static uint64_t hash_of(uint64_t n)
{
	n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 32) * 0x94d049bb133111ebu;
	return n ^ n >> 29;
}

/* --- points by page ------------------------------------------------------ */

static uint32_t place_of(uintptr_t addr, uint32_t probe)
{
	return (uint32_t)(hash_of(addr >> PAGE_SHIFT) + probe) %
	       PROFILE_HASHED;
}

static uint32_t find_point(const struct profile *p, uintptr_t addr)
{
	for (uint32_t i = 0; i < PROFILE_HASHED; i++) {
		uint16_t at = p->by_page[place_of(addr, i)];

		if (!at)
			return NO_POINT;
		if (p->points[at - 1].addr == addr)
			return at - 1u;
	}
	return NO_POINT;
}

static void hash_point(struct profile *p, uint32_t at)
{
	uint32_t i = 0;

	while (p->by_page[place_of(p->points[at].addr, i)])
		i++;
	p->by_page[place_of(p->points[at].addr, i)] = (uint16_t)(at + 1);
}

/* Anew, as points come and go, and move with their memory. */
static void hash_all(struct profile *p)
{
	memset(p->by_page, 0, PROFILE_HASHED * sizeof(*p->by_page));
	for (uint32_t i = 0; i < p->nr_points; i++)
		if (p->points[i].state != UZSWAP_POINT_FREE)
			hash_point(p, i);
}

static uint32_t new_point(struct profile *p, uintptr_t addr)
{
	for (uint32_t i = 0; i < PROBE_SLOTS; i++) {
		if (p->points[i].state != UZSWAP_POINT_FREE)
			continue;
		p->points[i] = (struct profile_point){
			.addr = addr,
			.since_ns = sys_now_ns(),
			.live = UZSWAP_POINT_NO_LIVE,
			.packed = UZSWAP_POINT_UNKNOWN,
			.state = UZSWAP_POINT_EMPTY,
		};
		if (i >= p->nr_points)
			p->nr_points = i + 1;
		hash_point(p, i);
		return i;
	}
	return NO_POINT;
}

/* --- cells --------------------------------------------------------------- */

static uintptr_t page_of_cell(uintptr_t base, uint64_t size)
{
	uint64_t pages = CELL_LEAST / PAGE_SIZE;

	for (; size > CELL_LEAST; size /= 2)
		if (hash_of(base ^ size) & 1)
			base += size / 2;
	return base + hash_of(base) % pages * PAGE_SIZE;
}

static bool is_cell_point(const struct profile *p, uintptr_t addr)
{
	return page_of_cell(round_down(addr, p->cell), p->cell) == addr;
}

/* Larger cells: about half of the points are forgotten. */
static void double_cells(struct profile *p)
{
	p->cell *= 2;
	for (uint32_t i = 0; i < p->nr_points; i++) {
		struct profile_point *pt = &p->points[i];

		if (!pt->cell || is_cell_point(p, pt->addr))
			continue;
		pt->cell = false;
		p->nr_cells--;
		pt->doomed = pt->live == UZSWAP_POINT_NO_LIVE;
	}
}

static void see_cell(struct profile *p, uintptr_t addr)
{
	struct engine *e = p->engine;
	uint32_t at;

	if (!region_has(&e->regions, addr, addr + PAGE_SIZE))
		return;
	at = find_point(p, addr);
	if (at == NO_POINT) {
		if (probe_look(&e->steward, addr) == PROBE_EMPTY)
			return;
		at = new_point(p, addr);
	}
	if (at == NO_POINT || p->points[at].cell)
		return;
	p->points[at].cell = true;
	p->nr_cells++;
}

/* The first cell at or above AT with anything in it; 0 when there is none. */
static uintptr_t next_cell(struct profile *p, uintptr_t at)
{
	struct engine *e = p->engine;
	struct region r;

	while (region_next(&e->regions, at, &r)) {
		uintptr_t start = r.start > at ? r.start : at;
		struct page_run run;
		struct chunk *c;
		uintptr_t next;

		long nr = pagemap_present(&e->steward.pagemap, &next, start,
					  r.end, &run, 1);
		uintptr_t here = nr > 0 ? run.start
			       : nr == 0 && next < r.end && next > start ? next
			       : r.end;

		/* stored pages are not present; their chunks have words */
		order_enter(&e->order, e->steward.slot);
		c = page_next_chunk(&e->pages, start, r.end);
		if (c && c->base < here)
			here = c->base > start ? c->base : start;
		order_leave(&e->order, e->steward.slot);
		if (here < r.end)
			return round_down(here, p->cell);
		at = r.end;
	}
	return 0;
}

static bool step_cells(struct profile *p)
{
	for (uint32_t n = 0; n < CELLS_PER_TICK; n++) {
		uintptr_t cell = next_cell(p, p->at_cell);

		if (!cell)
			return true;
		see_cell(p, page_of_cell(cell, p->cell));
		if (p->nr_cells >= CELLS_MOST)
			double_cells(p);
		p->at_cell = cell + p->cell;
	}
	return false;
}

/* --- small allocations --------------------------------------------------- */

static bool is_kept(const struct profile *p, uintptr_t addr)
{
	return (uint32_t)hash_of(addr) <= p->keep;
}

static void thin_lives(struct profile *p)
{
	p->keep /= 2;
	for (uint32_t i = 0; i < p->nr_points; i++) {
		struct profile_point *pt = &p->points[i];
		uint64_t addr;

		if (pt->live == UZSWAP_POINT_NO_LIVE)
			continue;
		addr = p->live[pt->live].addr;
		if (is_kept(p, addr))
			continue;
		pt->live = UZSWAP_POINT_NO_LIVE;
		p->nr_lives--;
		pt->doomed = !pt->cell;
	}
}

static void see_live(struct profile *p, uint32_t row)
{
	struct uzswap_profile_live *l = &p->live[row];
	_Atomic uint64_t *word = (_Atomic uint64_t *)&l->addr;
	uint64_t addr = atomic_load(word);
	uint64_t len = l->len;
	uint64_t born = l->born_ns;
	uintptr_t page;
	uint32_t at;

	if (addr <= 1 || atomic_load(word) != addr || !is_kept(p, addr) ||
	    !len || len >= 4 * p->cell)
		return;
	page = (addr + hash_of(born) % len) & PAGE_MASK;
	at = find_point(p, page);
	if (at == NO_POINT) {
		if (!region_has(&p->engine->regions, page, page + PAGE_SIZE))
			return;
		at = new_point(p, page);
	}
	if (at == NO_POINT || p->points[at].doomed ||
	    p->points[at].live != UZSWAP_POINT_NO_LIVE)
		return;
	p->points[at].live = row;
	p->points[at].live_born = born;
	p->nr_lives++;
	if (p->nr_lives >= LIVES_MOST)
		thin_lives(p);
}

static bool step_lives(struct profile *p)
{
	uint32_t end = p->at_live + LIVES_PER_TICK;

	for (; p->at_live < end && p->at_live < UZSWAP_PROFILE_LIVE;
	     p->at_live++)
		see_live(p, p->at_live);
	return p->at_live >= UZSWAP_PROFILE_LIVE;
}

/* Its allocation was freed, or its memory moved elsewhere. */
static void check_owner(struct profile *p, struct profile_point *pt)
{
	if (pt->live != UZSWAP_POINT_NO_LIVE &&
	    (p->live[pt->live].addr <= 1 ||
	     p->live[pt->live].born_ns != pt->live_born)) {
		pt->live = UZSWAP_POINT_NO_LIVE;
		p->nr_lives--;
	}
	if (pt->cell && !is_cell_point(p, pt->addr)) {
		pt->cell = false;
		p->nr_cells--;
	}
	if (!pt->cell && pt->live == UZSWAP_POINT_NO_LIVE)
		pt->doomed = true;
}

/* --- taking out, and looking what became of it --------------------------- */

static void note_use(struct profile *p, struct profile_point *pt,
		     uint64_t used_ns)
{
	uint64_t ms = used_ns > pt->out_ns ? (used_ns - pt->out_ns) / NS_PER_MS
					   : 0;
	unsigned i = ms ? 63 - (unsigned)__builtin_clzll(ms) : 0;

	pt->state = UZSWAP_POINT_USED;
	pt->used_ns = used_ns;
	pt->uses++;
	if (i >= UZSWAP_PROFILE_REUSE)
		i = UZSWAP_PROFILE_REUSE - 1;
	if (pt->cell)
		p->reuse[i] += p->cell / PAGE_SIZE;
}

static void take_point(struct profile *p, uint32_t i, uint64_t now_ns)
{
	struct profile_point *pt = &p->points[i];
	bool was_stored = pt->state == UZSWAP_POINT_STORED;

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
	struct profile_point *pt = &p->points[i];

	if (pt->state == UZSWAP_POINT_OUT &&
	    !probe_return(&p->engine->steward, i))
		return;
	if (pt->cell)
		p->nr_cells--;
	if (pt->live != UZSWAP_POINT_NO_LIVE)
		p->nr_lives--;
	memset(pt, 0, sizeof(*pt));
	while (p->nr_points &&
	       p->points[p->nr_points - 1].state == UZSWAP_POINT_FREE)
		p->nr_points--;
}

/* All of them, every tick: cheap, as most have not changed. */
static void check_all(struct profile *p, uint64_t now_ns)
{
	uint32_t measured = 0;

	for (uint32_t i = 0; i < p->nr_points; i++) {
		struct profile_point *pt = &p->points[i];

		if (pt->state == UZSWAP_POINT_OUT)
			check_point(p, i);
		if (pt->state == UZSWAP_POINT_OUT && !pt->measured &&
		    now_ns - pt->out_ns > p->cfg.period_ns / 2 &&
		    measured++ < MEASURES_PER_TICK)
			measure(p, i);
		if (pt->state != UZSWAP_POINT_FREE)
			check_owner(p, pt);
		if (pt->doomed)
			forget(p, i);
	}
}

static bool step_take(struct profile *p, uint64_t now_ns)
{
	for (uint32_t n = 0; p->at_point < p->nr_points; p->at_point++) {
		struct profile_point *pt = &p->points[p->at_point];

		if (pt->state == UZSWAP_POINT_FREE || pt->doomed ||
		    pt->state == UZSWAP_POINT_OUT)
			continue;
		if (n++ >= TAKES_PER_TICK || p->budget_ns < 0)
			return false;
		take_point(p, p->at_point, now_ns);
	}
	return true;
}

static void begin_round(struct profile *p, uint64_t now_ns)
{
	hash_all(p);
	while (atomic_load(&p->engine->resident) / p->cell > CELLS_MOST)
		double_cells(p);
	p->round_ns = now_ns;
	p->at_cell = PAGE_SIZE;
	p->at_live = 0;
	p->at_point = 0;
}

void profile_point_tick(struct profile *p, uint64_t now_ns)
{
	int64_t earned = (int64_t)((now_ns - p->tick_ns) / 100 *
				   p->cfg.cost_pct);

	p->tick_ns = now_ns;
	p->budget_ns += earned;
	if (p->budget_ns > (int64_t)BUDGET_MOST)
		p->budget_ns = (int64_t)BUDGET_MOST;
	check_all(p, now_ns);
	switch (p->step) {
	case PROFILE_REST:
		if (now_ns - p->round_ns < p->cfg.period_ns)
			break;
		begin_round(p, now_ns);
		p->step = PROFILE_CELLS;
		break;
	case PROFILE_CELLS:
		if (step_cells(p))
			p->step = PROFILE_LIVES;
		break;
	case PROFILE_LIVES:
		if (step_lives(p))
			p->step = PROFILE_TAKE;
		break;
	case PROFILE_TAKE:
		break;
	}
	if (p->step == PROFILE_TAKE && step_take(p, now_ns)) {
		p->last_round_ns = now_ns - p->round_ns;
		p->step = PROFILE_REST;
	}
}

int profile_point_init(struct profile *p)
{
	struct arena *a = &p->engine->arena;

	if (!p->points)
		p->points = arena_alloc(a, PROBE_SLOTS * sizeof(*p->points));
	if (!p->by_page)
		p->by_page = arena_alloc(a, PROFILE_HASHED *
					 sizeof(*p->by_page));
	if (!p->cell) {
		p->cell = CELL_LEAST;
		p->keep = UINT32_MAX;
	}
	p->tick_ns = sys_now_ns();
	return p->points && p->by_page ? 0 : -ENOMEM;
}

bool profile_point_forget_all(struct profile *p)
{
	for (uint32_t i = 0; i < p->nr_points; i++) {
		if (p->points[i].state == UZSWAP_POINT_OUT)
			check_point(p, i);
		if (p->points[i].state != UZSWAP_POINT_FREE)
			forget(p, i);
	}
	return !p->nr_points;
}
