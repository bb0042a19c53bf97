/* SPDX-License-Identifier: MIT */
/*
 * What each side owns afterwards:
 *
 *	parent   all as before; the steward settles the journal and the kept
 *	         events, then evicting goes on
 *	child    its own copy of the page words, pool and staging; new
 *	         userfaultfds, registration and threads; locks made anew
 *
 * Several forks may overlap: USERS counts them, the snapshot lasts until the
 * last one is over and the steward has settled.
 */
#include "engine/fork.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "engine/fault.h"
#include "engine/keep.h"

/* Pages that all servers may note between two of one's batches. */
#define JOURNAL_SPARE	(SERVERS_MAX * (UFFD_BATCH + FAULT_QUEUE))

#define SHARED_MOST_NS	(300 * NS_PER_S)
#define BUSY_PAUSE_NS	(50 * NS_PER_US)
/* Room before a fork: how long it may take, and how often in vain. */
#define ROOM_PART	8
#define ROOM_MOST_NS	NS_PER_S
#define ROOM_PAUSE_NS	(NS_PER_MS / 2)
#define ROOM_STUCK	3u
/* Children gone so soon need none; nor do those forked soon after. */
#define BRIEF_NS	NS_PER_S
#define OFTEN_NS	(10 * NS_PER_S)

static struct uffd_event *kept_event(const struct fork_state *f, uint32_t i)
{
	return fork_list_at(&f->events, i);
}

int fork_init(struct engine *e)
{
	struct fork_state *f = &e->fork;

	f->probe = arena_alloc(&e->arena, PAGE_SIZE);
	if (!f->probe ||
	    fork_list_init(&f->journal, &e->arena, sizeof(struct fork_entry)) ||
	    fork_list_init(&f->events, &e->arena, sizeof(struct uffd_event)))
		return -ENOMEM;
	return 0;
}

bool fork_work_begin(struct fork_state *f)
{
	atomic_fetch_add(&f->busy, 1);
	if (likely(!atomic_load(&f->snapshot) && !atomic_load(&f->users)))
		return true;
	atomic_fetch_sub(&f->busy, 1);
	return false;
}

void fork_work_end(struct fork_state *f)
{
	atomic_fetch_sub(&f->busy, 1);
}

bool fork_has_space(struct engine *e)
{
	struct fork_state *f = &e->fork;

	return likely(!fork_is_snapshot(f)) ||
	       (fork_list_grow(&f->events, UFFD_BATCH) &&
		fork_list_grow(&f->journal, JOURNAL_SPARE));
}

bool fork_note_page(struct fork_state *f, uintptr_t addr, uintptr_t origin)
{
	struct fork_list *l = &f->journal;
	uint32_t at = atomic_fetch_add(&l->nr, 1);

	if (at >= l->fit) {
		atomic_fetch_sub(&l->nr, 1);
		return false;
	}
	*(struct fork_entry *)fork_list_at(l, at) =
		(struct fork_entry){ addr, origin };
	return true;
}

bool fork_keep_event(struct fork_state *f, const struct uffd_event *ev)
{
	if (likely(!fork_is_snapshot(f)))
		return false;
	ASSERT(f->events.nr < f->events.fit);
	*kept_event(f, f->events.nr++) = *ev;
	return true;
}

uintptr_t fork_origin(const struct fork_state *f, uintptr_t addr)
{
	for (uint32_t i = f->events.nr; i--;) {
		const struct uffd_event *ev = kept_event(f, i);

		if (ev->kind == UFFD_REMAP && addr - ev->to < ev->len)
			addr = addr - ev->to + ev->addr;
		else if (addr - ev->addr < ev->len)
			return 0;
	}
	return addr;
}

void fork_hold(struct engine *e)
{
	atomic_fetch_add(&e->fork.users, 1);
}

void fork_release(struct engine *e)
{
	torture_pause();
	atomic_fetch_sub(&e->fork.users, 1);
}

/* Pages: a part of the limit, or of this process if that is smaller. */
static int64_t room_wanted(struct engine *e)
{
	uint64_t own = atomic_load(&e->resident) / PAGE_SIZE +
		       page_total(&e->pages, PAGE_STORED);
	int64_t part = (int64_t)(own / ROOM_PART);

	return part < e->reclaim.ample ? part : e->reclaim.ample;
}

