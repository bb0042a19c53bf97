/* SPDX-License-Identifier: MIT */
/*
 * Looking at all mappings costs a millisecond or so per thousand; the list
 * with details (smaps), which has the flags that forbid adoption, ten times
 * that and more, so it is read once, ahead of need.
 *
 * Registering what turns out to be something else by now is harmless: a
 * missing page of which we know nothing is a zero page, and a page that the
 * kernel will not move stays.
 */
#include "engine/adopt.h"

#include <errno.h>
#include <string.h>

#include "base/count.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "engine/evict_remap.h"
#include "engine/keep.h"
#include "engine/yield.h"

#define BSS_LEAST	MIB
#define MAX_ADDR	((uintptr_t)1 << ADDR_BITS)
#define RETURN_LEAST	(16 * MIB)	/* shortest run given back */

#define FORBIDDEN							\
	(PROC_VM_LOCKED | PROC_VM_IO | PROC_VM_PFN | PROC_VM_MIXED |	\
	 PROC_VM_HUGETLB | PROC_VM_NO_DUMP | PROC_VM_GROWS_DOWN |	\
	 PROC_VM_SHADOW_STACK | PROC_VM_DROPPABLE)

/*
 * Of these, what lasts.  Not locks: they come and go, one that is over when
 * it is noted would last for ever, and the kernel keeps locked pages itself.
 */
#define NOTED		((uint32_t)FORBIDDEN & ~(uint32_t)PROC_VM_LOCKED)

int adopt_init(struct engine *e)
{
	e->adopt.buf = arena_alloc(&e->arena, ADOPT_BUF_LEN);
	e->adopt.nowhere = (uintptr_t)arena_reserve(&e->arena, PAGE_SIZE,
						    PAGE_SIZE);
	return e->adopt.buf && e->adopt.nowhere ? 0 : -ENOMEM;
}

static bool is_eligible(const struct engine *e, const struct proc_map *m)
{
	if (m->shared || m->inode || m->end >> ADDR_BITS)
		return false;
	if (m->kind != PROC_MAP_NONE && m->kind != PROC_MAP_HEAP &&
	    m->kind != PROC_MAP_NAMED)
		return false;
	if (m->end - m->start < (torture_is_on() ? PAGE_SIZE
						 : e->cfg.min_mapping))
		return false;
	if (arena_overlaps(&e->arena, m->start, m->end))
		return false;
	return !exempt_has(&e->exempt, m->start, m->end) &&
	       !exempt_overlaps(&e->exempt, EXEMPT_NEVER, m->start, m->end);
}

/*
 * Is M the .bss of the file mapped before it?  libc's own is used in the
 * child of a fork before anybody answers faults there, and ours by the
 * servers; so only large ones, which are a program's arrays, count.
 */
static bool is_small_bss(const struct proc_map *before,
			 const struct proc_map *m)
{
	return before->inode && before->end == m->start &&
	       m->end - m->start < BSS_LEAST;
}

/*
 * Exclusive, so that an event of the range is not applied before the region
 * is known.  And the range must be whole: what is mapped into a hole of it
 * later would not be registered, yet pages would leave it.
 */
static void take_locked(struct engine *e, uintptr_t start, uintptr_t end)
{
	size_t nr = (end - start) / PAGE_SIZE;

	/* not under a run of pages that is just being taken */
	if (evict_remap_before(e, start, nr) < nr)
		return;
	if (uffd_register(&e->main, start, end - start, false))
		return;		/* somebody else's, or gone again */
	torture_pause();
	if (!uffd_is_whole(&e->main, start, end - start, e->adopt.nowhere))
		return;		/* it is changing: the next look will do */
	if (region_add(&e->regions, start, end))
		uffd_unregister(&e->main, start, end - start);
	else
		count_one(UZSWAP_COUNT_regions_adopted);
}

static void take(struct engine *e, uintptr_t start, uintptr_t end)
{
	if (region_has(&e->regions, start, end))
		return;
	order_exclude(&e->order);
	if (still_change(&e->still)) {
		take_locked(e, start, end);
		still_changed(&e->still);
	}
	order_admit(&e->order);
}

static bool is_ring(const struct proc_map *m)
{
	return !strcmp(m->name, "anon_inode:[io_uring]");
}

/* If the hooks could not note all that is to be left alone, ask the kernel. */
static int open_maps(struct engine *e, struct proc_maps *maps)
{
	if (unlikely(atomic_load(&e->exempt.full)))
		return proc_smaps_open(maps, e->adopt.buf, ADOPT_BUF_LEN);
	return proc_maps_open(maps, e->adopt.buf, ADOPT_BUF_LEN);
}

bool adopt_list(struct engine *e, struct adopt_list *l)
{
	l->engine = e;
	l->before = (struct proc_map){ 0 };
	l->map = (struct proc_map){ 0 };
	return !open_maps(e, &l->maps);
}

