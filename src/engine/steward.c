/* SPDX-License-Identifier: MIT */
/*
 * The steward's pace follows the room.  Far from the limit it sleeps as long
 * as the fastest program could not use up half of what is left (8 GB/s);
 * near it, and while the gate is closed, it looks every few milliseconds.
 *
 * It needs little time, but in time: with two threads filling memory on two
 * CPUs a late look costs a hundred megabytes.  So it asks for a better
 * priority, where it may.
 */
#include "engine/steward.h"

#include <sys/resource.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/torture.h"
#include "engine/descriptor.h"
#include "engine/engine.h"

#define TICK_BUSY_NS	(3 * NS_PER_MS)
#define TICK_YIELD_NS	(100 * NS_PER_US)	/* somebody waits */
#define TICK_CALM_NS	(20 * NS_PER_MS)
#define TICK_IDLE_NS	(NS_PER_S * 2 / 5)
#define FASTEST_FILL	(8 * GIB)	/* bytes/s a program touches at most */
#define REFRESH_NS	(200 * NS_PER_MS)
#define LOOK_NS		(500 * NS_PER_MS)
#define LOOK_WATCHED_NS	(200 * NS_PER_MS) /* ages begin when it is known */
#define PUBLISH_NS	(100 * NS_PER_MS)
#define DESERTED_NS	(NS_PER_S / 2)
#define CALM_NS		(5 * NS_PER_S)
#define GROWTH_AHEAD_MS	100		/* closing the gate in time takes */
#define STEWARD_NICE	(-10)
#define OVER_NS		(2 * NS_PER_S)	/* over the limit: cannot be kept */
#define STUCK_MANY	50u	/* rounds of evictors that freed nothing */

void engine_count_resident(struct engine *e)
{
	struct region r;
	uintptr_t at = 0;
	uint64_t pages = 0;

	while (region_next(&e->regions, at, &r)) {
		long n = pagemap_count(&e->steward.pagemap, r.start, r.end);

		if (n > 0)
			pages += (uint64_t)n;
		at = r.end;
	}
	pages += page_total(&e->pages, PAGE_LEAVING);
	atomic_store(&e->resident, pages * PAGE_SIZE);
	e->cold.tick_len = (uint32_t)(pages / 16 + 64);
}

/* Headroom below which the gate is closed. */
static int64_t gate_mark(uint64_t limit)
{
	uint64_t mark = limit / 8;

	if (mark < 32 * MIB)
		mark = 32 * MIB;
	if (mark > 2 * GIB)
		mark = 2 * GIB;
	return (int64_t)mark;
}

/*
 * How fast usage grows, in bytes per second: what was seen last, or half of
 * what was seen before.
 */
static int64_t growth(struct engine *e, uint64_t now_ns)
{
	struct steward *st = &e->watch;
	int64_t ms = (int64_t)((now_ns - st->usage_ns) / NS_PER_MS);
	int64_t grown = (int64_t)(e->now.usage - st->usage);

	if (ms < 1)
		return st->growth;
	st->growth /= 2;
	if (grown > 0 && grown / ms * 1000 > st->growth)
		st->growth = grown / ms * 1000;
	st->usage = e->now.usage;
	st->usage_ns = now_ns;
	return st->growth;
}

/* Headroom that the program could use up before we act. */
static int64_t near_mark(struct engine *e, uint64_t now_ns)
{
	int64_t ahead = growth(e, now_ns) / (1000 / GROWTH_AHEAD_MS);

	return gate_mark(e->now.limit) + ahead + e->stall.wish;
}

/* Is memory registered with room to spare, to see when it is used? */
static bool is_watched(const struct engine *e)
{
	return atomic_load(&e->probes.on) || age_is_on(e);
}

/*
 * With the gate open nothing need be registered, but what is watched; when
 * that ends, it is given back.
 */
static void mind_watched(struct engine *e)
{
	if (is_watched(e))
		adopt_watch(e);
	else if (atomic_load(&e->regions.bytes))
		adopt_open(e);
}

static void say_gate(const struct engine *e, const char *why)
{
	char used[TEXT_NUM];
	char limit[TEXT_NUM];

	log_info(why, text_size(used, sizeof(used), e->now.usage),
		 " used of ", text_size(limit, sizeof(limit), e->now.limit),
		 ", by ", e->now.name ? e->now.name : "nobody", NULL);
}

