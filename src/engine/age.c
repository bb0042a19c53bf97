/* SPDX-License-Identifier: MIT */
/*
 * Blocks are as large as it takes to have at most one per probe, within 256
 * KiB and 2 MiB: so one round over all memory and min_age take about the same
 * time, and the samples in use are asked for once in that time.  At 10 us for
 * each that is 10 ms of the program's time per round if all is in use.
 *
 * After a fork the child goes on with its copy of the blocks: their samples
 * are in its slots as well.
 */
#include "engine/age.h"

#include <errno.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/evict.h"

#define TICK_NS		(20 * NS_PER_MS)
#define TAKES_MOST	128u	/* samples of one tick, 1 us each */
#define LOOKS_MOST	256u	/* blocks looked at in one tick */
#define RUNS		16	/* pieces of a block that a sample is in */

void age_set(struct engine *e, const struct engine_config *cfg)
{
	atomic_store_explicit(&e->age.min_age_ms, cfg->min_age_ms,
			      memory_order_relaxed);
	pace_set(&e->age.pace, cfg->max_stall_ms, cfg->age_cpu_pct);
}

static uint64_t min_age_ns(const struct engine *e)
{
	if (age_is_round(&e->age))
		return e->age.round.min_age_ns;
	return NS_PER_MS * atomic_load_explicit(&e->age.min_age_ms,
						memory_order_relaxed);
}

/* How long a block has to be idle. */
static uint64_t idle_ns(const struct engine *e)
{
	return min_age_ns(e) * (age_is_round(&e->age)
				? 1 : e->age.pace.patience);
}

bool age_is_on(const struct engine *e)
{
	return min_age_ns(e) && e->use_move;
}

/* --- samples --------------------------------------------------------------*/

static unsigned slot_of(uint32_t i)
{
	return PROBE_SLOTS + i;
}

static size_t block_len(const struct engine *e)
{
	size_t len = HOT_BLOCK;

	while (len < CHUNK_SIZE &&
	       atomic_load(&e->regions.bytes) / len > AGE_SLOTS)
		len *= 2;
	return len;
}

/* The next block with something in it; false at the end of a round. */
static bool next_block(struct helper *h, uintptr_t *start, uintptr_t *end)
{
	struct engine *e = h->engine;
	struct age *a = &e->age;
	const size_t len = block_len(e);
	struct page_run run;
	struct region r;
	uintptr_t next;
	uintptr_t from;

	if (!region_next(&e->regions, a->hand, &r)) {
		a->hand = 0;
		return false;
	}
	from = r.start > a->hand ? r.start : a->hand;
	if (pagemap_present(&h->pagemap, &next, from, r.end, &run, 1) <= 0) {
		a->hand = next > from ? next : r.end;
		*end = 0;
		return true;
	}
	*start = round_down(run.start, len);
	*end = *start + len;
	if (*start < r.start)
		*start = r.start;
	if (*end > r.end)
		*end = r.end;
	a->hand = *end;
	return true;
}

static uint64_t next_random(struct age *a)
{
	a->random += 0x9e3779b97f4a7c15u;
	return (a->random ^ a->random >> 29) * 0xbf58476d1ce4e5b9u >> 16;
}

/* A page of the block that is there, at random; 0 if there is none. */
static uintptr_t choose_sample(struct helper *h, uintptr_t start,
			       uintptr_t end)
{
	struct page_run runs[RUNS];
	uintptr_t next;
	size_t nr_pages = 0;
	size_t nth;
	long nr = pagemap_present(&h->pagemap, &next, start, end, runs, RUNS);

	for (long i = 0; i < nr; i++)
		nr_pages += (runs[i].end - runs[i].start) / PAGE_SIZE;
	if (!nr_pages)
		return 0;
	nth = next_random(&h->engine->age) % nr_pages;
	for (long i = 0; i < nr; i++) {
		size_t here = (runs[i].end - runs[i].start) / PAGE_SIZE;

		if (nth < here)
			return runs[i].start + nth * PAGE_SIZE;
		nth -= here;
	}
	return 0;
}

static void sample_block(struct helper *h, uint32_t i, uintptr_t start,
			 uintptr_t end, uint64_t now_ns)
{
	struct age *a = &h->engine->age;
	uintptr_t page = choose_sample(h, start, end);

	if (!page || probe_take(h, slot_of(i), page) != PROBE_OUT)
		return;
	a->blocks[i] = (struct age_block){
		.start = start,
		.nr_pages = (uint32_t)((end - start) / PAGE_SIZE),
		.since_ns = now_ns,
	};
	a->nr_out++;
	a->round.samples++;
}