const struct proc_map *adopt_next(struct adopt_list *l)
{
	for (;;) {
		l->before = l->map;
		if (!proc_maps_next(&l->maps, &l->map)) {
			proc_maps_close(&l->maps);
			return NULL;
		}
		if (l->map.kind == PROC_MAP_HEAP)
			atomic_store(&l->engine->adopt.brk, l->map.end);
		if (l->map.shared && is_ring(&l->map))
			evict_remap_pins(l->engine, false);
		if (is_eligible(l->engine, &l->map) &&
		    !is_small_bss(&l->before, &l->map) &&
		    !(l->map.has_details && (l->map.vm_flags & FORBIDDEN)))
			return &l->map;
	}
}

/* Bytes of eligible mappings, and whether some are not known yet. */
static size_t survey(struct engine *e, bool *news)
{
	const struct proc_map *m;
	struct adopt_list list;
	size_t sum = 0;

	*news = false;
	if (!adopt_list(e, &list))
		return 0;
	while ((m = adopt_next(&list))) {
		sum += m->end - m->start;
		if (!region_has(&e->regions, m->start, m->end))
			*news = true;
	}
	return sum;
}

static void take_all(struct engine *e)
{
	const struct proc_map *m;
	struct adopt_list list;

	if (!adopt_list(e, &list))
		return;
	while ((m = adopt_next(&list)))
		take(e, m->start, m->end);
}

static bool chunk_is_plain(struct engine *e, uintptr_t addr)
{
	page_word *w = page_find(&e->pages, round_down(addr, CHUNK_SIZE));

	for (size_t i = 0; w && i < CHUNK_PAGES; i++)
		if (page_state(atomic_load(&w[i])) != PAGE_HERE)
			return false;
	return true;
}

static unsigned why_of(uint32_t vm_flags)
{
	return vm_flags & PROC_VM_NO_DUMP ? EXEMPT_NO_DUMP : EXEMPT_NEVER;
}

/*
 * The detailed list walks all page tables (10 ms per GiB), so it is read
 * once, when the gate is about to close; for what comes later the hooks know
 * what was locked or is not to be dumped.
 */
static void read_flags(struct engine *e)
{
	struct proc_maps maps;
	struct proc_map m;

	e->adopt.flags_known = true;
	if (proc_smaps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN))
		return;
	while (proc_maps_next(&maps, &m))
		if (is_eligible(e, &m) && (m.vm_flags & NOTED))
			exempt_add(&e->exempt, why_of(m.vm_flags), m.start,
				   m.end);
	proc_maps_close(&maps);
	/* what of that is ours already */
	yield_ask(e);
}

/* Was there a mapping with this bound at the last look?  Note it. */
static bool was_bound(struct adopt *a, uintptr_t addr)
{
	uint64_t hash = (uint64_t)(addr >> PAGE_SHIFT) * 0x9e3779b97f4a7c15u;
	unsigned bit = (unsigned)(hash >> 32) % ADOPT_OLD_BITS;
	uint64_t mask = (uint64_t)1 << (bit % 64);

	a->old_maps[1][bit / 64] |= mask;
	return a->old_maps[0][bit / 64] & mask;
}

/* A mapping that grows keeps one of its bounds, as a rule. */
static bool is_old(struct adopt *a, const struct proc_map *m)
{
	bool start = was_bound(a, m->start);
	bool end = was_bound(a, m->end - 1);

	return start || end;
}

void adopt_watch(struct engine *e)
{
	struct adopt *a = &e->adopt;
	const struct proc_map *m;
	struct adopt_list list;

	if (!a->flags_known)
		read_flags(e);
	if (!adopt_list(e, &list))
		return;
	while ((m = adopt_next(&list)))
		if (is_old(a, m))
			take(e, m->start, m->end);
	memcpy(a->old_maps[0], a->old_maps[1], sizeof(a->old_maps[0]));
	memset(a->old_maps[1], 0, sizeof(a->old_maps[1]));
}

static void looked(struct engine *e)
{
	atomic_store(&e->adopt.unseen, 0);
	atomic_store(&e->adopt.seen, proc_private_bytes());
	atomic_fetch_add(&e->adopt.looked, 1);
	sys_futex_wake(&e->adopt.looked, 1 << 16);
}

void adopt_survey(struct engine *e, bool flags)
{
	bool news;

	if (flags && !e->adopt.flags_known)
		read_flags(e);
	atomic_store(&e->adopt.eligible, survey(e, &news));
	looked(e);
}

void adopt_look(struct engine *e)
{
	bool news;

	atomic_store(&e->adopt.eligible, survey(e, &news));
	if (news)
		take_all(e);
	looked(e);
}

void adopt_close(struct engine *e)
{
	e->adopt.closed = true;
	atomic_store(&e->adopt.gate, 1);
	e->adopt.calm_since_ns = 0;
	adopt_look(e);
	if (!e->adopt.flags_known)
		read_flags(e);
}

void adopt_heap(struct engine *e)
{
	uintptr_t old = atomic_load(&e->adopt.brk);
	uintptr_t now = round_up((size_t)sys_brk(0), PAGE_SIZE);

	if (old && now > old && now - old < 64 * GIB &&
	    !exempt_overlaps(&e->exempt, EXEMPT_ALL, old, now))
		take(e, old, now);
	atomic_store(&e->adopt.brk, now);
}

/*
 * What is away there is written back plainly, by who would wait for himself
 * if it were still registered.
 */