static void mind_gate(struct engine *e, uint64_t now_ns, bool look)
{
	int64_t mark = near_mark(e, now_ns);
	bool near = torture_is_on() || atomic_load(&e->reclaim.wanted) > 0 ||
		    age_is_round(&e->age) ||
		    (e->now.limit && e->now.headroom < mark);

	if (!e->adopt.closed) {
		if (near) {
			adopt_close(e);
			say_gate(e, "memory gets short: ");
		} else if (look) {
			adopt_survey(e, e->now.headroom < 3 * mark);
			mind_watched(e);
		}
		return;
	}
	adopt_heap(e);
	if (look)
		adopt_look(e);
	if (torture_is_on()) {
		if (torture_strikes(64))
			adopt_open(e);
	} else if (near || (e->now.limit && e->now.headroom < 2 * mark)) {
		e->adopt.calm_since_ns = now_ns;
	} else if (now_ns - e->adopt.calm_since_ns > CALM_NS) {
		if (is_watched(e))
			adopt_open_watched(e);
		else
			adopt_open(e);
		say_gate(e, "there is room again: ");
		e->adopt.calm_since_ns = now_ns;
	}
}

static uint64_t next_look(const struct engine *e, bool busy)
{
	int64_t spare = e->now.headroom - gate_mark(e->now.limit) -
			e->stall.wish;
	uint64_t ns;

	if (e->adopt.closed)
		return busy ? TICK_BUSY_NS : TICK_CALM_NS;
	if (!e->now.limit)
		return TICK_IDLE_NS;
	if (spare <= 0)
		return TICK_BUSY_NS;
	ns = (uint64_t)spare / 2 * NS_PER_S / FASTEST_FILL;
	if (ns < TICK_BUSY_NS)
		ns = TICK_BUSY_NS;
	return ns < TICK_IDLE_NS ? ns : TICK_IDLE_NS;
}

static uint64_t next_tick(const struct engine *e, bool busy)
{
	uint64_t ns = next_look(e, busy);

	if (yield_is_due(e))
		return TICK_YIELD_NS;
	return atomic_load(&e->probes.on) && ns > PUBLISH_NS ? PUBLISH_NS : ns;
}

static uint64_t activity(void)
{
	return count_get(UZSWAP_COUNT_faults) +
	       count_get(UZSWAP_COUNT_evicted);
}

/* Is there little room also by what is not the option? */
static bool is_tight(struct engine *e)
{
	struct pressure_now others;

	pressure_read_others(&e->pressure, &others);
	return others.limit && others.headroom < gate_mark(others.limit);
}

/*
 * Over the limit for long, with nothing left that could leave or in spite of
 * all that left: say so, once to the user, and in the statistics as long as
 * it lasts.
 */
static void note_limit(struct engine *e, uint64_t now_ns)
{
	static const char broken[] = "the limit cannot be kept: what is left "
				     "does not compress, is pinned or in use";
	struct steward *st = &e->watch;

	if (!e->now.limit || e->now.headroom >= 0) {
		st->kept_ns = now_ns;
		if (now_ns - st->over_ns < OVER_NS)
			return;
		atomic_store(&e->reclaim.hopeless, 0);
		if (atomic_load(&e->note) == broken)
			atomic_store(&e->note, NULL);
		return;
	}
	st->over_ns = now_ns;
	if (now_ns - st->kept_ns < OVER_NS &&
	    atomic_load(&e->reclaim.stuck) <= STUCK_MANY)
		return;
	/* past a group's limit is the end; past an option's is only past it */
	atomic_store(&e->reclaim.hopeless,
		     e->now.source == PRESSURE_BY_OPTION && !is_tight(e));
	atomic_store(&e->note, broken);
	log_once(broken, " (see zctl stats)", NULL);
}

static void note_usage(struct engine *e, uint64_t now_ns)
{
	if (e->now.usage > e->usage_max)
		e->usage_max = e->now.usage;
	note_limit(e, now_ns);
}

/* Tell those who make room how much of it there is, for us. */
static void mind_room(struct engine *e)
{
	struct share *s = &e->share;
	int64_t extra = 0;
	unsigned nr = 1;

	if (e->adopt.closed) {
		share_look(s, &e->pressure, &e->now,
			   count_get(UZSWAP_COUNT_faults_stored) +
			   count_get(UZSWAP_COUNT_faults_leaving) +
			   count_get(UZSWAP_COUNT_faults_fresh));
		extra = share_extra(s, reclaim_reserve(e->now.limit));
		nr = s->nr;
	}
	if (extra < e->stall.wish / (int64_t)PAGE_SIZE)
		extra = e->stall.wish / (int64_t)PAGE_SIZE;
	reclaim_update(&e->reclaim, e->now.limit, e->now.headroom, extra, nr);
}

