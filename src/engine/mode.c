/* SPDX-License-Identifier: MIT */
/*
 * Going OFF has three steps.  Nothing leaves any more, and all that is
 * stored or on probation is restored, as if it had been touched.  When no
 * page is away, everything is unregistered while nobody is in a section.
 * Then the other helpers end, and the userfaultfds are closed; that also
 * releases whatever the kernel still takes for registered.
 *
 * None are closed while somebody who has raised an event has not run since: a
 * page that he is about to drop may leave by the next userfaultfd.  And all is
 * unregistered, not only what is in the books, lest more are raised.
 *
 * Closing turns a page that is still away into zeros, so the second step
 * looks again, exclusively, and in a snapshot waits for its end: a fork's
 * journal and events are settled by words that are still right.
 *
 * DYING words outlive it: the program may be about to drop those pages.
 */
#include "engine/mode.h"

#include <errno.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "engine/keep.h"
#include "engine/whole.h"

#define ROUND_NS	NS_PER_MS	/* pause after a round with leftovers */
#define IDLE_ROUNDS	5000u		/* in vain: some five seconds */
#define POLL_NS		(20 * NS_PER_MS) /* a wake-up may have been missed */

void mode_ask(struct engine *e, enum engine_mode mode)
{
	if (atomic_load(&e->mode.want) == MODE_AWAY)
		return;
	atomic_store(&e->mode.failed, 0);
	atomic_store(&e->mode.want, (uint32_t)mode);
	engine_ring(e);
}

bool mode_go(struct engine *e, enum engine_mode mode, uint64_t max_ns)
{
	const uint64_t until = sys_now_ns() + max_ns;
	struct mode *m = &e->mode;
	bool asked = false;

	for (;;) {
		uint32_t is = atomic_load(&m->is);
		uint32_t ready = atomic_load(&e->ready);

		if (ready == 2)		/* it never came up, or has gone */
			break;
		if (ready && !asked) {
			mode_ask(e, mode);
			asked = true;
		}
		if (asked && is == (uint32_t)mode && mode != MODE_AWAY)
			return true;
		if (sys_now_ns() > until ||
		    (asked && atomic_load(&m->failed)))
			return false;
		thread_wait(&m->is, is, POLL_NS);
	}
	thread_join(&e->steward.thread);
	return mode >= MODE_OFF;
}

/* --- restoring ----------------------------------------------------------- */

static uint64_t nr_away(const struct page_map *m)
{
	return page_total(m, PAGE_LEAVING) + page_total(m, PAGE_PACKING) +
	       page_total(m, PAGE_STORED) + page_total(m, PAGE_ARRIVING);
}

/* Go on with the round for a while; true at its end. */
static bool restore_piece(struct helper *h)
{
	struct mode *m = &h->engine->mode;

	if (!whole_piece(h, &m->at, UINTPTR_MAX, &m->moved))
		return false;
	m->at = 0;
	return true;
}

/* --- letting go ---------------------------------------------------------- */

static void free_plain(struct engine *e, struct chunk *c)
{
	for (size_t i = 0; i < CHUNK_PAGES; i++)
		if (page_state(atomic_load(&c->words[i])) != PAGE_HERE)
			return;
	for (size_t i = 0; i < CHUNK_PAGES; i++)
		page_set(&e->pages, &c->words[i], 0);
	page_free_chunk(&e->pages, c);
}

static void unregister(struct engine *e)
{
	struct region r;
	struct chunk *c;
	uintptr_t at = 0;

	keep_forget(e, 0, UINTPTR_MAX);
	while (region_next(&e->regions, 0, &r)) {
		/* pieces it refuses go when the userfaultfd is closed */
		uffd_unregister(&e->main, r.start, r.end - r.start);
		region_cut(&e->regions, r.start, r.end);
		count_one(UZSWAP_COUNT_regions_returned);
	}
	while ((c = page_next_chunk(&e->pages, at, UINTPTR_MAX))) {
		at = c->base + CHUNK_SIZE;
		free_plain(e, c);
	}
	adopt_unregister_all(e);
}

/* Unregister everything, if nothing is away; true if that was the end. */
static bool let_go(struct engine *e)
{
	bool ok;

	order_exclude(&e->order);
	ok = !fork_is_snapshot(&e->fork) && !nr_away(&e->pages) &&
	     still_change(&e->still);
	if (ok) {
		unregister(e);
		still_changed(&e->still);
		ok = uffd_is_calm(&e->main, e->adopt.nowhere);
	}
	order_admit(&e->order);
	return ok;
}

