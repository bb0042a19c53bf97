/* SPDX-License-Identifier: MIT */
/*
 * Every way back claims the page first (ARRIVING), so that of several
 * servers asked for the same page one acts, and no evictor can take it in
 * between.  If the kernel says no, the word is set back and whoever waits
 * for a neighbour that was claimed along is woken, to ask again.
 *
 * Whoever got what he waits for is woken after the section: he may take the
 * CPU at once, and would keep the section open and all readers waiting.
 */
#include "engine/restore.h"

#include "base/count.h"
#include "base/log.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/fill.h"
#include "engine/keep.h"
#include "engine/near.h"
#include "engine/reclaim.h"
#include "engine/snapshot.h"

/* --- how many ---------------------------------------------------------- */

/* Pages from ADDR to the end of its chunk or to a flight, at most MAX. */
static size_t within_chunk(struct engine *e, uintptr_t addr, size_t max)
{
	size_t left = (CHUNK_SIZE - (addr & (CHUNK_SIZE - 1))) / PAGE_SIZE;

	return evict_remap_before(e, addr, min_size(left, max));
}

/*
 * Copy NR pages, or fewer: the kernel wants them in one mapping, and calls a
 * run that reaches into the next one "not there".
 */
static enum uffd_result copy_run(struct helper *h, size_t *done,
				 uintptr_t addr, const void *from, size_t nr)
{
	enum uffd_result r;

	do {
		r = uffd_copy(&h->engine->main, done, addr, from,
			      nr * PAGE_SIZE, UFFD_QUIET);
		nr /= 2;
	} while (r == UFFD_HOLE && !*done && nr);
	h->put.start = addr;
	h->put.end = addr + *done;
	*done /= PAGE_SIZE;
	return r;
}

/* --- claiming ---------------------------------------------------------- */

struct claim {
	page_word *word;
	uint64_t was;	/* before the claim */
	uint64_t now;	/* the claim */
};

static bool claim_page(struct engine *e, struct claim *c, page_word *w,
		       uint64_t old)
{
	c->word = w;
	c->was = old;
	c->now = page_at(old, PAGE_ARRIVING, page_where(old));
	torture_pause();
	return page_shift(&e->pages, w, &old, c->now);
}

/* Put the word back as it was: KEPT of a STORED one is EARLY. */
static void unclaim(struct engine *e, const struct claim *c)
{
	uint64_t old = c->now;

	page_shift(&e->pages, c->word, &old,
		   page_at(c->was, page_state(c->was), page_where(c->was)) |
		   (c->was & PAGE_KEPT));
}

static void settle(struct engine *e, const struct claim *c, uint64_t word)
{
	uint64_t old = c->now;

	page_shift(&e->pages, c->word, &old, page_at(word, PAGE_HERE, 0));
}

/* The same for a page with an object, which is dropped or kept. */
static void settle_kept(struct engine *e, const struct claim *c,
			uint64_t word, bool has, struct store_ref ref,
			bool passing)
{
	uint64_t old = c->now;
	bool keep = has && keep_wanted(e, passing);

	page_shift(&e->pages, c->word, &old,
		   keep ? keep_word(word, ref) : page_at(word, PAGE_HERE, 0));
	if (has && !keep)
		store_drop(&e->store, ref);
}

/*
 * Of NR pages claimed at ADDR only DONE have come: whoever found a claim in
 * the way asks again.  But not about the first page: its fault is answered
 * by the result, and a woken thread would only send it once more.
 */
static void wake_rest(struct engine *e, uintptr_t addr, size_t done, size_t nr)
{
	size_t from = done ? done : 1;

	if (from < nr)
		uffd_wake(&e->main, addr + from * PAGE_SIZE,
			  (nr - from) * PAGE_SIZE);
}

enum restore_result restore_result_of(enum uffd_result r)
{
	switch (r) {
	case UFFD_DONE:
	case UFFD_ALREADY:
		return RESTORE_DONE;
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_BUSY:
		return RESTORE_AGAIN;
	case UFFD_HOLE:
	case UFFD_REFUSED:
	case UFFD_GONE:
		return RESTORE_LOST;
	}
	return RESTORE_LOST;
}

/* --- nowhere: a zero page ----------------------------------------------- */