static void unregister_surely(struct engine *e, uintptr_t start, uintptr_t end)
{
	for (unsigned i = 0; i < INSIST_MOST; i++) {
		if (uffd_unregister(&e->main, start, end - start) != -ENOMEM)
			return;
		sys_nanosleep(INSIST_NS);
	}
	die("fork: no memory to let go of what cannot be watched");
}

/*
 * A region as a whole could not be registered: some mapping in it is not
 * there, or not anonymous any more.  Piece by piece, then.
 */
static void take_pieces(struct engine *e, const struct region *r)
{
	struct proc_maps maps;
	struct proc_map m;

	region_cut(&e->regions, r->start, r->end);
	if (proc_maps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN))
		return;
	while (proc_maps_next(&maps, &m)) {
		uintptr_t start = m.start > r->start ? m.start : r->start;
		uintptr_t end = m.end < r->end ? m.end : r->end;

		if (start >= end || m.shared || m.inode)
			continue;
		take(e, start, end);
		if (region_has(&e->regions, start, end))
			continue;
		unregister_surely(e, start, end);
	}
	proc_maps_close(&maps);
}

void adopt_unregister_all(struct engine *e)
{
	struct proc_maps maps;
	struct proc_map m;

	if (proc_maps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN))
		return;
	while (proc_maps_next(&maps, &m) && m.start < MAX_ADDR)
		if (!m.shared && !m.inode &&
		    !arena_overlaps(&e->arena, m.start, m.end))
			uffd_unregister(&e->main, m.start, m.end - m.start);
	proc_maps_close(&maps);
}

static void forget(struct engine *e, uintptr_t start, uintptr_t end)
{
	const struct uffd_event ev = {
		.kind = UFFD_UNMAP, .addr = start, .len = end - start,
	};

	if (start < end)
		event_apply(&e->steward, &ev);
}

void adopt_forget_uncopied(struct engine *e)
{
	bool wiped = atomic_load(&e->adopt.wipes);
	struct proc_maps maps;
	struct proc_map m;
	uintptr_t at = 0;

	/* the detailed list is slow: only if WIPEONFORK was seen to be used */
	if (wiped ? proc_smaps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN)
		  : proc_maps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN))
		return;
	while (proc_maps_next(&maps, &m) && m.start < MAX_ADDR) {
		forget(e, at, m.start);
		at = m.end;
		if (m.vm_flags & PROC_VM_WIPE_ON_FORK)
			forget(e, m.start, m.end);
	}
	if (!maps.lines.err)
		forget(e, at, MAX_ADDR);
	proc_maps_close(&maps);
}

bool adopt_again(struct engine *e)
{
	struct region r;
	uintptr_t at = 0;
	bool all = true;

	adopt_forget_uncopied(e);
	while (region_next(&e->regions, at, &r)) {
		at = r.end;
		if (uffd_register(&e->main, r.start, r.end - r.start, false)) {
			take_pieces(e, &r);
			all = false;
		}
	}
	return all;
}

/* Exclusive.  Unregister [START, END), which has nothing stored. */
static void give_back(struct engine *e, uintptr_t start, uintptr_t end)
{
	uintptr_t at = start;
	struct chunk *c;

	/* after watching, with the gate open, all goes back */
	if (e->adopt.closed && end - start < RETURN_LEAST &&
	    !torture_is_on())
		return;
	keep_forget(e, start, end);
	while ((c = page_next_chunk(&e->pages, at, end))) {
		at = c->base + CHUNK_SIZE;
		if (c->base < start || at > end)
			continue;
		for (size_t i = 0; i < CHUNK_PAGES; i++)
			page_set(&e->pages, &c->words[i], 0);
		page_free_chunk(&e->pages, c);
	}
	region_cut(&e->regions, start, end);
	uffd_unregister(&e->main, start, end - start);
	count_one(UZSWAP_COUNT_regions_returned);
}

static void give_back_region(struct engine *e, const struct region *r)
{
	uintptr_t from = r->start;
	uintptr_t at;

	for (at = r->start; at < r->end;
	     at = round_down(at, CHUNK_SIZE) + CHUNK_SIZE) {
		if (chunk_is_plain(e, at))
			continue;
		if (at > from)
			give_back(e, from, at);
		from = round_down(at, CHUNK_SIZE) + CHUNK_SIZE;
	}
	if (from < r->end)
		give_back(e, from, r->end);
}

static void opened(struct engine *e)
{
	e->adopt.closed = false;
	e->adopt.flags_known = false;
	atomic_store(&e->adopt.gate, 0);
}

void adopt_open_watched(struct engine *e)
{
	opened(e);
}

void adopt_open(struct engine *e)
{
	struct region r;
	uintptr_t at = 0;

	while (region_next(&e->regions, at, &r)) {
		order_exclude(&e->order);
		if (region_has(&e->regions, r.start, r.end) &&
		    still_change(&e->still)) {
			give_back_region(e, &r);
			still_changed(&e->still);
		}
		order_admit(&e->order);
		at = r.end;
	}
	if (!atomic_load(&e->regions.bytes))
		opened(e);
}