static void reached(struct engine *e, enum engine_mode mode)
{
	static const enum uzswap_state states[] = {
		[MODE_ON] = UZSWAP_ACTIVE,
		[MODE_KEEP] = UZSWAP_PAUSED,
		[MODE_OFF] = UZSWAP_OFF,
		[MODE_AWAY] = UZSWAP_OFF,
	};

	static const char words[][40] = {
		[MODE_ON] = "switched on",
		[MODE_KEEP] = "nothing is stored any more",
		[MODE_OFF] = "switched off, all is restored",
		[MODE_AWAY] = "stepped aside for good",
	};

	log_info(words[mode], NULL);
	atomic_store(&e->state, states[mode]);
	atomic_store(&e->mode.is, mode);
	sys_futex_wake(&e->mode.is, 1 << 16);
}

static void stop_leaving(struct engine *e)
{
	atomic_fetch_or(&e->stopping, STOP_FOR_MODE);
	/* nobody need wait for a look at the maps any more */
	atomic_store(&e->adopt.gate, 0);
}

/* A piece of the way to OFF. */
static enum mode_work go_off(struct helper *h)
{
	struct engine *e = h->engine;
	struct mode *m = &e->mode;

	stop_leaving(e);
	if (fork_is_snapshot(&e->fork) || !restore_piece(h))
		return MODE_WORKS;
	if (let_go(e)) {
		e->adopt.closed = false;
		e->adopt.flags_known = false;
		engine_stop_helpers(e);
		/* a mapping that could not be unregistered may have been moved
		   since, and its event applied: it is not registered now */
		region_cut(&e->regions, 0, UINTPTR_MAX);
		m->idle_rounds = 0;
		reached(e, MODE_OFF);
		return MODE_RESTS;
	}
	m->idle_rounds = m->moved ? 0 : m->idle_rounds + 1;
	m->moved = false;
	if (m->idle_rounds >= IDLE_ROUNDS) {
		m->idle_rounds = 0;
		atomic_store(&m->failed, -EBUSY);
		atomic_store(&m->want, MODE_KEEP);
		log_line("cannot restore everything: going on without "
			 "storing more", NULL);
		return MODE_WORKS;
	}
	sys_nanosleep(ROUND_NS);
	return MODE_WORKS;
}

static enum mode_work go_on(struct engine *e)
{
	int ret = 0;

	/* events kept by a fork are of the userfaultfd that was closed */
	if (mode_now(&e->mode) == MODE_OFF && fork_is_snapshot(&e->fork)) {
		sys_nanosleep(ROUND_NS);
		return MODE_WORKS;
	}
	if (mode_now(&e->mode) == MODE_OFF)
		ret = engine_start_helpers(e);
	if (ret) {
		engine_stop_helpers(e);
		atomic_store(&e->mode.failed, ret);
		atomic_store(&e->mode.want, MODE_OFF);
		return MODE_RESTS;
	}
	atomic_store(&e->adopt.gate, e->adopt.closed);
	atomic_fetch_and(&e->stopping, ~STOP_FOR_MODE);
	reached(e, MODE_ON);
	return MODE_WORKS;
}

enum mode_work mode_work(struct helper *steward)
{
	struct engine *e = steward->engine;
	struct mode *m = &e->mode;
	enum engine_mode is = mode_now(m);

	switch ((enum engine_mode)atomic_load(&m->want)) {
	case MODE_ON:
		/* on the way to OFF, and back: it still is ON, but stopped */
		if (is == MODE_ON &&
		    !(atomic_load(&e->stopping) & STOP_FOR_MODE))
			return MODE_RESTS;
		return go_on(e);
	case MODE_KEEP:
		if (is == MODE_OFF) {	/* there is nothing to keep */
			atomic_store(&m->want, MODE_OFF);
			atomic_store(&m->failed, -EALREADY);
		} else if (is != MODE_KEEP) {
			stop_leaving(e);
			reached(e, MODE_KEEP);
		}
		return MODE_RESTS;
	case MODE_OFF:
		return is == MODE_OFF ? MODE_RESTS : go_off(steward);
	case MODE_AWAY:
		if (is != MODE_OFF && go_off(steward) == MODE_WORKS)
			return MODE_WORKS;
		reached(e, MODE_AWAY);
		return MODE_ENDS;
	}
	return MODE_RESTS;
}