static size_t claim_fresh(struct engine *e, struct claim *c, uintptr_t addr,
			  size_t nr)
{
	size_t n;

	for (n = 0; n < nr; n++) {
		page_word *w = page_make(&e->pages, addr + n * PAGE_SIZE);
		uint64_t old;

		if (!w)
			break;
		old = atomic_load(w);
		if ((page_state(old) != PAGE_HERE &&
		     page_state(old) != PAGE_DYING) ||
		    !claim_page(e, &c[n], w, old))
			break;
	}
	return n;
}

/*
 * Always memory, never the kernel's shared zero page: the first write to
 * that would take memory without asking us.
 */
static enum restore_result restore_fresh(struct helper *h,
					 const struct uffd_event *ev)
{
	struct engine *e = h->engine;
	struct claim claims[RESTORE_WINDOW];
	enum uffd_result r;
	size_t done;
	size_t nr;
	struct stream *s = stream_find(&e->restore.streams, ev, 0, &nr);

	nr = claim_fresh(e, claims, ev->addr, within_chunk(
			e, ev->addr, fill_window(e, ev->addr, nr)));
	if (!nr)
		return RESTORE_AGAIN;
	r = copy_run(h, &done, ev->addr, e->restore.zeros, nr);
	for (size_t i = 0; i < done; i++) {
		/* what it held is gone, we were not told */
		keep_drop(e, claims[i].was);
		settle(e, &claims[i], cold_fresh(claims[i].was));
	}
	for (size_t i = done; i < nr; i++)
		unclaim(e, &claims[i]);
	if (r == UFFD_ALREADY && !done)
		count_one(UZSWAP_COUNT_faults_resident);
	else if (done)
		count_one(UZSWAP_COUNT_faults_fresh);
	wake_rest(e, ev->addr, done, nr);
	reclaim_owe(h, ev->addr, done);
	stream_note(s, ev, done, done);
	count_add(UZSWAP_COUNT_filled, done);
	return done ? RESTORE_DONE : restore_result_of(r);
}

/* --- on probation: move it back ----------------------------------------- */

static enum restore_result restore_leaving(struct helper *h,
					   const struct uffd_event *ev,
					   page_word *w, uint64_t old)
{
	struct engine *e = h->engine;
	uint64_t slot = page_where(old);
	struct store_ref ref;
	struct claim c;
	enum uffd_result r;
	bool kept;

	if (!claim_page(e, &c, w, old))
		return RESTORE_AGAIN;
	r = evict_back(e, ev->addr, slot, UFFD_QUIET);
	/*
	 * A fault answered before: the page has been marked, and its evictor
	 * is about to move it.  Or the kernel has moved it and does not say
	 * so (evict_move.c).  It stays marked.
	 */
	if (r == UFFD_ALREADY) {
		unclaim(e, &c);
		uffd_wake(&e->main, ev->addr, PAGE_SIZE);
		return RESTORE_DONE;
	}
	if (r != UFFD_DONE) {
		unclaim(e, &c);
		/* HOLE: the evictor is about to move it just now */
		return r == UFFD_HOLE && e->use_move ? RESTORE_AGAIN
						     : restore_result_of(r);
	}
	h->put.start = ev->addr;
	h->put.end = ev->addr + PAGE_SIZE;
	if (unlikely(probe_owns(e, slot)))
		probe_asked(e, slot);
	atomic_store(staging_owner(&e->staging, slot), 0);
	kept = keep_take(e, slot, &ref);
	/* who was only watched has proved nothing by being used */
	settle_kept(e, &c, probe_owns(e, slot) ? c.was : cold_rescued(c.was),
		    kept, ref, false);
	/* shared since a fork: it was copied, and the slot is still full */
	if (unlikely(atomic_load(&e->fork.shares)))
		reclaim_owe(h, ev->addr, 1);
	count_one(UZSWAP_COUNT_leave_back);
	if (ev->kind == UFFD_FAULT)
		count_one(UZSWAP_COUNT_faults_leaving);
	return RESTORE_DONE;
}

/* --- stored: load, unpack, copy ------------------------------------------ */

static void load(struct helper *h, const struct claim *c, size_t at)
{
	struct store_ref ref = { page_where(c->was) };

	if (store_load(&h->engine->store, h->codec, ref,
		       h->bounce + at * PAGE_SIZE)) {
		count_one(UZSWAP_COUNT_damaged);
		die("store: a stored page does not unpack");
	}
}

