/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SIMULATE_H
#define BENCH_SIMULATE_H
/*
 * simulate.h - pages without content, and what holds them; see simulate.c.
 */
#include <stdbool.h>
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
	int soon, late, top, retry, wait, keep, stay, far;
};

void become_stored(struct sim *s, struct page *p);
void become_here(struct sim *s, struct page *p);

/* simulate_kernel.c: page N is used. */
void lru_touch(struct sim *s, uint32_t n);
void clock_touch(struct sim *s, uint32_t n);

#endif
