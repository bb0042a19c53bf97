/* SPDX-License-Identifier: MIT */
/*
 * Sampled allocations that are alive: a hash table by address, in the shared
 * page.  Buckets of eight rows, two buckets for each address.
 *
 *	ADDR    0 free -> 1 being written -> the address -> 1 -> 0
 *
 * Whoever moves ADDR to 1 owns the row.  An address is put there by the one
 * thread that got it from the allocator, and taken away by the one thread
 * that gives it back, before it does; so nobody ever looks for a row that
 * somebody else is writing.
 *
 * Mappings may be given back in pieces, so they are also listed.
 */
#include <string.h>

#include "watch/profile.h"

#define BUCKET		8u
#define NR_BUCKETS	(UZSWAP_PROFILE_LIVE / BUCKET)
#define WRITING		1u
#define REST_LEAST	(64 * KIB)	/* of a mapping, worth remembering */
#define LOG_BITS	20
#define COARSEST	64u	/* times the interval asked for */

/* --- how far apart samples are ------------------------------------------- */

/* -log2(r / 2^32) in units of 2^-20, for R from 1 to 2^32 - 1. */
static uint64_t minus_log2(uint64_t r)
{
	unsigned top = 63 - (unsigned)__builtin_clzll(r);
	uint64_t m = r << (31 - top);		/* 1 <= m < 2, 2^31 is 1 */
	uint64_t log = (uint64_t)top << LOG_BITS;

	for (int i = LOG_BITS - 1; i >= 0; i--) {
		m = m * m >> 31;
		if (m >> 32) {
			m >>= 1;
			log |= (uint64_t)1 << i;
		}
	}
	return ((uint64_t)32 << LOG_BITS) - log;
}

uint64_t profile_distance(uint64_t *seed, uint64_t interval)
{
	const uint64_t ln2 = 0xb17217f8;	/* times 2^32 */
	uint64_t x = *seed ? *seed : 0x9e3779b97f4a7c15u;
	uint64_t e;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*seed = x;
	e = minus_log2(x >> 32 ? x >> 32 : 1) * (ln2 >> 12) >> LOG_BITS;
	/* e: the exponential variable times 2^20, below 2^25 */
	return (e * (interval >> 10) >> 10) + 1;
}

/* --- rows ---------------------------------------------------------------- */

static _Atomic uint64_t *addr_of(struct uzswap_profile_live *row)
{
	return (_Atomic uint64_t *)&row->addr;
}

static struct uzswap_profile_live *bucket(struct profile *p, uintptr_t addr,
					  unsigned which)
{
	uint64_t hash = (uint64_t)(addr >> 4) * 0xc2b2ae3d27d4eb4fu;

	hash = which ? hash >> 20 : hash >> 40;
	return p->live + (hash % NR_BUCKETS) * BUCKET;
}

static struct uzswap_profile_live *find(struct profile *p, uintptr_t addr)
{
	for (unsigned which = 0; which < 2; which++) {
		struct uzswap_profile_live *b = bucket(p, addr, which);

		for (unsigned i = 0; i < BUCKET; i++)
			if (atomic_load_explicit(addr_of(&b[i]),
						 memory_order_relaxed) == addr)
				return &b[i];
	}
	return NULL;
}

static struct uzswap_profile_live *take_free(struct profile *p,
					     uintptr_t addr)
{
	for (unsigned which = 0; which < 2; which++) {
		struct uzswap_profile_live *b = bucket(p, addr, which);

		for (unsigned i = 0; i < BUCKET; i++) {
			uint64_t none = 0;

			if (atomic_compare_exchange_strong(addr_of(&b[i]),
							   &none, WRITING))
				return &b[i];
		}
	}
	return NULL;
}

static void list_map(struct profile *p, uint32_t row)
{
	for (uint32_t i = 0; i < PROFILE_MAPS; i++) {
		uint32_t none = 0;

		if (!atomic_compare_exchange_strong(&p->maps[i], &none,
						    row + 1))
			continue;
		none = atomic_load(&p->nr_maps);
		while (none <= i &&
		       !atomic_compare_exchange_weak(&p->nr_maps, &none, i + 1))
			;
		return;
	}
}