/* As many as keep the round going at a pace of min_age, or as can be. */
static void take_samples(struct helper *h, uint64_t since_ns, uint64_t now_ns)
{
	struct engine *e = h->engine;
	struct age *a = &e->age;
	uint64_t most = AGE_SLOTS * since_ns / min_age_ns(e) + 1;
	bool spares = !age_is_round(a) && pace_is_harmful(&a->pace);
	uint32_t free = 0;
	uintptr_t start;
	uintptr_t end;

	if (most > TAKES_MOST || age_is_round(a))
		most = TAKES_MOST;
	while (most-- && a->nr_out < AGE_SLOTS) {
		if (!next_block(h, &start, &end)) {
			a->round.over = true;
			break;
		}
		if (!end || (spares && hot_passes(&a->hot, start)))
			continue;
		while (free < AGE_SLOTS && a->blocks[free].start)
			free++;
		sample_block(h, free, start, end, now_ns);
	}
}

/* --- idle blocks --------------------------------------------------------- */

static uint32_t nr_waiting(const struct age *a)
{
	return atomic_load_explicit(&a->nr_ready, memory_order_relaxed) -
	       atomic_load(&a->nr_taken);
}

/* May an idle block leave now? */
static bool may_leave(const struct age *a, bool calm)
{
	if (nr_waiting(a) >= AGE_READY)
		return false;
	return age_is_round(a) ? a->round.left > 0 : calm && a->pace.budget > 0;
}

/* To the evictor, which has room for it. */
static void hand_over(struct age *a, const struct age_block *b)
{
	uint32_t nr = atomic_load_explicit(&a->nr_ready, memory_order_relaxed);

	atomic_store_explicit(&a->ready[nr % AGE_READY],
			      b->start | b->nr_pages, memory_order_relaxed);
	/* release: pairs with the acquire in age_evict() */
	atomic_store_explicit(&a->nr_ready, nr + 1, memory_order_release);
	a->pace.budget -= (int64_t)b->nr_pages * (int64_t)PAGE_SIZE;
	a->round.left -= b->nr_pages;
}

/* Instead: what would become of it?  PACKED: what its sample would take. */
static void note_idle(struct helper *h, const struct age_block *b, long packed)
{
	struct age_round *r = &h->engine->age.round;
	long nr;

	if (packed < 0)
		return;
	nr = pagemap_count(&h->pagemap, b->start,
			   b->start + b->nr_pages * PAGE_SIZE);
	if (nr <= 0)
		return;
	r->idle_pages += (uint64_t)nr;
	r->idle_pool += (uint64_t)nr * (uint64_t)packed;
}

/* What became of the sample of block I?  DROP: put it back in any case. */
static void look_at(struct helper *h, uint32_t i, uint64_t now_ns, bool calm,
		    bool drop)
{
	struct engine *e = h->engine;
	struct age *a = &e->age;
	struct age_block *b = &a->blocks[i];
	enum probe_result r;
	uint64_t used_ns;
	uintptr_t addr;

	r = probe_check(h, slot_of(i), &addr, &used_ns);
	if (r == PROBE_OUT) {
		bool idle = now_ns - b->since_ns >= idle_ns(e);
		bool dry = !drop && a->round.dry;
		long packed = 0;

		if (!drop && (!idle || !may_leave(a, calm)))
			return;
		if (dry)
			packed = probe_measure(h, slot_of(i));
		if (!probe_return(h, slot_of(i)))
			return;
		if (dry)
			note_idle(h, b, packed);
		else if (!drop)
			hand_over(a, b);
		hot_forget(&a->hot, b->start);
	} else if (r == PROBE_USED) {
		hot_note(&a->hot, b->start);
	}
	b->start = 0;
	a->nr_out--;
}

static void look_at_samples(struct helper *h, uint64_t now_ns, bool calm,
			    bool drop)
{
	struct age *a = &h->engine->age;
	uint32_t most = drop ? AGE_SLOTS : LOOKS_MOST;

	for (; most && a->nr_out; most--, a->at = (a->at + 1) % AGE_SLOTS)
		if (a->blocks[a->at].start)
			look_at(h, a->at, now_ns, calm, drop);
	if (atomic_load(&a->nr_ready) != atomic_load(&a->nr_taken))
		reclaim_ring(&h->engine->reclaim);
}

