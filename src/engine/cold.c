/* SPDX-License-Identifier: MIT */
/*
 * The hand advances by what one look at the page tables shows, at most a
 * chunk at a time, so that two sweepers share the work chunk by chunk.
 *
 * Eviction time counts pages evicted, in ticks of a sixteenth of what is
 * resident (the refault distance of Linux's workingset.c).  A page restored
 * within sixteen ticks would have stayed had the memory been twice as large;
 * but only those that come back within a quarter of that are kept for long.
 * What that, and each other number here, does to the misses is told by
 * bench/simulate.c and docs/policy.md.
 */
#include "engine/cold.h"

#include <errno.h>

#include "base/count.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/keep.h"

#define SERVER_LOOK	(128 * PAGE_SIZE) /* somebody waits */
#define PASS_MOST	1024u	/* chunks, 20 us */
#define JUDGED_AT_ONCE	32u	/* pages, 1 us: a fault waits for the end */
#define LEVEL_MAX	6u	/* heat 63: the hottest */
#define SOON		4u	/* ticks: a refault, of a page in use */
#define HEAT_MAX	((1u << LEVEL_MAX) - 1)
#define HEAT_BUSY	(HEAT_MAX / 2)	/* of pages in a busy chunk */
#define REFUSED_TICKS	192u	/* twelve turnovers: then it may pay */
#define JUST_GIVEN	4u	/* entries: still being read, if shared */
#define PASSED_LEAST	1024u
#define PASSED_MOST	(1u << 17)
#define RETURNED_MOST	4096u	/* entries, half of which may be waiting */
#define RETURNED_PART	16u	/* of a tick: late pages stay for so many */
#define FOLLOW_MOST	16u	/* entries, at a time */
#define REST_NS		(200 * NS_PER_MS)

/* One for each page that a child may have to itself: a quarter of LIMIT. */
static uint32_t ring_length(uint64_t limit)
{
	uint32_t nr = PASSED_LEAST;

	while (nr < PASSED_MOST && nr < limit / 4 / PAGE_SIZE)
		nr *= 2;
	return nr;
}

int cold_init(struct cold *c, struct arena *a, uint64_t limit)
{
	lock_init(&c->lock, LOCK_COLD);
	c->hand = 0;
	atomic_init(&c->tick, 0);
	atomic_init(&c->evicted_in_tick, 0);
	c->tick_len = 1024;
	early_init(&c->early);
	atomic_init(&c->eager, 0);
	atomic_init(&c->no_hand_ns, 0);
	if (busy_init(&c->busy, a, limit) ||
	    trail_init(&c->passed, a, ring_length(limit)))
		return -ENOMEM;
	return trail_init(&c->returned, a, RETURNED_MOST);
}

void cold_share(struct cold *c)
{
	trail_clear(&c->passed);
	trail_clear(&c->returned);
}

void cold_be_eager(struct cold *c)
{
	uint32_t eager = atomic_load(&c->eager);

	if (eager < HEAT_MAX)
		atomic_store(&c->eager, 2 * eager + 1);
	if (eager >= HEAT_BUSY)
		busy_crowd(&c->busy, atomic_load(&c->tick));
}

void cold_be_calm(struct cold *c)
{
	if (atomic_load_explicit(&c->eager, memory_order_relaxed))
		atomic_store(&c->eager, 0);
}

uint64_t cold_stored(struct cold *c, uint64_t word, bool early)
{
	early_left(&c->early, early, 2 * c->tick_len);
	word = page_with_age(word, atomic_load(&c->tick));
	return early ? word | PAGE_EARLY : word;
}

void cold_evicted(struct cold *c, size_t nr)
{
	uint32_t n = atomic_fetch_add(&c->evicted_in_tick, (uint32_t)nr);

	if (n + nr >= c->tick_len) {
		atomic_store(&c->evicted_in_tick, 0);
		atomic_fetch_add(&c->tick, 1);
	}
}

static unsigned heat_of(unsigned level)
{
	return (1u << level) - 1;
}

uint64_t cold_rescued(uint64_t word)
{
	unsigned level = page_level(word);

	level = level < LEVEL_MAX ? level + 1 : level;
	return page_with_heat(word, level, heat_of(level));
}

uint64_t cold_fresh(uint64_t word)
{
	return page_with_heat(word, 0, 1);
}

