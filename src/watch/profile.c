/* SPDX-License-Identifier: MIT */
/*
 * The page of the profile, and its life.
 *
 * The memfd is shared memory, so after a fork it is still the parent's: the
 * child makes one of its own, with what is in it, at the same address, before
 * any code of the program runs there.  Rows that other threads of the parent
 * were just writing are cleared.
 */
#define _GNU_SOURCE
#include "watch/profile.h"

#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "watch/publish.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC	1u
#endif

#define PUBLISH_NS	NS_PER_S

static size_t layout(struct uzswap_profile *h)
{
	uint64_t at = round_up(sizeof(*h), PAGE_SIZE);

	h->sites_at = at;
	h->nr_sites = UZSWAP_PROFILE_SITES;
	at += h->nr_sites * sizeof(struct uzswap_profile_site);
	h->frames_at = at;
	h->nr_frames = UZSWAP_PROFILE_FRAMES;
	at += h->nr_frames * sizeof(uint64_t);
	h->live_at = at;
	h->nr_live = UZSWAP_PROFILE_LIVE;
	at += h->nr_live * sizeof(struct uzswap_profile_live);
	h->points_at = at;
	h->nr_points = UZSWAP_PROFILE_POINTS;
	at += h->nr_points * sizeof(struct uzswap_profile_point);
	return round_up(at, PAGE_SIZE);
}

_Static_assert(UZSWAP_PROFILE_POINTS == PROBE_SLOTS, "one row per probe");

static void find_tables(struct profile *p)
{
	char *base = (char *)p->page;

	p->sites = (void *)(base + p->page->sites_at);
	p->frames = (void *)(base + p->page->frames_at);
	p->live = (void *)(base + p->page->live_at);
	p->rows = (void *)(base + p->page->points_at);
}

/* What the parent's threads had not finished, nobody will. */
static void clean(struct profile *p)
{
	for (size_t i = 0; i < UZSWAP_PROFILE_LIVE; i++)
		if (p->live[i].addr == 1)
			p->live[i].addr = 0;
	for (size_t i = 0; i < UZSWAP_PROFILE_SITES; i++)
		if (p->sites[i].hash)
			p->sites[i].ready = 1;
	for (uint32_t i = 0; i < PROFILE_MAPS; i++)
		if (atomic_load(&p->maps[i]) > UZSWAP_PROFILE_LIVE)
			atomic_store(&p->maps[i], 0);
}

static void fill_header(struct profile *p, struct uzswap_profile *h)
{
	h->version = UZSWAP_PROFILE_VERSION;
	h->size = sizeof(*h);
	h->pid = p->pid;
	h->unwind = p->cfg.unwind;
	h->started_ns = p->started_ns;
	if (proc_start_time_ticks(&h->start_time_ticks))
		h->start_time_ticks = 0;
	h->magic = UZSWAP_PROFILE_MAGIC;
}

/* A new page; over the parent's, with its content, if there is one. */
static bool make_page(struct profile *p)
{
	struct uzswap_profile head = { 0 };
	size_t len = layout(&head);
	long fd = sys_memfd_create(UZSWAP_PROFILE_NAME, MFD_CLOEXEC);
	uintptr_t old = (uintptr_t)p->page;
	long at;

	if (fd < 0)
		return false;
	if (sys_ftruncate((int)fd, (off_t)len))
		goto fail;
	at = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (sys_failed(at))
		goto fail;
	if (old)
		memcpy((void *)at, (void *)old, len);
	else
		memcpy((void *)at, &head, sizeof(head));
	if (old && sys_failed(sys_mremap((uintptr_t)at, len, len,
					 MREMAP_MAYMOVE | MREMAP_FIXED, old))) {
		sys_munmap((uintptr_t)at, len);
		goto fail;
	}
	p->page = (void *)(old ? old : (uintptr_t)at);
	p->page_len = len;
	p->pid = (int32_t)sys_getpid();
	find_tables(p);
	if (old)
		clean(p);
	fill_header(p, p->page);
	return true;
fail:
	sys_close((int)fd);
	return false;
}

/* A second recording knows nothing of what was freed since the first. */
static void begin_anew(struct profile *p)
{
	memset(p->live, 0, UZSWAP_PROFILE_LIVE * sizeof(*p->live));
	profile_filter_clear(&p->filter);
	for (uint32_t i = 0; i < PROFILE_MAPS; i++)
		atomic_store(&p->maps[i], 0);
	atomic_store(&p->live_used, 0);
	memset(p->reuse, 0, sizeof(p->reuse));
	atomic_store(&p->samples, 0);
	atomic_store(&p->lost, 0);
	atomic_store(&p->no_stack, 0);
	atomic_store(&p->unwind_ns, 0);
	p->asked = 0;
	p->asked_ns = 0;
	p->cpu_ns = 0;
	p->page->updated_ns = 0;	/* nothing to be seen yet */
	p->started_ns = sys_now_ns();
	p->page->started_ns = p->started_ns;
}

static void begin_rounds(struct profile *p)
{
	if (!atomic_load(&p->engine->probes.on))
		profile_round_init(p);
	atomic_store(&p->engine->probes.on, 1);
}

