/* SPDX-License-Identifier: MIT */
/*
 * Sites: a hash table of call stacks, in the shared page, only ever growing.
 *
 * A row belongs to whoever sets its hash; readers wait for READY.  Two
 * stacks with the same 64-bit hash would be taken for one.
 */
#include <string.h>

#include "base/proc.h"
#include "base/sys.h"
#include "watch/profile.h"

#define PROBES	128u	/* rows looked at before a stack is lost */
#define MASK	(UZSWAP_PROFILE_SITES - 1)

static uint64_t mix(uint64_t h, uint64_t n)
{
	h = (h ^ n) * 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

static uint64_t hash_of(enum uzswap_profile_kind kind, const uint64_t *frames,
			size_t nr)
{
	uint64_t h = mix(0x9e3779b97f4a7c15u, kind);

	for (size_t i = 0; i < nr; i++)
		h = mix(h, frames[i]);
	return h ? h : 1;
}

/* The name of the calling thread, from the kernel. */
static void read_name(char *name, size_t len)
{
	long n = proc_read("/proc/thread-self/comm", name, len);

	if (n > 0 && name[n - 1] == '\n')
		name[n - 1] = 0;
}

static void fill(struct profile *p, struct uzswap_profile_site *s,
		 enum uzswap_profile_kind kind, const uint64_t *frames,
		 size_t nr)
{
	uint32_t at = atomic_fetch_add(&p->frames_used, (uint32_t)nr);

	if (at > UZSWAP_PROFILE_FRAMES - nr) {
		atomic_fetch_sub(&p->frames_used, (uint32_t)nr);
		nr = 0;
	} else {
		memcpy(p->frames + at, frames, nr * sizeof(*frames));
		s->first_frame = at;
	}
	s->nr_frames = (uint16_t)nr;
	s->kind = (uint16_t)kind;
	s->tid = (uint32_t)sys_gettid();
	read_name(s->thread, sizeof(s->thread));
	/* release: the row before the flag; pairs with who reads the page */
	atomic_store_explicit((_Atomic uint32_t *)&s->ready, 1,
			      memory_order_release);
	atomic_fetch_add(&p->sites_used, 1);
}

static void count(struct uzswap_profile_site *s, uint64_t len)
{
	atomic_fetch_add_explicit((_Atomic uint64_t *)&s->samples, 1,
				  memory_order_relaxed);
	atomic_fetch_add_explicit((_Atomic uint64_t *)&s->bytes, len,
				  memory_order_relaxed);
}

uint32_t profile_site(struct profile *p, enum uzswap_profile_kind kind,
		      const uint64_t *frames, size_t nr, uint64_t len)
{
	uint64_t hash = hash_of(kind, frames, nr);

	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t at = (uint32_t)(hash + i) & MASK;
		struct uzswap_profile_site *s = &p->sites[at];
		uint64_t there = 0;

		if (atomic_compare_exchange_strong((_Atomic uint64_t *)&s->hash,
						   &there, hash)) {
			fill(p, s, kind, frames, nr);
			there = hash;
		}
		if (there == hash) {
			count(s, len);
			return at;
		}
	}
	return UINT32_MAX;
}
