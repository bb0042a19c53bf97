/* SPDX-License-Identifier: MIT */
/*
 * Gauges are read one by one while the engine runs on, so they are made to
 * add up here: what is stored and resident never exceeds what is managed,
 * and untouched is the rest.  The counters of what left and came back are of
 * one moment with what is stored: so they close but for the pages a thread
 * has in hand, also in the last page of a process that was killed.
 *
 * The file:  | struct uzswap_stats | .. | struct uzswap_pool | ..
 *            0                          UZSWAP_POOL_AT
 *
 *            .. | struct uzswap_ctl_options | .. | struct uzswap_ctl | ..
 *               UZSWAP_OPTIONS_AT                UZSWAP_CTL_AT
 *
 *            .. | struct uzswap_core |
 *               UZSWAP_CORE_AT
 *
 * It is sealed, so that nobody who may write it can cut it off below us,
 * and all of it is touched at once, so that no look at it needs memory.
 *
 * After a fork the mapping is still the parent's page: the child makes one
 * of its own before it writes.
 */
#include "watch/publish.h"

#include <errno.h>
#include <linux/fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/count.h"
#include "base/proc.h"
#include "base/sys.h"
#include "watch/image.h"

_Static_assert((unsigned)CODEC_NR <= UZSWAP_POOL_CODECS, "codecs fit");
_Static_assert(POOL_NR_CLASSES <= UZSWAP_POOL_CLASSES, "classes fit");
_Static_assert(sizeof(struct uzswap_stats) <= UZSWAP_POOL_AT, "no overlap");
_Static_assert(UZSWAP_POOL_AT + sizeof(struct uzswap_pool) <=
	       UZSWAP_OPTIONS_AT, "no overlap");
_Static_assert(UZSWAP_OPTIONS_AT + sizeof(struct uzswap_ctl_options) <=
	       UZSWAP_CTL_AT, "no overlap");
_Static_assert(UZSWAP_CTL_AT + sizeof(struct uzswap_ctl) <= UZSWAP_CORE_AT,
	       "no overlap");
_Static_assert(UZSWAP_CORE_AT + sizeof(struct uzswap_core) <=
	       UZSWAP_CTL_FILE_LEN, "it fits");
_Static_assert(UZSWAP_NR_OPTIONS <= UZSWAP_CTL_OPTIONS, "options fit");
_Static_assert((unsigned)CONFIG_CONTROL == UZSWAP_BY_CONTROL &&
	       (unsigned)CONFIG_ENV == UZSWAP_BY_ENV &&
	       (unsigned)CONFIG_CONF == UZSWAP_BY_CONF, "the same origins");

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC	1u
#endif
#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2u
#endif

#define LOOKS	16u	/* for a moment in which nothing moves */
#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

static void copy_text(char *to, size_t len, const char *from)
{
	size_t n = min_size(strlen(from), len - 1);

	memset(to, 0, len);
	memcpy(to, from, n);
}

/* A file as long as all pages, for good; or -errno. */
static long make_file(void)
{
	long fd = sys_memfd_create(UZSWAP_STATS_NAME,
				   MFD_CLOEXEC | MFD_ALLOW_SEALING);
	long ret;

	if (fd < 0)
		return fd;
	ret = sys_ftruncate((int)fd, UZSWAP_CTL_FILE_LEN);
	if (!ret)
		ret = sys_fcntl((int)fd, F_ADD_SEALS, SEALS);
	if (ret) {
		sys_close((int)fd);
		return ret;
	}
	return fd;
}

static void put_name(struct uzswap_stats *s, const struct config *c)
{
	const char *name = config_text(c, &c->name);

	if (*name)
		copy_text(s->name, sizeof(s->name), name);
	else
		proc_comm(s->name, sizeof(s->name));
}

static void fill_ctl(struct uzswap_ctl *ctl)
{
	ctl->version = UZSWAP_CTL_VERSION;
	ctl->size = sizeof(*ctl);
	ctl->nr_kinds = UZSWAP_CTL_NR_KINDS;
	atomic_store((_Atomic uint64_t *)&ctl->magic, UZSWAP_CTL_MAGIC);
}