/* Claim the page and the stored ones that follow, with their bytes. */
static size_t claim_stored(struct helper *h, struct claim *c, uintptr_t addr,
			   size_t nr)
{
	struct engine *e = h->engine;
	size_t n;

	for (n = 0; n < nr; n++) {
		page_word *w = page_find(&e->pages, addr + n * PAGE_SIZE);
		uint64_t old = w ? atomic_load(w) : 0;

		if (page_state(old) != PAGE_STORED ||
		    !claim_page(e, &c[n], w, old))
			break;
		load(h, &c[n], n);
	}
	return n;
}

enum restore_why {
	WHY_ASKED,	/* somebody waits for the first page */
	WHY_AT_WORK,	/* the same, where much is asked for: it will stay */
	WHY_PASSED,	/* the same, but he is only passing through */
	WHY_AHEAD,	/* nobody has asked yet */
	WHY_AROUND,	/* the same, where much is asked for */
};

static void settle_stored(struct engine *e, const struct claim *c,
			  enum restore_why why, bool first)
{
	struct store_ref ref = { page_where(c->was) };
	bool stays = why == WHY_AT_WORK || why == WHY_AROUND;
	uint64_t word;
	bool soon;

	word = cold_restored(&e->cold, c->was, first && why <= WHY_AT_WORK,
			     &soon);
	settle_kept(e, c, word, true, ref, !page_heat(word) && !stays);
	if (soon)
		count_one(UZSWAP_COUNT_refaults);
}

/* Up to NR stored pages from ADDR on, until one is not: how many in *DONE. */
static enum restore_result restore_run(struct helper *h, size_t *done,
				       uintptr_t addr, size_t nr,
				       enum restore_why why)
{
	struct engine *e = h->engine;
	struct claim claims[RESTORE_WINDOW];
	enum uffd_result r;

	*done = 0;
	nr = claim_stored(h, claims, addr, nr);
	if (!nr)
		return RESTORE_AGAIN;
	r = copy_run(h, done, addr, h->bounce, nr);
	for (size_t i = 0; i < *done; i++)
		settle_stored(e, &claims[i], why, i == 0);
	if (r == UFFD_ALREADY && !*done) {
		/* not by us: what the kernel has is newer, whatever it is */
		settle_stored(e, &claims[0], why, true);
		count_one(UZSWAP_COUNT_overtaken);
		uffd_wake(&e->main, addr, PAGE_SIZE);
		for (size_t i = 1; i < nr; i++)
			unclaim(e, &claims[i]);
		return RESTORE_DONE;
	}
	for (size_t i = *done; i < nr; i++)
		unclaim(e, &claims[i]);
	wake_rest(e, addr, *done, nr);
	if (!*done) {
		if (why >= WHY_AHEAD)
			uffd_wake(&e->main, addr, PAGE_SIZE);
		return restore_result_of(r);
	}
	if (why <= WHY_AT_WORK)
		cold_asked(e, addr);
	if (why == WHY_ASKED && !page_heat(atomic_load(claims[0].word)))
		cold_returned(&e->cold, addr);
	reclaim_owe(h, addr, *done);
	count_add(UZSWAP_COUNT_restored, *done);
	return RESTORE_DONE;
}

static bool is_stored(struct engine *e, uintptr_t addr)
{
	page_word *w = page_find(&e->pages, addr);

	return w && page_state(atomic_load(w)) == PAGE_STORED;
}

/*
 * The next run of stored pages that are to come along: those there already
 * are no end.  False if there is none.
 */
static bool restore_ahead(struct helper *h)
{
	struct engine *e = h->engine;
	struct page_run *left = &h->ahead;
	size_t done;

	while (left->start < left->end && !is_stored(e, left->start))
		left->start += PAGE_SIZE;
	if (left->start >= left->end || unlikely(fork_is_snapshot(&e->fork)))
		return false;
	restore_run(h, &done, left->start,
		    within_chunk(e, left->start,
				 (left->end - left->start) / PAGE_SIZE),
		    h->around ? WHY_AROUND : WHY_AHEAD);
	count_add(UZSWAP_COUNT_readahead, done);
	if (h->around)
		near_gave(h, done);
	left->start += done * PAGE_SIZE;
	return done;
}

