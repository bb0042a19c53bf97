/* SPDX-License-Identifier: MIT */
#include "engine/depart.h"

#include <string.h>

#include "base/count.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/evict_remap.h"

#define LONG_WINDOW	(2 * TRAY_SLOTS)	/* worth a row of trays */

/* A long window, into a row of trays. */
static enum uffd_result leave_long(struct helper *h, uintptr_t addr,
				   size_t *nr)
{
	struct engine *e = h->engine;
	uint32_t row = HUGE_TRAYS;
	struct tray *t = NULL;
	enum uffd_result r;

	while (!t && row > 1) {
		if (row * TRAY_SLOTS <= *nr)
			t = staging_open_row(&e->staging, row);
		if (!t)
			row /= 2;
	}
	if (!t)
		return UFFD_NOMEM;
	*nr = min_size(*nr, row * TRAY_SLOTS);
	r = evict_remap_fly(h, t, addr, nr);
	for (uint32_t i = 1; i < row; i++)
		t[i].lost = t[0].lost;
	evict_enqueue(h, t, row, r == UFFD_DONE ? *nr : 0);
	return r;
}

static enum uffd_result leave_short(struct helper *h, uintptr_t addr,
				    size_t *nr)
{
	struct tray *t = evict_tray(h);
	enum uffd_result r;

	if (!t)
		return UFFD_NOMEM;
	*nr = min_size(*nr, TRAY_SLOTS - t->used);
	r = evict_remap_fly(h, t, addr, nr);
	if (r == UFFD_DONE) {
		t->used += (uint32_t)*nr;
		t->runs++;
	}
	if (t->lost)
		evict_flush(h);
	return r;
}

/* --- pages of a chunk ----------------------------------------------------- */

static bool has(const struct departures *d, size_t at)
{
	return d->pages[at / 64] >> (at % 64) & 1;
}

/* The first one from AT on, or CHUNK_PAGES. */
static size_t next_page(const struct departures *d, size_t at)
{
	while (at < CHUNK_PAGES && !has(d, at))
		at++;
	return at;
}

/* How many there are without a gap, AT being one. */
static size_t run_length(const struct departures *d, size_t at)
{
	size_t end = at;

	while (end < CHUNK_PAGES && has(d, end))
		end++;
	return end - at;
}

/* From AT, which is one, to the last one of the next MOST pages. */
static size_t window_length(const struct departures *d, size_t at, size_t most)
{
	size_t end = min_size(at + most, CHUNK_PAGES);

	while (!has(d, end - 1))
		end--;
	return end - at;
}

/*
 * What to do about a window of NR pages, the first RUN of them without a gap,
 * that did not leave: how many to pass over.  It may be that it reaches into
 * what is not ours: *MOST, the longest to try, is less then.
 */
static size_t after_refusal(enum uffd_result r, size_t nr, size_t run,
			    size_t *most)
{
	switch (r) {
	case UFFD_HOLE:
		if (nr > 1) {
			*most = nr / 2;
			return 0;
		}
		return 1;
	case UFFD_REFUSED:
		if (nr > run) {
			*most = run;
			return 0;
		}
		count_one(UZSWAP_COUNT_skip_protected);
		return nr;
	case UFFD_BUSY:
		return 1;
	case UFFD_DONE:
	case UFFD_ALREADY:
	case UFFD_AGAIN:
	case UFFD_NOMEM:
	case UFFD_GONE:
		return CHUNK_PAGES;	/* enough for now */
	}
	return CHUNK_PAGES;
}

/*
 * What a relative has as well, since a fork, stays: it would be packed twice,
 * and its memory be free when both are done.  (Engine A's MOVE refuses it.)
 */
static void leave_out_shared(struct helper *h)
{
	struct departures *d = &h->departures;
	size_t at = next_page(d, 0);

	while (at < CHUNK_PAGES) {
		bool exclusive;
		size_t n = pagemap_alike(&h->pagemap,
					 d->chunk + at * PAGE_SIZE,
					 run_length(d, at), &exclusive);

		n = max_size(n, 1);
		for (size_t i = at; i < at + n && !exclusive; i++)
			d->pages[i / 64] &= ~((uint64_t)1 << (i % 64));
		at = next_page(d, at + n);
	}
}

size_t depart_all(struct helper *h)
{
	struct departures *d = &h->departures;
	size_t most = CHUNK_PAGES;
	size_t total = 0;
	size_t at;

	if (!d->nr)
		return 0;
	if (unlikely(atomic_load(&h->engine->fork.shares)))
		leave_out_shared(h);
	at = next_page(d, 0);
	while (at < CHUNK_PAGES) {
		size_t n = window_length(d, at, most);
		uintptr_t addr = d->chunk + at * PAGE_SIZE;
		enum uffd_result r = UFFD_NOMEM;

		if (n >= LONG_WINDOW)
			r = leave_long(h, addr, &n);
		if (r == UFFD_NOMEM)
			r = leave_short(h, addr, &n);
		if (r == UFFD_DONE) {
			total += h->flight.nr;
			most = CHUNK_PAGES;
			count_add(UZSWAP_COUNT_leave_moved, h->flight.nr);
		} else {
			n = after_refusal(r, n, run_length(d, at), &most);
		}
		at = next_page(d, at + n);
	}
	memset(d->pages, 0, sizeof(d->pages));
	d->nr = 0;
	return total;
}

size_t depart_add(struct helper *h, uintptr_t addr, size_t nr)
{
	struct departures *d = &h->departures;
	const uintptr_t chunk = round_down(addr, CHUNK_SIZE);
	const size_t at = (addr - chunk) / PAGE_SIZE;
	size_t left = 0;

	if (h->server)
		return 0;	/* it would wait for itself */
	if (chunk != d->chunk)
		left = depart_all(h);
	d->chunk = chunk;
	for (size_t i = at; i < at + nr && i < CHUNK_PAGES; i++)
		d->pages[i / 64] |= (uint64_t)1 << (i % 64);
	d->nr += (uint32_t)nr;
	return left;
}