void profile_start(struct profile *p)
{
	bool again = p->page && p->pid != (int32_t)sys_getpid();

	if (atomic_load(&p->on) && !again)
		return;
	if (!p->started_ns)
		p->started_ns = sys_now_ns();
	if (p->page && !again)
		begin_anew(p);
	else if (!make_page(p)) {
		profile_stop(p);
		atomic_store(&p->has_live, 0);
		return;
	}
	if (profile_filter_init(&p->filter, &p->engine->arena))
		return;
	if (!atomic_load(&p->interval))
		atomic_store(&p->interval, p->cfg.interval);
	if (probe_start(p->engine) || profile_point_init(p))
		log_once("profile: idle ages need Linux 6.8 (UFFDIO_MOVE); "
			 "recording allocations only", NULL);
	else
		begin_rounds(p);
	atomic_store(&p->has_live, p->cfg.sites);
	p->page->recording = 1;
	atomic_store(&p->on, 1);
	atomic_store(&p->sites_on, p->cfg.sites);
	log_info("a profile is recorded", NULL);
}

void profile_stop(struct profile *p)
{
	if (atomic_exchange(&p->on, 0))
		log_info("recording of the profile has ended", NULL);
	atomic_store(&p->sites_on, 0);
	if (p->page && p->pid == (int32_t)sys_getpid())
		p->page->recording = 0;
}

/* --- what is shown ------------------------------------------------------- */

static void put_points(struct profile *p)
{
	for (uint32_t i = 0; i < p->nr_points; i++) {
		const struct profile_point *pt = &p->points[i];

		p->rows[i] = (struct uzswap_profile_point){
			.addr = pt->addr,
			.since_ns = pt->since_ns,
			.used_ns = pt->used_ns,
			.out_ns = pt->out_ns,
			.state = pt->doomed ? UZSWAP_POINT_FREE : pt->state,
			.live = pt->live,
			.uses = pt->uses,
			.packed = pt->packed,
			.flags = pt->cell ? UZSWAP_POINT_CELL : 0,
		};
	}
	for (uint32_t i = p->nr_points; i < p->page->points_used; i++)
		p->rows[i].state = UZSWAP_POINT_FREE;
	p->page->points_used = p->nr_points;
}

static void put_header(struct profile *p, struct uzswap_profile *h)
{
	struct engine *e = p->engine;
	struct store_usage use;

	store_usage(&e->store, &use);
	h->recording = atomic_load(&p->on);
	h->frames_used = atomic_load(&p->frames_used);
	h->sites_used = atomic_load(&p->sites_used);
	h->live_used = atomic_load(&p->live_used);
	h->round_ns = p->last_round_ns;
	h->interval = atomic_load(&p->interval);
	h->cell = p->cell;
	h->resident = atomic_load(&e->resident);
	h->process_resident = publish_resident(e);
	h->stored = (page_total(&e->pages, PAGE_STORED) +
		     page_total(&e->pages, PAGE_ARRIVING)) * PAGE_SIZE;
	h->pool = use.used + use.metadata;
	h->frozen_bytes = 0;
	h->samples = atomic_load(&p->samples);
	h->lost = atomic_load(&p->lost);
	h->no_stack = atomic_load(&p->no_stack);
	h->unwind_ns = atomic_load(&p->unwind_ns);
	h->asked = p->asked;
	h->asked_ns = p->asked_ns;
	h->sampler_ns = p->cpu_ns;
	memcpy(h->reuse, p->reuse, sizeof(h->reuse));
}

static void publish(struct profile *p, uint64_t now_ns)
{
	_Atomic uint32_t *seq = (_Atomic uint32_t *)&p->page->seq;

	p->published_ns = now_ns;
	/* odd while writing; pairs with the reader's two looks at seq */
	atomic_fetch_add(seq, 1);
	p->page->updated_ns = now_ns;
	put_header(p, p->page);
	put_points(p);
	atomic_fetch_add(seq, 1);
}

/* Recording is over: let go of pages, then of regions. */
static void wind_down(struct profile *p)
{
	if (!atomic_load(&p->engine->probes.on))
		return;
	atomic_store(&p->has_live, 0);
	if (profile_round_forget_all(p))
		atomic_store(&p->engine->probes.on, 0);
}

/* Stopped, and all let go. */
static bool is_over(struct profile *p)
{
	return !atomic_load(&p->on) && !atomic_load(&p->engine->probes.on);
}

void profile_tick(struct profile *p)
{
	struct engine *e = p->engine;
	uint64_t now_ns = sys_now_ns();

	p->charged_ns = sys_cpu_ns();
	if (!p->page || p->pid != (int32_t)sys_getpid() || is_over(p) ||
	    !fork_work_begin(&e->fork))
		return;
	if (!atomic_load(&p->on))
		wind_down(p);
	else if (atomic_load(&e->probes.on))
		profile_round_tick(p, now_ns);
	fork_work_end(&e->fork);
	if (now_ns - p->published_ns >= PUBLISH_NS)
		publish(p, now_ns);
	profile_charge(p);
}
