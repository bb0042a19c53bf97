/* SPDX-License-Identifier: MIT */
/*
 * Which pages are watched.
 *
 * Memory is cut into cells, and the page at a fixed random place of each cell
 * is watched if there is one: so each point stands for as many bytes as any
 * other, wherever memory grows.  A cell of twice the size takes the point of
 * one of its halves, and the others are forgotten: when there are too many.
 * Small allocations that were sampled, which would often fall between those,
 * have a page at a random place of their own watched.
 */
#include <errno.h>
#include <string.h>

#include "base/sys.h"
#include "engine/engine.h"
#include "watch/profile.h"

#define CELL_LEAST	(256 * KIB)
#define CELLS_MOST	2048u
#define LIVES_MOST	(PROBE_SLOTS - CELLS_MOST - 64)
#define CELLS_PER_TICK	512u
#define LIVES_PER_TICK	4096u
#define ROUNDS_PER_LOOK	32u	/* at all rows of live */
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
			.state = UZSWAP_POINT_USED,
			.fresh = true,
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

/* Past cells whose page is watched: nobody has to be asked for them. */
static uintptr_t skip_known(const struct profile *p, uintptr_t at)
{
	for (;;) {
		uintptr_t cell = round_down(at, p->cell);
		uint32_t i = find_point(p, page_of_cell(cell, p->cell));

		if (i == NO_POINT || !p->points[i].cell)
			return at;
		at = cell + p->cell;
	}
}

bool profile_point_cells(struct profile *p)
{
	for (uint32_t n = 0; n < CELLS_PER_TICK; n++) {
		uintptr_t cell = next_cell(p, skip_known(p, p->at_cell));

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
	p->look_at_all = true;
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
	if (at == NO_POINT &&
	    region_has(&p->engine->regions, page, page + PAGE_SIZE))
		at = new_point(p, page);
	if (at == NO_POINT) {
		profile_see(p, row);	/* not registered yet: again */
		return;
	}
	if (p->points[at].doomed) {
		profile_see(p, row);	/* gone soon: again */
		return;
	}
	if (p->points[at].live != UZSWAP_POINT_NO_LIVE)
		return;
	p->points[at].live = row;
	p->points[at].live_born = born;
	p->nr_lives++;
	if (p->nr_lives >= LIVES_MOST)
		thin_lives(p);
}

bool profile_point_lives(struct profile *p)
{
	const uint32_t words = UZSWAP_PROFILE_LIVE / 64;
	uint32_t seen = 0;

	for (; p->at_live < words && seen < LIVES_PER_TICK; p->at_live++) {
		_Atomic uint64_t *new = &p->new_lives[p->at_live];
		uint64_t bits = 0;

		if (atomic_load_explicit(new, memory_order_relaxed))
			bits = atomic_exchange(new, 0);
		for (; bits; bits &= bits - 1, seen++)
			see_live(p, 64 * p->at_live +
				    (uint32_t)__builtin_ctzll(bits));
	}
	return p->at_live >= words;
}

/* Its allocation was freed, or its memory moved elsewhere. */
void profile_point_owner(struct profile *p, struct profile_point *pt)
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


void profile_point_forget(struct profile *p, uint32_t i)
{
	struct profile_point *pt = &p->points[i];

	if (pt->cell)
		p->nr_cells--;
	if (pt->live != UZSWAP_POINT_NO_LIVE)
		p->nr_lives--;
	memset(pt, 0, sizeof(*pt));
	while (p->nr_points &&
	       p->points[p->nr_points - 1].state == UZSWAP_POINT_FREE)
		p->nr_points--;
}

void profile_point_again(struct profile *p)
{
	p->at_cell = PAGE_SIZE;
	p->at_live = 0;
}

void profile_point_begin(struct profile *p)
{
	/* two on one page: the second comes when the first has gone */
	p->look_at_all |= p->nr_rounds % ROUNDS_PER_LOOK == 0;
	for (uint32_t i = 0;
	     p->look_at_all && i < ARRAY_SIZE(p->new_lives); i++)
		atomic_store(&p->new_lives[i], UINT64_MAX);
	p->look_at_all = false;
	hash_all(p);
	while (atomic_load(&p->engine->resident) / p->cell > CELLS_MOST)
		double_cells(p);
	profile_point_again(p);
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
	return p->points && p->by_page ? 0 : -ENOMEM;
}