/* The interval doubles when half, three quarters, ... of the rows are used. */
static uint64_t least_interval(const struct profile *p, uint32_t used)
{
	uint64_t interval = p->cfg.interval;
	uint32_t left = UZSWAP_PROFILE_LIVE;

	for (int i = 0; i < 6 && used > UZSWAP_PROFILE_LIVE - left / 2; i++) {
		interval *= 2;
		left /= 2;
	}
	return interval;
}

static void thin(struct profile *p, uint32_t used)
{
	uint64_t interval = least_interval(p, used);

	if (interval > atomic_load(&p->interval))
		atomic_store(&p->interval, interval);
}

void profile_live_pace(struct profile *p, uint64_t took_ns, uint64_t share_ns)
{
	uint64_t least = least_interval(p, atomic_load(&p->live_used));
	uint64_t interval = atomic_load(&p->interval);

	if (took_ns > share_ns / 8 && interval < p->cfg.interval * COARSEST)
		atomic_store(&p->interval, 2 * interval);
	else if (took_ns < share_ns / 32 && interval / 2 >= least)
		atomic_store(&p->interval, interval / 2);
}

void profile_put_back(struct profile *p,
		      const struct uzswap_profile_live *row)
{
	struct uzswap_profile_live *to = take_free(p, row->addr);

	if (!to) {
		atomic_fetch_add(&p->lost, 1);
		return;
	}
	to->len = row->len;
	to->site = row->site;
	to->interval = row->interval;
	to->born_ns = row->born_ns;
	atomic_store(addr_of(to), row->addr);
	profile_see(p, (uint32_t)(to - p->live));
	profile_filter_add(&p->filter, row->addr);
	thin(p, atomic_fetch_add(&p->live_used, 1) + 1);
	if (p->sites[row->site].kind == UZSWAP_PROFILE_MMAP)
		list_map(p, (uint32_t)(to - p->live));
}

void profile_add(struct profile *p, enum uzswap_profile_kind kind,
		 uintptr_t addr, size_t len, uint64_t born_ns,
		 const uint64_t *frames, size_t nr)
{
	uint64_t interval = atomic_load(&p->interval);
	struct uzswap_profile_live row = {
		.addr = addr,
		.len = len,
		.interval = (uint32_t)min_size(interval, UINT32_MAX),
		.born_ns = born_ns,
	};

	atomic_fetch_add(&p->samples, 1);
	row.site = profile_site(p, kind, frames, nr, len);
	if (row.site == UINT32_MAX)
		atomic_fetch_add(&p->lost, 1);
	else
		profile_put_back(p, &row);
}

/* The row is ours now if it was that of ADDR. */
static bool take_row(struct profile *p, struct uzswap_profile_live *row,
		     uint64_t addr, struct uzswap_profile_live *out)
{
	if (!atomic_compare_exchange_strong(addr_of(row), &addr, WRITING))
		return false;
	if (out) {
		*out = *row;
		out->addr = addr;
	}
	atomic_store_explicit(addr_of(row), 0, memory_order_release);
	atomic_fetch_sub(&p->live_used, 1);
	profile_filter_drop(&p->filter, addr);
	return true;
}

bool profile_drop(struct profile *p, uintptr_t addr,
		  struct uzswap_profile_live *out)
{
	struct uzswap_profile_live *row = find(p, addr);

	return row && take_row(p, row, addr, out);
}

/* --- mappings ------------------------------------------------------------ */

static void keep_rest(struct profile *p, struct uzswap_profile_live row,
		      uintptr_t start, uintptr_t end)
{
	if (start >= end || end - start < REST_LEAST)
		return;
	row.addr = start;
	row.len = end - start;
	profile_put_back(p, &row);
}

void profile_unmap(struct profile *p, uintptr_t start, size_t len)
{
	uint32_t nr = atomic_load(&p->nr_maps);
	uintptr_t end = start + len;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t at = atomic_load_explicit(&p->maps[i],
						   memory_order_relaxed);
		struct uzswap_profile_live row;
		uint64_t addr;

		if (!at || at > UZSWAP_PROFILE_LIVE)
			continue;
		addr = atomic_load(addr_of(&p->live[at - 1]));
		row.len = p->live[at - 1].len;
		if (addr <= WRITING || addr >= end || addr + row.len <= start)
			continue;
		if (!take_row(p, &p->live[at - 1], addr, &row))
			continue;
		atomic_store(&p->maps[i], 0);
		keep_rest(p, row, addr, start);
		keep_rest(p, row, end, addr + row.len);
	}
}