void fork_make_room(struct engine *e)
{
	struct reclaim *r = &e->reclaim;
	const uint64_t now_ns = sys_now_ns();
	const int64_t want = room_wanted(e);

	if (atomic_load(&e->fork.brief) &&
	    now_ns - atomic_load(&e->fork.shared_ns) < OFTEN_NS)
		return;
	atomic_store(&r->stuck, 0);	/* of the last child's days, maybe */
	while (atomic_load(&r->room) < want &&
	       sys_now_ns() - now_ns < ROOM_MOST_NS &&
	       atomic_load(&r->stuck) < ROOM_STUCK &&
	       !atomic_load(&e->stopping) && !atomic_load(&e->fork.users)) {
		atomic_store(&r->ahead, want);
		reclaim_ring(r);
		sys_nanosleep(ROOM_PAUSE_NS);
	}
	atomic_store(&r->ahead, 0);
}

void fork_prepare(struct engine *e)
{
	struct fork_state *f = &e->fork;

	/*
	 * Not exclusively: the server that would bring this thread's stack
	 * back waits for an exclusive holder.  The end of an earlier fork may
	 * come in between, and take back what was set.
	 */
	do {
		atomic_store(&f->snapshot, 1);
		order_drain(&e->order);
	} while (!atomic_load(&f->snapshot));
	while (atomic_load(&f->busy))
		sys_nanosleep(BUSY_PAUSE_NS);
	torture_pause();
	atomic_fetch_add(f->probe, 1);
	count_one(UZSWAP_COUNT_forks);
}

void fork_parent(struct engine *e)
{
	fork_release(e);
	engine_ring(e);
}

/* The page at ADDR is present though its word says otherwise. */
static void settle_page(struct engine *e, page_word *w)
{
	uint64_t word = atomic_load(w);
	struct store_ref ref = { page_where(word) };
	bool soon;

	switch (page_state(word)) {
	case PAGE_STORED:
		page_set(&e->pages, w,
			 page_at(cold_restored(&e->cold, word, true, &soon),
				 PAGE_HERE, 0));
		store_drop(&e->store, ref);
		count_one(UZSWAP_COUNT_restored);
		break;
	case PAGE_LEAVING:
		atomic_store(staging_owner(&e->staging, page_where(word)), 0);
		keep_drop_slot(e, page_where(word));
		page_set(&e->pages, w,
			 page_at(cold_rescued(word), PAGE_HERE, 0));
		count_one(UZSWAP_COUNT_leave_back);
		break;
	case PAGE_DYING:
		page_set(&e->pages, w, page_at(word, PAGE_HERE, 0));
		break;
	case PAGE_HERE:
	case PAGE_PACKING:
	case PAGE_ARRIVING:
		break;
	}
}

/* From now on the pages of this process are those of another one, too. */
static void share(struct engine *e)
{
	staging_set_aside(&e->staging);
	store_seal(&e->store);
	cold_share(&e->cold);
	atomic_store(&e->fork.shared_ns, sys_now_ns());
	atomic_store(&e->fork.shares, 1);
}

/* Where the page is that the books have at ADDR; 0: it is gone. */
static uintptr_t place_of(const struct fork_state *f, uintptr_t addr)
{
	for (uint32_t i = 0; i < f->events.nr; i++) {
		const struct uffd_event *ev = kept_event(f, i);

		if (addr - ev->addr >= ev->len)
			continue;
		if (ev->kind != UFFD_REMAP)
			return 0;
		addr = addr - ev->addr + ev->to;
	}
	return addr;
}

/* The pages put back, of which some may be gone again, or elsewhere. */
static void settle_journal(struct helper *h)
{
	struct engine *e = h->engine;
	struct fork_list *l = &e->fork.journal;

	for (uint32_t i = 0; i < l->nr; i++) {
		const struct fork_entry *f = fork_list_at(l, i);
		page_word *w = page_find(&e->pages, f->origin);
		uintptr_t at = place_of(&e->fork, f->origin);

		if (w && at && pagemap_is_here(at))
			settle_page(e, w);
	}
	fork_list_clear(l);
}

