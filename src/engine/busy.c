/* SPDX-License-Identifier: MIT */
/*
 * With half of the pages resident, and all used alike, a chunk counts some 30:
 * twice as many is five standard deviations away.  With more resident it is
 * where the hand has just been that most is asked for, hence LEAST; but those
 * are few, and little of all that is asked for.  What is brought along is not
 * counted: it would keep a chunk busy by itself.
 */
#include "engine/busy.h"

#include <errno.h>

#define TICK_BITS	8
#define TICK_MASK	((1u << TICK_BITS) - 1)
#define COUNT_MOST	(UINT32_MAX >> TICK_BITS)
#define FACTOR		2u	/* times the mean */
#define LEAST		64u	/* pages, an eighth: fewer are chance */
#define LEAST_SURE	16u	/* the same, where most is asked for */
#define LEN_LEAST	1024u	/* 2 GiB */
#define LEN_MOST	(1u << 16)	/* 128 GiB, 256 KiB */
#define CROWDED_TICKS	2u

int busy_init(struct busy *b, struct arena *a, uint64_t limit)
{
	b->len = LEN_LEAST;
	while (b->len < LEN_MOST && b->len < 4 * (limit / CHUNK_SIZE))
		b->len *= 2;
	atomic_init(&b->total, 0);
	atomic_init(&b->apart, 0);
	atomic_init(&b->crowded, 0);
	b->chunk = arena_alloc(a, b->len * sizeof(b->chunk[0]));
	return b->chunk ? 0 : -ENOMEM;
}

static _Atomic uint32_t *of(const struct busy *b, uintptr_t addr)
{
	return &b->chunk[addr / CHUNK_SIZE & (b->len - 1)];
}

/* What ENTRY counts in TICK. */
static uint32_t count(const _Atomic uint32_t *entry, uint32_t tick)
{
	uint32_t e = atomic_load_explicit(entry, memory_order_relaxed);
	uint32_t past = (tick - e) & TICK_MASK;

	if (past == TICK_MASK)
		past = 0;	/* noted just now, by who saw the next tick */
	return past < 32 ? e >> TICK_BITS >> past : 0;
}

static void note(_Atomic uint32_t *entry, uint32_t tick)
{
	uint32_t n = count(entry, tick);

	n = n < COUNT_MOST ? n + 1 : n;
	atomic_store_explicit(entry, n << TICK_BITS | (tick & TICK_MASK),
			      memory_order_relaxed);
}

/* Is N, the count of a chunk, far above the mean of NR? */
static bool stands_out(const struct busy *b, uint64_t n, uint32_t tick,
		       uint32_t nr)
{
	return n >= LEAST_SURE &&
	       n * nr >= FACTOR * (uint64_t)count(&b->total, tick);
}

void busy_asked(struct busy *b, uintptr_t addr, uint32_t tick, uint32_t nr)
{
	note(of(b, addr), tick);
	note(&b->total, tick);
	if (stands_out(b, count(of(b, addr), tick), tick, nr))
		note(&b->apart, tick);
}

/* Most of what is asked for lies in chunks that stand out: no chance. */
static bool is_sure(const struct busy *b, uint32_t tick)
{
	return 3 * (uint64_t)count(&b->apart, tick) >=
	       2 * (uint64_t)count(&b->total, tick);
}

bool busy_is(const struct busy *b, uintptr_t addr, uint32_t tick, uint32_t nr)
{
	const uint32_t crowded =
		atomic_load_explicit(&b->crowded, memory_order_relaxed);
	const uint32_t n = count(of(b, addr), tick);

	return stands_out(b, n, tick, nr) &&
	       (n >= LEAST || is_sure(b, tick)) &&
	       (!crowded || tick - (crowded - 1) >= CROWDED_TICKS);
}

void busy_crowd(struct busy *b, uint32_t tick)
{
	atomic_store_explicit(&b->crowded, tick + 1, memory_order_relaxed);
}