static void steward_tick(struct engine *e, uint64_t now_ns,
			 uint64_t *refreshed_ns, uint64_t *looked_ns,
			 bool rung)
{
	bool was_closed = e->adopt.closed;
	uint64_t every_ns = atomic_load(&e->probes.on) ? LOOK_WATCHED_NS
						       : LOOK_NS;
	bool look = rung || torture_strikes(4) ||
		    now_ns - *looked_ns >= every_ns;

	if (now_ns - *refreshed_ns > REFRESH_NS) {
		*refreshed_ns = now_ns;
		pressure_refresh(&e->pressure);
	}
	pressure_read(&e->pressure, &e->now);
	stall_look(&e->stall, &e->pressure, &e->now);
	mind_room(e);
	note_usage(e, now_ns);
	fork_settle(&e->steward);
	audit_work(&e->steward);
	fork_check_shared(&e->steward);
	if (fork_work_begin(&e->fork)) {
		/* asked for while we look: the bell rings again */
		yield_work(&e->steward);
		if (mode_is_on(&e->mode)) {
			mind_gate(e, now_ns, look);
			age_tick(&e->steward, now_ns);
			if (look)
				*looked_ns = now_ns;
		}
		fork_work_end(&e->fork);
	}
	if (e->adopt.closed && (look || !was_closed))
		descriptor_pin_all(e);
}

static void publish(struct engine *e, uint64_t now_ns, uint64_t *published_ns,
		    uint64_t *counted_ns)
{
	uint64_t cost;

	if (now_ns - *published_ns < PUBLISH_NS)
		return;
	*published_ns = now_ns;
	if (now_ns >= *counted_ns) {
		cost = sys_cpu_ns();
		engine_count_resident(e);
		cost = sys_cpu_ns() - cost;
		/* at most half a percent of one CPU for counting; it only
		   decides something while the gate is closed */
		cost *= e->adopt.closed ? 200 : 1000;
		*counted_ns = now_ns + cost + NS_PER_S / 2;
	}
	if (e->cfg.publish)
		e->cfg.publish(e->cfg.publish_ctx);
}

/*
 * A thread that ends by the bare system call leaves the process to the
 * others.  If those are all ours it is over, which the kernel can't know:
 * end it with the status of the first thread.
 */
static void end_if_deserted(struct engine *e, uint64_t now_ns,
			    uint64_t *asked_ns)
{
	struct proc_threads threads;

	if (now_ns - *asked_ns < DESERTED_NS)
		return;
	*asked_ns = now_ns;
	if (engine_is_single(e, &threads) && threads.first_ended)
		sys_exit_process((int)(threads.status >> 8 & 255));
}

/* Sleep until it is time, somebody rings, or ASKED is out of date. */
static void rest(struct engine *e, uint32_t bell, uint32_t asked, uint64_t ns)
{
	if (e->outer_bell)
		thread_wait_either(&e->bell, bell, e->outer_bell, asked, ns);
	else
		thread_wait(&e->bell, bell, ns);
}

/* What others ask for; within how many ns to look again. */
static uint64_t serve(struct engine *e)
{
	return e->cfg.serve ? e->cfg.serve(e->cfg.serve_ctx) : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void steward_loop(struct engine *e)
{
	uint64_t refreshed_ns = 0;
	uint64_t looked_ns = 0;
	uint64_t published_ns = 0;
	uint64_t counted_ns = 0;
	uint64_t cpu = 0;
	uint64_t acted = 0;
	uint64_t asked_ns = 0;
	uint32_t bell = atomic_load(&e->bell);

	e->watch.kept_ns = sys_now_ns();
	sys_setpriority(PRIO_PROCESS, 0, STEWARD_NICE);
	for (;;) {
		uint64_t now_ns = sys_now_ns();
		uint32_t rung = atomic_load(&e->bell);
		uint64_t acts = activity();
		enum mode_work work;
		uint32_t asked;
		uint64_t soon;
		uint64_t used;

		steward_tick(e, now_ns, &refreshed_ns, &looked_ns,
			     rung != bell);
		work = mode_work(&e->steward);
		if (work == MODE_ENDS)
			break;
		end_if_deserted(e, now_ns, &asked_ns);
		publish(e, now_ns, &published_ns, &counted_ns);
		asked = e->outer_bell ? atomic_load(e->outer_bell) : 0;
		soon = serve(e);
		used = sys_cpu_ns();
		count_add(UZSWAP_COUNT_worker_cpu_ns, used - cpu);
		cpu = used;
		bell = rung;
		if (work == MODE_RESTS)
			rest(e, bell, asked,
			     least(soon, next_tick(e, acts != acted)));
		acted = acts;
	}
	if (e->cfg.publish)
		e->cfg.publish(e->cfg.publish_ctx);
}
