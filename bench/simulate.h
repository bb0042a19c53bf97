/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SIMULATE_H
#define BENCH_SIMULATE_H
/*
 * simulate.h - pages without content, and what holds them; see simulate.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATIO		1.75

enum place { HERE, WAITING, STORED };

struct page {
	uint32_t next, prev;	/* lru, clock: in its list */
	uint32_t left;		/* tick, or evictions, when it left */
	uint8_t place;
	uint8_t level, heat;
	bool raw;		/* does not pack */
	bool refused;		/* uzswap: and this is known */
	bool kept;		/* uzswap: still has its object */
	bool early;		/* uzswap: left early */
	bool used;		/* clock: accessed bit */
	bool active;		/* clock */
};

struct list {
	uint32_t head, tail, nr;
};

/* Pages asked for of late, in a chunk; see engine/busy.h. */
struct spot {
	uint32_t count, tick;
};

struct sim {
	struct page *page;
	uint32_t nr;
	double memory;		/* pages */
	double used;
	uint32_t here, waiting;
	uint64_t misses, soft, packed, clean;
	uint64_t evicted;
	uint32_t hand, eager, batch;
	struct list inactive, active;
	uint32_t *queue;	/* uzswap: probation, a ring */
	uint64_t first, last;
	uint32_t *back;		/* uzswap: came back late, a ring */
	uint64_t back_first, back_last;
	double left[2], back_soon[2];	/* uzswap: by the hand, early */
	uint64_t asked, kept;
	struct spot *spot, all;		/* uzswap: by chunk, and in all */
	struct spot apart;		/* of all, where it stands out */
	uint32_t crowded;		/* uzswap: tick + 1; 0 never */
	uint64_t ahead;			/* uzswap: brought along */
	int soon, late, top, retry, wait, keep, stay, far, busy, few;
};

void become_stored(struct sim *s, struct page *p);
void become_here(struct sim *s, struct page *p);

/* simulate_kernel.c: page N is used. */
void lru_touch(struct sim *s, uint32_t n);
void clock_touch(struct sim *s, uint32_t n);

/* Misses in 1000, if it is known how often each page will be read. */
double lfu(const struct sim *s, const uint32_t *trace, size_t from, size_t len);

#endif