static bool begin(struct engine *e)
{
	struct age *a = &e->age;

	if (a->blocks)
		return true;
	if (min_age_ns(e) && !e->use_move)
		log_once("min_age needs UFFDIO_MOVE (Linux 6.8, engine "
			 "move): nothing is stored by age", NULL);
	if (!age_is_on(e) || probe_start(e) ||
	    (!a->hot.notes && hot_init(&a->hot, &e->arena)))
		return false;
	a->blocks = arena_alloc(&e->arena, AGE_SLOTS * sizeof(*a->blocks));
	pace_init(&a->pace);
	a->random = sys_now_ns();
	return a->blocks;
}

/* --- a round that is asked for -------------------------------------------- */

void age_end_round(struct engine *e)
{
	e->age.round.min_age_ns = 0;
	e->age.round.dry = false;
}

int age_begin_round(struct engine *e, uint64_t min_age_ms, uint64_t bytes,
		    bool dry)
{
	struct age *a = &e->age;

	if (!e->use_move)
		return -EOPNOTSUPP;
	a->round = (struct age_round){
		.min_age_ns = min_age_ms * NS_PER_MS,
		.goal = bytes / PAGE_SIZE,
		.before = count_get(UZSWAP_COUNT_aged),
		.left = (int64_t)(bytes / PAGE_SIZE),
		.dry = dry,
	};
	a->hand = 0;
	if (begin(e))
		return 0;
	age_end_round(e);
	return -ENOMEM;
}

uint64_t age_round_stored(const struct engine *e)
{
	return count_get(UZSWAP_COUNT_aged) - e->age.round.before;
}

bool age_round_is_over(const struct engine *e)
{
	const struct age *a = &e->age;

	if (nr_waiting(a))
		return false;
	return (a->round.over && !a->nr_out) ||
	       (!a->round.dry && age_round_stored(e) >= a->round.goal);
}

/* Blocks were not as full as they are long: so much is left to do. */
static void tick_round(struct engine *e)
{
	struct age_round *r = &e->age.round;

	if (!nr_waiting(&e->age) && !r->dry)
		r->left = (int64_t)(r->goal - age_round_stored(e));
	/* what is shared with a child can't leave */
	if (atomic_load(&e->fork.shares))
		r->over = true;
}

/* --- each tick ------------------------------------------------------------ */

void age_tick(struct helper *steward, uint64_t now_ns)
{
	struct engine *e = steward->engine;
	struct age *a = &e->age;
	uint64_t since_ns = now_ns - a->tick_ns;
	bool calm;

	if (since_ns < TICK_NS || !begin(e))
		return;
	a->tick_ns = now_ns;
	if (!age_is_on(e)) {
		pace_rest(&a->pace);
		look_at_samples(steward, now_ns, false, true);
		return;
	}
	calm = pace_tick(&a->pace, atomic_load(&e->regions.bytes), now_ns);
	if (age_is_round(a))
		pace_rest(&a->pace);
	look_at_samples(steward, now_ns, calm, false);
	if (age_is_round(a)) {
		tick_round(e);
		/* closed: all memory is registered */
		if (e->adopt.closed && !a->round.over)
			take_samples(steward, since_ns, now_ns);
	} else if (calm && !atomic_load(&e->fork.shares)) {
		take_samples(steward, since_ns, now_ns);
	}
}

/* --- the evictor --------------------------------------------------------- */

/* Pack all that waits; pages that were stored. */
static uint64_t pack_all(struct helper *h)
{
	struct engine *e = h->engine;
	uint64_t stored = 0;
	long n = 0;

	evict_flush(h);
	while (n >= 0 && fork_work_begin(&e->fork)) {
		n = evict_pack(h, TRAY_SLOTS);
		fork_work_end(&e->fork);
		stored += n > 0 ? (uint64_t)n : 0;
	}
	return stored;
}

void age_evict(struct helper *h)
{
	struct engine *e = h->engine;
	struct age *a = &e->age;
	uint32_t at = atomic_load_explicit(&a->nr_taken, memory_order_relaxed);

	while (at != atomic_load_explicit(&a->nr_ready,
					  memory_order_acquire) &&
	       !atomic_load(&e->stopping) && !store_is_full(&e->store) &&
	       fork_work_begin(&e->fork)) {
		uint64_t cpu_ns = sys_cpu_ns();
		uintptr_t entry = atomic_load_explicit(
			&a->ready[at % AGE_READY], memory_order_relaxed);

		cold_take(h, entry & PAGE_MASK, entry & ~PAGE_MASK);
		fork_work_end(&e->fork);
		count_add(UZSWAP_COUNT_aged, pack_all(h));
		count_add(UZSWAP_COUNT_aged_cpu_ns, sys_cpu_ns() - cpu_ns);
		atomic_store(&a->nr_taken, ++at);
	}
}
