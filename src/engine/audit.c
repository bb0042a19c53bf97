/* SPDX-License-Identifier: MIT */
/*
 * The world is held still as for a fork: FORK.USERS keeps evictors and
 * compaction from beginning anything, and BUSY says when they have ended what
 * they had begun.  A snapshot that a fork has left is settled first, by the
 * steward's next tick; so an audit that finds one is put off.
 */
#include "engine/audit.h"

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"

#define ONE_IN		256u	/* ticks of a tortured steward */
#define POLL_NS		(20 * NS_PER_MS)
#define PAUSE_NS	(50 * NS_PER_US)

struct sums {
	uint64_t in[PAGE_NR_STATES];
	uint64_t kept;		/* HERE, with an object */
	uint64_t refused;
	uint64_t beside;	/* on probation, with an older object */
};

static bool slot_is_of(struct engine *e, uint64_t slot, uintptr_t addr)
{
	return slot < staging_len(&e->staging) / PAGE_SIZE &&
	       atomic_load(staging_owner(&e->staging, slot)) == addr;
}

static const char *count_word(struct engine *e, struct sums *s, uintptr_t addr,
			      uint64_t word)
{
	struct store_ref ref = { page_where(word) };

	s->in[page_state(word)]++;
	s->kept += page_has_object(word);
	s->refused += (word & PAGE_REFUSED) != 0;
	switch (page_state(word)) {
	case PAGE_LEAVING:
	case PAGE_PACKING:
		if (!slot_is_of(e, page_where(word), addr))
			return "a page on probation has no slot of its own";
		s->beside += atomic_load(&e->staging.trays[
				page_where(word) / TRAY_SLOTS].kept[
				page_where(word) % TRAY_SLOTS]) != 0;
		break;
	case PAGE_STORED:
		if (!store_is_of(&e->store, ref, addr >> PAGE_SHIFT))
			return "a stored page has no object of its own";
		break;
	case PAGE_HERE:
		if (page_has_object(word) &&
		    !store_is_of(&e->store, ref, addr >> PAGE_SHIFT))
			return "a page keeps an object that is not its own";
		break;
	case PAGE_ARRIVING:
		return "a page is arriving while nobody is in a section";
	case PAGE_DYING:
		break;
	}
	return NULL;
}

static const char *count_words(struct engine *e, struct sums *s)
{
	const char *wrong = NULL;
	uintptr_t at = 0;
	struct chunk *c;

	while (!wrong && (c = page_next_chunk(&e->pages, at, UINTPTR_MAX))) {
		at = c->base + CHUNK_SIZE;
		for (size_t i = 0; !wrong && i < CHUNK_PAGES; i++)
			wrong = count_word(e, s, c->base + i * PAGE_SIZE,
					   atomic_load(&c->words[i]));
	}
	return wrong;
}

static const char *check_totals(struct engine *e, const struct sums *s)
{
	const struct page_totals *t = &e->pages.totals;

	for (unsigned i = PAGE_HERE + 1; i < PAGE_NR_STATES; i++)
		if (atomic_load(&t->in[i]) != (int64_t)s->in[i])
			return "pages in some state are not as many as counted";
	if (atomic_load(&t->kept) != (int64_t)s->kept)
		return "pages that keep an object are not as many as counted";
	if (atomic_load(&t->refused) != (int64_t)s->refused)
		return "refused pages are not as many as counted";
	return NULL;
}

/* Probes' slots lie behind the trays, and are theirs (probe.h). */
static const char *check_slots(struct engine *e)
{
	const uint64_t nr = (uint64_t)e->staging.nr_trays * TRAY_SLOTS;

	for (uint64_t slot = 0; slot < nr; slot++) {
		uintptr_t addr = atomic_load(staging_owner(&e->staging, slot));
		page_word *w = addr ? page_find(&e->pages, addr) : NULL;
		uint64_t word = w ? atomic_load(w) : 0;

		if (addr && ((page_state(word) != PAGE_LEAVING &&
			      page_state(word) != PAGE_PACKING) ||
			     page_where(word) != slot))
			return "a slot belongs to a page that is not there";
	}
	return NULL;
}

static const char *check_store(struct engine *e, const struct sums *s)
{
	struct store_usage use;

	store_usage(&e->store, &use);
	if (use.pages != s->in[PAGE_STORED] + s->kept + s->beside)
		return "objects are not as many as pages that have one";
	if (count_get(UZSWAP_COUNT_evicted) !=
	    count_get(UZSWAP_COUNT_restored) +
	    count_get(UZSWAP_COUNT_dropped) +
	    count_get(UZSWAP_COUNT_overtaken) + s->in[PAGE_STORED])
		return "evicted is not restored, dropped, overtaken and stored";
	return NULL;
}

const char *audit_books(struct engine *e)
{
	struct sums s = { 0 };
	const char *wrong = count_words(e, &s);

	if (!wrong)
		wrong = check_totals(e, &s);
	if (!wrong)
		wrong = check_slots(e);
	if (!wrong)
		wrong = check_store(e, &s);
	if (!wrong && !region_is_valid(&e->regions))
		wrong = "the regions are out of order";
	return wrong;
}

bool audit_wait(struct engine *e, uint64_t max_ns)
{
	const uint32_t ticket = atomic_fetch_add(&e->audit.asked, 1) + 1;
	const uint64_t until = sys_now_ns() + max_ns;
	_Atomic uint32_t *done = &e->audit.done;
	uint32_t is;

	engine_ring(e);
	while ((int32_t)((is = atomic_load(done)) - ticket) < 0) {
		if (atomic_load(&e->ready) != 1 || sys_now_ns() > until)
			return false;
		thread_wait(done, is, POLL_NS);
	}
	return true;
}

void audit_work(struct helper *h)
{
	struct engine *e = h->engine;
	struct audit *a = &e->audit;
	const uint32_t asked = atomic_load(&a->asked);
	const char *wrong = NULL;
	bool still;

	if (likely(asked == atomic_load(&a->done)) && !torture_strikes(ONE_IN))
		return;
	atomic_fetch_add(&e->fork.users, 1);
	while (atomic_load(&e->fork.busy))
		sys_nanosleep(PAUSE_NS);
	order_exclude(&e->order);
	still = !fork_is_snapshot(&e->fork);
	if (still)
		wrong = audit_books(e);
	order_admit(&e->order);
	atomic_fetch_sub(&e->fork.users, 1);
	if (wrong)
		die(wrong);
	if (!still)
		return;
	count_one(UZSWAP_COUNT_audits);
	atomic_store(&a->done, asked);
	sys_futex_wake(&a->done, 1 << 16);
}
