/* SPDX-License-Identifier: MIT */
/*
 * Gauges are read one by one while the engine runs on, so they are made to
 * add up here: what is stored and resident never exceeds what is managed,
 * and untouched is the rest.
 *
 * The file:  | struct uzswap_stats | ... | struct uzswap_pool |
 *            0                           UZSWAP_POOL_AT
 *
 * After a fork the mapping is still the parent's page: the child makes one
 * of its own before it writes.
 */
#include "watch/publish.h"

#include <string.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/proc.h"
#include "base/sys.h"

_Static_assert((unsigned)CODEC_NR <= UZSWAP_POOL_CODECS, "codecs fit");
_Static_assert(POOL_NR_CLASSES <= UZSWAP_POOL_CLASSES, "classes fit");
_Static_assert(sizeof(struct uzswap_stats) <= UZSWAP_POOL_AT, "no overlap");

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC	1u
#endif

static void copy_text(char *to, size_t len, const char *from)
{
	size_t n = min_size(strlen(from), len - 1);

	memset(to, 0, len);
	memcpy(to, from, n);
}

static bool make_page(struct publish *p)
{
	const size_t len = UZSWAP_POOL_AT + round_up(sizeof(struct uzswap_pool),
						     PAGE_SIZE);
	long fd = sys_memfd_create(UZSWAP_STATS_NAME, MFD_CLOEXEC);
	struct uzswap_stats *s;
	long at;

	if (fd < 0)
		return false;
	if (sys_ftruncate((int)fd, (off_t)len)) {
		sys_close((int)fd);
		return false;
	}
	/* over the parent's page, if there is one: same address */
	at = sys_mmap((uintptr_t)p->page, len, PROT_READ | PROT_WRITE,
		      MAP_SHARED | (p->page ? MAP_FIXED : 0), (int)fd, 0);
	if (sys_failed(at)) {
		sys_close((int)fd);
		return false;
	}
	s = (struct uzswap_stats *)at;
	p->page = s;
	p->pid = (int32_t)sys_getpid();
	s->version = UZSWAP_STATS_VERSION;
	s->size = sizeof(*s);
	s->pid = p->pid;
	s->nr_counters = UZSWAP_NR_COUNTERS;
	s->nr_buckets = UZSWAP_NR_BUCKETS;
	s->started_ns = p->engine->started_ns;
	if (proc_start_time_ticks(&s->start_time_ticks))
		s->start_time_ticks = 0;
	copy_text(s->library_version, sizeof(s->library_version),
		  PACKAGE_VERSION);
	if (p->name[0])
		copy_text(s->name, sizeof(s->name), p->name);
	else
		proc_comm(s->name, sizeof(s->name));
	s->magic = UZSWAP_STATS_MAGIC;
	return true;
}

static void put_memory(struct uzswap_stats *s, struct engine *e)
{
	struct store_usage use;
	uint64_t leaving = page_total(&e->pages, PAGE_LEAVING) +
			   page_total(&e->pages, PAGE_PACKING);
	uint64_t stored = page_total(&e->pages, PAGE_STORED) +
			  page_total(&e->pages, PAGE_ARRIVING);

	store_usage(&e->store, &use);
	s->registered = atomic_load(&e->regions.bytes);
	s->managed = atomic_load(&e->adopt.eligible);
	if (s->managed < s->registered)
		s->managed = s->registered;
	s->stored = stored * PAGE_SIZE;
	if (s->stored > s->managed)
		s->managed = s->stored;
	s->resident = atomic_load(&e->resident);
	if (s->resident > s->managed - s->stored)
		s->resident = s->managed - s->stored;
	s->untouched = s->managed - s->stored - s->resident;
	s->leaving = leaving * PAGE_SIZE;
	if (s->leaving > s->resident)
		s->leaving = s->resident;
	s->metadata = use.metadata +
		      atomic_load(&e->pages.nr_chunks) *
		      (PAGE_SIZE + sizeof(struct chunk));
	s->pool = use.used + s->metadata;
	s->packed = use.packed;
	s->disk = 0;
	s->refused = e->pages.totals.refused > 0
		? (uint64_t)e->pages.totals.refused * PAGE_SIZE : 0;
	if (s->refused > s->resident)
		s->refused = s->resident;
}

/* Classes that were never used are left out. */
static void put_classes(struct uzswap_pool *out, const struct pool *pool)
{
	uint32_t nr = 0;

	for (unsigned i = 0; i < pool->classes.nr; i++) {
		struct uzswap_pool_class *c = &out->classes[nr];
		struct pool_class_usage use;

		pool_class_usage(pool, i, &use);
		if (!use.slabs)
			continue;
		c->slot_len = use.shape.slot_len;
		c->nr_slots = use.shape.nr_slots;
		c->slabs = use.slabs;
		c->objects = use.objects;
		c->packed = use.packed;
		c->used = use.used;
		nr++;
	}
	out->nr_classes = nr;
}

static void put_pool(struct uzswap_pool *out, struct engine *e)
{
	const struct pool *pool = &e->store.pool;
	struct store_usage use;

	store_usage(&e->store, &use);
	out->same = use.same;
	out->free = slab_nr_warm(&pool->slabs) * PAGE_SIZE;
	out->nr_codecs = CODEC_NR;
	for (unsigned i = 0; i < CODEC_NR; i++) {
		struct uzswap_pool_codec *c = &out->codecs[i];

		codec_id_name((enum codec_id)i, c->name, sizeof(c->name));
		c->objects = use.nr_by_codec[i];
		c->packed = use.packed_by_codec[i];
	}
	put_classes(out, pool);
}

static void put_limit(struct uzswap_stats *s, struct engine *e)
{
	const char *note = atomic_load(&e->note);
	char codecs[CODEC_TEXT];

	s->limit = e->now.limit;
	s->usage = e->now.usage;
	s->usage_max = e->usage_max;
	copy_text(s->limit_source, sizeof(s->limit_source),
		  e->now.limit && e->now.name ? e->now.name : "none");
	copy_text(s->note, sizeof(s->note), note ? note : "");
	copy_text(s->compressor, sizeof(s->compressor),
		  codec_format(store_codecs(&e->store), codecs,
			       sizeof(codecs)));
	copy_text(s->engine, sizeof(s->engine), e->use_move ? "move" : "wp");
	s->nr_servers = e->nr_servers;
	s->state = atomic_load(&e->state);
	if (s->state == UZSWAP_ACTIVE && note)
		s->state = UZSWAP_DEGRADED;
}

void publish_now(void *publish)
{
	struct publish *p = publish;
	struct engine *e = p->engine;
	_Atomic uint32_t *seq;
	struct uzswap_stats *s;

	if ((!p->page || p->pid != (int32_t)sys_getpid()) && !make_page(p))
		return;
	s = p->page;
	seq = (_Atomic uint32_t *)&s->seq;
	/* odd while writing; pairs with the reader's two looks at seq */
	atomic_fetch_add(seq, 1);
	s->updated_ns = sys_now_ns();
	put_memory(s, e);
	put_limit(s, e);
	put_pool((struct uzswap_pool *)(void *)((char *)s + UZSWAP_POOL_AT), e);
	for (unsigned i = 0; i < UZSWAP_NR_COUNTERS; i++)
		s->counters[i] = count_get((enum uzswap_counter)i);
	for (unsigned i = 0; i < UZSWAP_NR_BUCKETS; i++)
		s->fault_us[i] = atomic_load(&e->fault_us[i]);
	atomic_fetch_add(seq, 1);
}