uint64_t cold_restored(struct cold *c, uint64_t word, bool asked, bool *soon)
{
	unsigned age = (atomic_load_explicit(&c->tick, memory_order_relaxed) -
			page_age(word)) & 255;
	unsigned level = page_level(word);

	*soon = asked && age < SOON;
	if (!asked)
		return page_with_heat(word, level ? level - 1 : 0, 0);
	if (age < SOON) {
		early_back(&c->early, word & PAGE_EARLY);
		level = level < LEVEL_MAX ? level + 1 : level;
	} else {
		level = level ? level - 1 : 0;
	}
	return page_with_heat(word, level, heat_of(level));
}

static uint32_t nr_chunks(const struct engine *e)
{
	return atomic_load_explicit(&e->pages.nr_chunks, memory_order_relaxed);
}

void cold_asked(struct engine *e, uintptr_t addr)
{
	struct cold *c = &e->cold;

	busy_asked(&c->busy, addr, atomic_load_explicit(
			&c->tick, memory_order_relaxed), nr_chunks(e));
}

bool cold_is_busy(struct engine *e, uintptr_t addr)
{
	struct cold *c = &e->cold;

	return busy_is(&c->busy, addr, atomic_load_explicit(
			       &c->tick, memory_order_relaxed), nr_chunks(e));
}

/* The region at the hand, or the next one; false if there is none. */
static bool at_hand(struct engine *e, struct region *r)
{
	struct cold *c = &e->cold;

	if (!region_next(&e->regions, c->hand, r)) {
		count_one(UZSWAP_COUNT_sweeps);
		c->hand = 0;
		if (!region_next(&e->regions, 0, r))
			return false;
	}
	c->hand = max_size(r->start, c->hand);
	return true;
}

/* The same, beyond busy chunks; after very many of them one counts as not. */
static bool pass_busy(struct engine *e, struct region *r)
{
	struct cold *c = &e->cold;
	unsigned n = 0;

	while (at_hand(e, r)) {
		if (n++ == PASS_MOST || !cold_is_busy(e, c->hand))
			return true;
		count_one(UZSWAP_COUNT_skip_at_work);
		c->hand = min_size(round_down(c->hand, CHUNK_SIZE) +
				   CHUNK_SIZE, r->end);
	}
	return false;
}

/* Advance the hand over one look; the runs present there. */
static long look(struct helper *h, struct page_run *runs)
{
	struct engine *e = h->engine;
	struct cold *c = &e->cold;
	struct region r;
	uintptr_t start;
	uintptr_t end;
	uintptr_t next;
	long nr;

	lock_take(&c->lock);
	if (!pass_busy(e, &r)) {
		lock_drop(&c->lock);
		return -1;
	}
	start = c->hand;
	end = min_size(round_down(start, CHUNK_SIZE) + CHUNK_SIZE, r.end);
	if (h->server)
		end = min_size(end, start + SERVER_LOOK);
	/* skip what is empty in one step, then stay within one chunk */
	nr = pagemap_present(&h->pagemap, &next, start,
			     h->pagemap.has_scan ? r.end : end, runs, 1);
	if (nr > 0 && runs[0].start >= end) {
		c->hand = runs[0].start;
		nr = 0;
	} else if (nr > 0 && runs[0].huge) {
		/* all of it, or none: part of it costs more */
		end = min_size(round_down(start, CHUNK_SIZE) + CHUNK_SIZE,
			       r.end);
		runs[0].end = c->hand = end;
		nr = start % CHUNK_SIZE == 0;
	} else if (nr > 0) {
		nr = pagemap_present(&h->pagemap, &next, start, end, runs,
				     COLD_RUNS);
		c->hand = nr == COLD_RUNS ? runs[COLD_RUNS - 1].end : end;
	} else {
		c->hand = nr < 0 ? end : next > start ? next : r.end;
	}
	lock_drop(&c->lock);
	return nr < 0 ? 0 : nr;
}

/* A refused page is tried again after a few turnovers of memory. */
static bool is_refused(const struct cold *c, uint64_t word)
{
	unsigned age = (atomic_load_explicit(&c->tick, memory_order_relaxed) -
			page_age(word)) & 255;

	return (word & PAGE_REFUSED) && age < REFUSED_TICKS;
}