static void settle_events(struct helper *h)
{
	struct engine *e = h->engine;
	struct fork_state *f = &e->fork;

	for (uint32_t i = 0; i < f->events.nr; i++)
		event_apply(h, kept_event(f, i));
	fork_list_clear(&f->events);
	/* switched off meanwhile: where something has moved to is as little
	   registered as all else */
	if (e->main.fd < 0)
		region_cut(&e->regions, 0, UINTPTR_MAX);
}

void fork_settle(struct helper *h)
{
	struct engine *e = h->engine;
	struct fork_state *f = &e->fork;

	if (likely(!fork_is_snapshot(f)) || atomic_load(&f->users))
		return;
	order_exclude(&e->order);
	if (!atomic_load(&f->users)) {
		share(e);
		settle_journal(h);
		settle_events(h);
		atomic_store(&f->snapshot, 0);
	}
	order_admit(&e->order);
}

void fork_check_shared(struct helper *h)
{
	struct fork_state *f = &h->engine->fork;
	uint64_t since_ns;
	bool exclusive;

	if (likely(!atomic_load(&f->shares)))
		return;
	since_ns = sys_now_ns() - atomic_load(&f->shared_ns);
	pagemap_alike(&h->pagemap, (uintptr_t)f->probe, 1, &exclusive);
	if ((!exclusive && since_ns < SHARED_MOST_NS) || !fork_work_begin(f))
		return;
	atomic_store(&f->brief, since_ns < BRIEF_NS);
	store_unseal(&h->engine->store);
	staging_own(&h->engine->staging);
	atomic_store(&f->shares, 0);
	fork_work_end(f);
}

/* --- the child ----------------------------------------------------------- */

/* Drop the objects of pages that were restored while the copy was taken. */
static void settle_present(struct helper *h, struct chunk *c)
{
	struct engine *e = h->engine;
	struct page_run runs[64];
	uintptr_t at = c->base;
	uintptr_t end = c->base + CHUNK_SIZE;
	uintptr_t next;

	while (at < end) {
		long nr = pagemap_present(&h->pagemap, &next, at, end, runs,
					  ARRAY_SIZE(runs));
		const bool sure = nr >= 0;

		if (!sure) {
			runs[0] = (struct page_run){ at, end, false };
			next = end;
			nr = 1;
		}
		for (long i = 0; i < nr; i++)
			for (at = runs[i].start; at < runs[i].end;
			     at += PAGE_SIZE)
				if (sure || pagemap_is_here(at))
					settle_page(e, page_find(&e->pages,
								 at));
		at = next > at ? next : end;
	}
}

/* What mprotect is to be told to have ADDR as it is; -1: nothing there. */
static int protection_of(struct engine *e, uintptr_t addr)
{
	struct proc_maps maps;
	struct proc_map m = { 0 };

	if (proc_maps_open(&maps, e->adopt.buf, ADOPT_BUF_LEN))
		return -1;
	while (proc_maps_next(&maps, &m) && m.end <= addr)
		;
	proc_maps_close(&maps);
	if (m.start > addr || m.end <= addr)
		return -1;
	return (m.readable ? PROT_READ : 0) | (m.writable ? PROT_WRITE : 0) |
	       (m.executable ? PROT_EXEC : 0);
}

/* A page of the program gets its bytes back, whatever its protection. */
static void put_plainly(struct engine *e, uintptr_t addr, const void *from)
{
	struct iovec local = { (void *)(uintptr_t)from, PAGE_SIZE };
	struct iovec remote = { (void *)addr, PAGE_SIZE };
	int prot;

	if (sys_process_vm_writev((pid_t)sys_getpid(), &local, &remote) ==
	    (long)PAGE_SIZE)
		return;
	prot = protection_of(e, addr);
	if (prot < 0 || sys_mprotect(addr, PAGE_SIZE, PROT_READ | PROT_WRITE))
		return;		/* not copied to this process */
	memcpy((void *)addr, from, PAGE_SIZE);
	sys_mprotect(addr, PAGE_SIZE, prot);
}