static enum restore_result restore_stored(struct helper *h,
					  const struct uffd_event *ev)
{
	struct engine *e = h->engine;
	size_t window;
	struct stream *s =
		stream_find(&e->restore.streams, ev, STREAM_GAP, &window);
	size_t nr = within_chunk(e, ev->addr, window);
	enum restore_why why = window >= STREAM_LEAST ? WHY_PASSED :
			       cold_is_busy(e, ev->addr) ? WHY_AT_WORK :
			       WHY_ASKED;
	enum restore_result r;
	size_t done;

	if (ev->kind != UFFD_FAULT)
		return restore_run(h, &done, ev->addr,
				   within_chunk(e, ev->addr, RESTORE_WINDOW),
				   WHY_AHEAD);
	r = restore_run(h, &done, ev->addr, nr, why);
	if (r != RESTORE_DONE || !done)
		return r;
	count_add(UZSWAP_COUNT_readahead, done - 1);
	count_one(UZSWAP_COUNT_faults_stored);
	h->around = why == WHY_AT_WORK;
	h->ahead.start = h->around ? round_down(ev->addr, BUSY_BLOCK)
				   : ev->addr + done * PAGE_SIZE;
	h->ahead.end = h->around ? h->ahead.start + BUSY_BLOCK
				 : ev->addr + nr * PAGE_SIZE;
	if (why != WHY_PASSED)
		near_gave(h, done);
	if (why == WHY_PASSED && !atomic_load(&e->fork.shares))
		cold_passed(&e->cold, stream_last(s, ev));
	stream_note(s, ev, window, nr);
	return RESTORE_DONE;
}

/* --- one fault ---------------------------------------------------------- */

static enum restore_result restore_in_section(struct helper *h,
					      const struct uffd_event *ev)
{
	struct engine *e = h->engine;
	page_word *w = page_find(&e->pages, ev->addr);
	uint64_t old = w ? atomic_load(w) : 0;

	/* a word changed while an evictor is taking the page: wait for that */
	if (page_state(old) != PAGE_PACKING &&
	    unlikely(!evict_remap_before(e, ev->addr, 1)))
		return RESTORE_AGAIN;
	if (unlikely(fork_is_snapshot(&e->fork)))
		return snapshot_restore(h, ev);
	switch (page_state(old)) {
	case PAGE_HERE:
	case PAGE_DYING:
		if (ev->kind != UFFD_FAULT)
			return RESTORE_DONE;
		return restore_fresh(h, ev);
	case PAGE_LEAVING:
		return restore_leaving(h, ev, w, old);
	case PAGE_STORED:
		return restore_stored(h, ev);
	case PAGE_PACKING:
		/* its packer sees the mark, gives it back and wakes us */
		if (page_shift(&e->pages, w, &old, old | PAGE_WANTED))
			return RESTORE_DONE;
		return RESTORE_AGAIN;
	case PAGE_ARRIVING:
		return RESTORE_AGAIN;
	}
	return RESTORE_AGAIN;
}

enum restore_result restore_page(struct helper *h,
				 const struct uffd_event *ev)
{
	struct order *o = &h->engine->order;
	enum restore_result r;

	torture_pause();
	h->ahead.end = 0;
	order_enter(o, h->slot);
	r = restore_in_section(h, ev);
	order_leave(o, h->slot);
	return r;
}

static void wake_run(struct helper *h, struct page_run run)
{
	if (run.start < run.end)
		uffd_wake(&h->engine->main, run.start, run.end - run.start);
}

static bool restore_more(struct helper *h)
{
	struct order *o = &h->engine->order;
	bool more;

	torture_pause();
	order_enter(o, h->slot);
	more = restore_ahead(h);
	order_leave(o, h->slot);
	return more;
}

/*
 * BOUND: he cannot run before we sleep.  Woken now he would look as if he
 * lacked a CPU, and be given another one, where every fault costs more.
 */
void restore_wake(struct helper *h, bool bound)
{
	const struct page_run asked = h->put;
	bool more = h->ahead.start < h->ahead.end;

	if (!bound)
		wake_run(h, asked);
	while (unlikely(more)) {
		h->put.end = 0;
		more = restore_more(h);
		wake_run(h, h->put);
	}
	if (bound)
		wake_run(h, asked);
	h->put.end = 0;
}