/* What a page is judged by. */
enum view {
	VIEW_CLOCK,	/* the hand has come to it */
	VIEW_PASSED,	/* somebody read on in order, and left it behind */
	VIEW_OWN,	/* came back since a fork, longest ago */
	VIEW_IDLE,	/* its neighbourhood is idle */
};

/* Heat that counts as cold. */
static uint32_t eagerness(const struct cold *c, enum view view)
{
	if (view == VIEW_IDLE)
		return 1;	/* fresh pages too */
	return torture_is_on() ? 15 : atomic_load_explicit(
		&c->eager, memory_order_relaxed);
}

/* It stays, and with more objects kept than are wanted, without its own. */
static bool cool(struct engine *e, page_word *w, uint64_t *old, unsigned heat)
{
	uint64_t was = *old;
	uint64_t word = page_with_heat(was & ~PAGE_REFUSED, page_level(was),
				       heat);
	bool sheds = page_has_object(was) && keep_sheds(e);

	if (!page_shift(&e->pages, w, old,
			sheds ? page_at(word, PAGE_HERE, 0) : word))
		return false;
	if (sheds)
		keep_drop(e, was);
	return true;
}

/* Pass over a page, or leave it to go?  Up to EAGER heat is cold. */
static bool is_cold(struct engine *e, page_word *w, uint32_t eager)
{
	uint64_t old = atomic_load(w);

	while (page_state(old) == PAGE_HERE) {
		unsigned heat = page_heat(old);

		if (is_refused(&e->cold, old)) {
			count_one(UZSWAP_COUNT_skip_refused);
			return false;
		}
		if (heat <= eager && !(old & PAGE_REFUSED))
			return true;
		if (!cool(e, w, &old, heat ? heat - 1 : 0))
			continue;
		count_one(UZSWAP_COUNT_skip_heat);
		return false;
	}
	if (page_state(old) == PAGE_DYING)
		count_one(UZSWAP_COUNT_skip_dying);
	return false;
}

/* Came back unasked and was not asked for since, or not tried. */
static bool is_passed(page_word *w)
{
	uint64_t word = w ? atomic_load(w) : 0;

	return word && page_state(word) == PAGE_HERE && !page_heat(word) &&
	       !(word & PAGE_REFUSED);
}

/*
 * Came back, and not again and again.  Others cool by half: there are not many
 * pages to choose from.
 */
static bool is_own(struct engine *e, page_word *w, uint32_t eager, bool *stays)
{
	uint64_t old = w ? atomic_load(w) : 0;

	while (old && page_state(old) == PAGE_HERE && !(old & PAGE_REFUSED)) {
		unsigned heat = page_heat(old);

		if (heat <= eager)
			return true;
		*stays = true;
		if (!cool(e, w, &old, heat / 2))
			continue;
		count_one(UZSWAP_COUNT_skip_heat);
		return false;
	}
	return false;
}

/* Which of the NR pages at ADDR are cold, a bit each; and are some hot? */
static bool judge(struct helper *h, uintptr_t addr, size_t nr,
		  uint64_t cold[CHUNK_PAGES / 64], enum view view)
{
	struct engine *e = h->engine;
	const uint32_t eager = eagerness(&e->cold, view);
	bool stays = false;

	order_enter(&e->order, h->slot);
	for (size_t i = 0; i < nr; i++) {
		uintptr_t page = addr + i * PAGE_SIZE;
		page_word *w;
		bool yes;

		if (i % JUDGED_AT_ONCE == 0)
			order_pause(&e->order, h->slot);
		w = page_find(&e->pages, page);
		yes = (view == VIEW_PASSED ? is_passed(w) :
		       view == VIEW_OWN ? is_own(e, w, eager, &stays) :
		       !w || is_cold(e, w, eager)) &&
		      !pin_is_on(&e->cold.pins, page);

		if (i % 64 == 0)
			cold[i / 64] = 0;
		cold[i / 64] |= (uint64_t)yes << (i % 64);
	}
	order_leave(&e->order, h->slot);
	count_add(UZSWAP_COUNT_scanned, nr);
	return stays;
}

/*
 * The beginning of RUN, which is cut off; it need not be all that is cold
 * there when MOST have left.
 */