/* Nothing is registered: write the bytes to where they belong. */
static void restore_plainly(struct helper *h, uintptr_t addr, page_word *w)
{
	struct engine *e = h->engine;
	uint64_t word = atomic_load(w);
	struct store_ref ref = { page_where(word) };
	/* put back during the fork: newer than ours */
	const bool here = pagemap_is_here(addr);

	switch (page_state(word)) {
	case PAGE_STORED:
		if (store_load(&e->store, h->codec, ref, h->bounce))
			die("store: a stored page does not unpack");
		if (!here)
			put_plainly(e, addr, h->bounce);
		store_drop(&e->store, ref);
		count_one(UZSWAP_COUNT_restored);
		break;
	case PAGE_LEAVING:
		if (!here)
			put_plainly(e, addr, (void *)
				    staging_addr(&e->staging,
						 page_where(word)));
		atomic_store(staging_owner(&e->staging, page_where(word)), 0);
		keep_drop_slot(e, page_where(word));
		count_one(UZSWAP_COUNT_leave_back);
		break;
	case PAGE_HERE:
	case PAGE_DYING:
	case PAGE_PACKING:
	case PAGE_ARRIVING:
		break;
	}
	page_set(&e->pages, w, 0);
	count_one(UZSWAP_COUNT_fork_restored);
}

/* All of C's pages that are not here, or those that nobody would answer for. */
static void restore_chunk(struct helper *h, struct chunk *c, bool all)
{
	for (size_t i = 0; i < CHUNK_PAGES; i++) {
		uintptr_t addr = c->base + i * PAGE_SIZE;

		if (page_state(atomic_load(&c->words[i])) != PAGE_HERE &&
		    (all || !region_has(&h->engine->regions, addr,
					addr + PAGE_SIZE)))
			restore_plainly(h, addr, &c->words[i]);
	}
}

static void settle_all_present(struct helper *h)
{
	uintptr_t at = 0;
	struct chunk *c;

	while ((c = page_next_chunk(&h->engine->pages, at, UINTPTR_MAX))) {
		at = c->base + CHUNK_SIZE;
		settle_present(h, c);
	}
}

/*
 * Events first: where a page is in the books there may be another mapping by
 * now, with a page that is not the one put back.
 */
void fork_settle_kept(struct helper *h)
{
	settle_events(h);
	settle_all_present(h);
	fork_list_clear(&h->engine->fork.journal);
}

void fork_settle_child(struct helper *h, bool whole)
{
	struct engine *e = h->engine;
	struct fork_state *f = &e->fork;
	uintptr_t at = 0;
	struct chunk *c;

	while (!whole && (c = page_next_chunk(&e->pages, at, UINTPTR_MAX))) {
		at = c->base + CHUNK_SIZE;
		restore_chunk(h, c, false);
	}
	atomic_store(&f->users, 0);
	atomic_store(&f->snapshot, 0);
}

void fork_restore_all(struct helper *h)
{
	struct engine *e = h->engine;
	uintptr_t at = 0;
	struct chunk *c;

	settle_events(h);
	adopt_forget_uncopied(e);
	while ((c = page_next_chunk(&e->pages, at, UINTPTR_MAX))) {
		at = c->base + CHUNK_SIZE;
		restore_chunk(h, c, true);
	}
}

void fork_child(struct engine *e)
{
	for (unsigned i = 0; i < e->nr_servers; i++)
		e->servers[i].tray = e->servers[i].packing = NULL;
	for (unsigned i = 0; i < e->nr_evictors; i++)
		e->evictors[i].tray = e->evictors[i].packing = NULL;
	order_init(&e->order);
	region_fork_child(&e->regions);
	page_fork_child(&e->pages);
	staging_fork_child(&e->staging);
	gate_fork_child(&e->gate);
	still_fork_child(&e->still);
	store_fork_child(&e->store);
	share(e);
	upkeep_fork_child(e);
	lock_init(&e->cold.lock, LOCK_COLD);
	/* a child inherits no locks */
	exempt_cut(&e->exempt, EXEMPT_LOCKED, 0, UINTPTR_MAX);
	atomic_fetch_and(&e->stopping, ~STOP_FOR_LOCK);
	atomic_store(&e->fork.busy, 0);
	torture_pause();
	engine_wake_child(e);
}