static bool make_page(struct publish *p)
{
	long fd = make_file();
	struct uzswap_stats *s;
	long at;

	if (fd < 0)
		return false;
	/* over the parent's page, if there is one: same address */
	at = sys_mmap((uintptr_t)p->page, UZSWAP_CTL_FILE_LEN,
		      PROT_READ | PROT_WRITE,
		      MAP_SHARED | (p->page ? MAP_FIXED : 0), (int)fd, 0);
	if (sys_failed(at)) {
		sys_close((int)fd);
		return false;
	}
	memset((void *)at, 0, UZSWAP_CTL_FILE_LEN);
	s = (struct uzswap_stats *)at;
	p->page = s;
	p->pid = (int32_t)sys_getpid();
	p->config_changed = true;
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
	s->magic = UZSWAP_STATS_MAGIC;
	fill_ctl(publish_ctl(p));
	image_fill_root((void *)((char *)at + UZSWAP_CORE_AT), p->engine);
	p->engine->outer_bell = (_Atomic uint32_t *)&publish_ctl(p)->word;
	return true;
}

/*
 * With the gate closed it is counted, in what is registered.  With the gate
 * open nothing is, and counting all would cost: then it is what the kernel
 * counts for the process as a whole, our own memory taken off.  Other small
 * mappings are in there too, so never more than could be managed.
 */
uint64_t publish_resident(struct engine *e)
{
	struct store_usage use;
	struct proc_statm statm;
	uint64_t managed = max_size(atomic_load(&e->adopt.eligible),
				    atomic_load(&e->regions.bytes));
	uint64_t stored = (page_total(&e->pages, PAGE_STORED) +
			   page_total(&e->pages, PAGE_ARRIVING)) * PAGE_SIZE;
	uint64_t anon;

	if (e->adopt.closed || proc_statm(&statm))
		return min_size(atomic_load(&e->resident),
				managed > stored ? managed - stored : 0);
	store_usage(&e->store, &use);
	anon = statm.resident > statm.shared ? statm.resident - statm.shared
					     : 0;
	anon -= min_size(anon, use.used + use.metadata);
	return min_size(anon, atomic_load(&e->adopt.eligible));
}

static uint64_t nr_moved(void)
{
	return count_get(UZSWAP_COUNT_evicted) +
	       count_get(UZSWAP_COUNT_restored) +
	       count_get(UZSWAP_COUNT_dropped) +
	       count_get(UZSWAP_COUNT_overtaken);
}

/* All counters, and what is stored, while nothing moves if that can be had. */
static void put_counters(struct uzswap_stats *s, struct engine *e)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		const uint64_t before = nr_moved();

		s->stored = (page_total(&e->pages, PAGE_STORED) +
			     page_total(&e->pages, PAGE_ARRIVING)) * PAGE_SIZE;
		for (unsigned c = 0; c < UZSWAP_NR_COUNTERS; c++)
			s->counters[c] = count_get((enum uzswap_counter)c);
		if (nr_moved() == before)
			return;
	}
}

/* After put_counters(). */
static void put_memory(struct uzswap_stats *s, struct engine *e)
{
	struct store_usage use;
	uint64_t leaving = page_total(&e->pages, PAGE_LEAVING) +
			   page_total(&e->pages, PAGE_PACKING);

	store_usage(&e->store, &use);
	s->registered = atomic_load(&e->regions.bytes);
	s->managed = atomic_load(&e->adopt.eligible);
	if (s->managed < s->registered)
		s->managed = s->registered;
	if (s->stored > s->managed)
		s->managed = s->stored;
	s->resident = publish_resident(e);
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
	out->shared = use.shared;
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
	s->min_age_ms = e->cfg.min_age_ms;
	s->max_stall_ms = e->cfg.max_stall_ms;
	s->backing_off = e->age.pace.backoff.is_on;
	s->backoff_ns = e->age.pace.backoff.since_ns;
	s->backoff_stall_ns = e->age.pace.backoff.stall_ns;
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

static void put_config(struct publish *p)
{
	const struct config *c = p->config;
	struct uzswap_ctl_options *out =
		(void *)((char *)p->page + UZSWAP_OPTIONS_AT);

	p->config_changed = false;
	put_name(p->page, c);
	out->size = sizeof(out->rows[0]);
	out->nr = UZSWAP_NR_OPTIONS;
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct uzswap_option_row *row = config_row(i);
		struct uzswap_ctl_option *o = &out->rows[i];

		copy_text(o->name, sizeof(o->name), row->name);
		config_format(c, i, o->value, sizeof(o->value));
		o->origin = c->all[i].origin;
		o->when = row->when;
	}
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
	put_counters(s, e);
	put_memory(s, e);
	put_limit(s, e);
	if (p->config_changed)
		put_config(p);
	put_pool((struct uzswap_pool *)(void *)((char *)s + UZSWAP_POOL_AT), e);
	for (unsigned i = 0; i < UZSWAP_NR_BUCKETS; i++)
		s->fault_us[i] = atomic_load(&e->fault_us[i]);
	atomic_fetch_add(seq, 1);
	publish_ctl(p)->gone = mode_now(&e->mode) == MODE_AWAY;
}