static size_t sweep_run(struct helper *h, struct page_run *run, enum view view,
			size_t most)
{
	uint64_t cold[CHUNK_PAGES / 64];
	const uintptr_t start = run->start;
	size_t nr = min_size((run->end - start) / PAGE_SIZE, CHUNK_PAGES);
	size_t taken = 0;
	size_t from = 0;

	if (run->huge)
		most = SIZE_MAX;	/* part of it costs more */
	nr = min_size(nr, max_size(most, JUDGED_AT_ONCE));
	run->start += nr * PAGE_SIZE;
	if (judge(h, start, nr, cold, view))
		trail_add(&h->engine->cold.passed, (struct page_run){
			.start = start, .end = run->start });
	while (from < nr && taken < most) {
		size_t to = from;

		while (to < nr && to - from < most &&
		       (cold[to / 64] >> (to % 64) & 1))
			to++;
		if (to > from)
			taken += evict_leave(h, start + from * PAGE_SIZE,
					     to - from,
					     run->huge && to - from == nr);
		from = to > from ? to : from + 1;
	}
	return taken;
}

void cold_passed(struct cold *c, struct page_run run)
{
	trail_add(&c->passed, run);
}

void cold_returned(struct cold *c, uintptr_t addr)
{
	trail_add(&c->returned, (struct page_run){
		.start = addr, .end = addr + PAGE_SIZE });
}

/*
 * Take out what is unused since it came in the next stretches of T; false if
 * there are none.
 */
static bool follow(struct helper *h, struct trail *t, uint32_t least,
		   enum view view, size_t most, size_t *taken)
{
	struct page_run run;
	unsigned n;

	for (n = 0; n < FOLLOW_MOST && *taken < most &&
	     trail_next(t, least, &run); n++)
		if (run.start < run.end)
			*taken += sweep_run(h, &run, view, SIZE_MAX);
	return n;
}

/* Whether the hand has not to be asked. */
static bool follow_trails(struct helper *h, size_t most, size_t *taken)
{
	struct cold *c = &h->engine->cold;
	const size_t stay = min_size(c->tick_len / RETURNED_PART,
				     RETURNED_MOST / 2);

	if (unlikely(atomic_load(&h->engine->fork.shares)))
		return follow(h, &c->passed, JUST_GIVEN, VIEW_OWN, most,
			      taken);
	if (!follow(h, &c->passed, 0, VIEW_PASSED, most, taken) &&
	    !early_is_too(&c->early))
		follow(h, &c->returned, (uint32_t)stay, VIEW_PASSED, most,
		       taken);
	return *taken;
}

void cold_rest(struct engine *e)
{
	const uint64_t now_ns = sys_now_ns();

	/* not anew while it rests: a round then finds nothing either */
	if (atomic_load(&e->fork.shares) &&
	    now_ns >= atomic_load(&e->cold.no_hand_ns))
		atomic_store(&e->cold.no_hand_ns, now_ns + REST_NS);
}

/*
 * Nearly all pages the hand would find belong to a relative as well: looking
 * at them is what nobody should wait for, nor do all the time.
 */
static bool is_resting(struct helper *h)
{
	struct engine *e = h->engine;

	return unlikely(atomic_load(&e->fork.shares)) &&
	       (h->server || sys_now_ns() < atomic_load(&e->cold.no_hand_ns));
}

bool cold_sweep(struct helper *h, size_t most, size_t *taken)
{
	struct cold_look *l = &h->look;

	*taken = 0;
	if (follow_trails(h, min_size(most, FOLLOW_MOST), taken))
		return true;
	if (is_resting(h))
		return false;
	if (l->at >= l->nr) {
		l->at = 0;
		l->nr = look(h, l->runs);
	}
	while (l->at < l->nr && *taken < most) {
		struct page_run *run = &l->runs[l->at];

		*taken += sweep_run(h, run, VIEW_CLOCK, most - *taken);
		l->at += run->start >= run->end;
	}
	return l->nr >= 0;
}

size_t cold_take(struct helper *h, uintptr_t start, size_t nr)
{
	const uintptr_t end = start + nr * PAGE_SIZE;
	struct page_run runs[COLD_RUNS];
	size_t taken = 0;
	uintptr_t next;
	long n = pagemap_present(&h->pagemap, &next, start, end, runs,
				 COLD_RUNS);

	for (long i = 0; i < n; i++)
		taken += sweep_run(h, &runs[i], VIEW_IDLE, SIZE_MAX);
	return taken;
}
