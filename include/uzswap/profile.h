/* SPDX-License-Identifier: MIT */
/*
 * The profile page: what a process that records its cold memory shows.
 *
 * A memfd named "uzswap:prof", found and opened like the statistics page
 * (stats.h), and as little to be trusted: a reader copies it and takes every
 * field for hostile.  It is one header and four tables, whose places the
 * header tells:
 *
 *	header
 *	sites	 code that allocates: where its return addresses are
 *	frames	 return addresses, innermost first
 *	live	 sampled allocations not yet freed, hashed by address
 *	points	 pages that are watched: when were they last used?
 *
 * Allocations are sampled by bytes: one of LEN bytes is in the table with
 * probability 1 - exp(-LEN / INTERVAL), and so stands for LEN over that many
 * bytes.  The tables have fixed sizes; when they fill up the interval is
 * doubled, and what finds no place at all is counted.
 *
 * Rows of sites and live are written at any time by threads of the program:
 * a row of sites is complete when READY is set, and never changes its frames
 * after that; a row of live is that of ADDR if ADDR is the same before and
 * after reading it.  Points and header are rewritten once a second under
 * the sequence number, odd meanwhile.
 *
 * All times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef UZSWAP_PROFILE_H
#define UZSWAP_PROFILE_H

#include <stdint.h>

#define UZSWAP_PROFILE_MAGIC	0x66705f7061777a75ull	/* "uzwap_pf" */
#define UZSWAP_PROFILE_VERSION	1
#define UZSWAP_PROFILE_NAME	"uzswap:prof"

#define UZSWAP_PROFILE_SITES	16384	/* a power of two */
#define UZSWAP_PROFILE_FRAMES	524288
#define UZSWAP_PROFILE_LIVE	131072	/* a power of two */
#define UZSWAP_PROFILE_POINTS	4096
#define UZSWAP_PROFILE_DEPTH	64	/* frames of one site at most */

/* What allocated. */
enum uzswap_profile_kind {
	UZSWAP_PROFILE_MALLOC,
	UZSWAP_PROFILE_MMAP,
	UZSWAP_PROFILE_NR_KINDS
};

struct uzswap_profile_site {
	uint64_t hash;		/* of kind and frames; 0: free row */
	uint32_t ready;		/* 1: complete */
	uint32_t first_frame;	/* index into frames */
	uint16_t nr_frames;
	uint16_t kind;		/* enum uzswap_profile_kind */
	uint32_t tid;		/* thread that was the first to come by */
	char thread[16];	/* its name */
	uint64_t samples;	/* allocations sampled, ever */
	uint64_t bytes;		/* their length together */
};

struct uzswap_profile_live {
	uint64_t addr;		/* 0: free row; 1: being written */
	uint64_t len;
	uint32_t site;		/* index into sites */
	uint32_t interval;	/* sampling interval then, bytes */
	uint64_t born_ns;
};

/* Where a watched page is, as last seen. */
enum uzswap_profile_state {
	UZSWAP_POINT_FREE,	/* the row means nothing */
	UZSWAP_POINT_USED,	/* in RAM, and used at used_ns or later */
	UZSWAP_POINT_OUT,	/* not used since out_ns */
	UZSWAP_POINT_STORED,	/* compressed by uzswap */
	UZSWAP_POINT_EMPTY,	/* not there: never written, or freed */
	UZSWAP_POINT_STUCK,	/* cannot be watched: pinned, locked, shared */
	UZSWAP_POINT_NR_STATES
};

#define UZSWAP_POINT_NO_LIVE	UINT32_MAX
#define UZSWAP_POINT_UNKNOWN	UINT16_MAX
#define UZSWAP_POINT_CELL	1u	/* stands for CELL bytes of memory */

struct uzswap_profile_point {
	uint64_t addr;		/* the page */
	uint64_t since_ns;	/* watched since */
	uint64_t used_ns;	/* last use seen; 0: none since since_ns */
	uint64_t out_ns;	/* when it was last taken out */
	uint32_t state;		/* enum uzswap_profile_state */
	uint32_t live;		/* row of live it was chosen for, or NO_LIVE */
	uint32_t uses;		/* times it was asked for */
	uint16_t packed;	/* bytes it takes in the pool, 4096: does not
				   pay, UNKNOWN: not tried yet */
	uint16_t flags;		/* UZSWAP_POINT_CELL */
};

/* Bucket i: pages used again after 2^i ms or more, and less than the double */
#define UZSWAP_PROFILE_REUSE	32

struct uzswap_profile {
	uint64_t magic;		/* UZSWAP_PROFILE_MAGIC */
	uint32_t version;
	uint32_t size;		/* of this header */
	int32_t pid;		/* in the process's own pid namespace */
	uint32_t recording;	/* 1 while it goes on */
	uint64_t start_time_ticks;

	uint64_t sites_at;	/* byte offsets of the tables */
	uint64_t frames_at;
	uint64_t live_at;
	uint64_t points_at;
	uint32_t nr_sites;	/* rows there are, used or not */
	uint32_t nr_frames;
	uint32_t nr_live;
	uint32_t nr_points;
	uint32_t frames_used;
	uint32_t sites_used;
	uint32_t live_used;
	uint32_t points_used;

	uint32_t seq;		/* odd while what follows is written */
	uint32_t unwind;	/* 0 frame pointers, 1 unwind tables */
	uint64_t started_ns;
	uint64_t updated_ns;
	uint64_t round_ns;	/* time the last round over the points took */
	uint64_t interval;	/* sampling interval now, bytes */
	uint64_t cell;		/* one point in so many bytes of memory */
	uint64_t resident;	/* bytes of memory watched that are in RAM */
	uint64_t stored;	/* bytes of it that are compressed */
	uint64_t pool;		/* RAM these take */
	uint64_t frozen_bytes;	/* bytes looked at that cannot be watched */

	uint64_t samples;	/* allocations sampled */
	uint64_t lost;		/* sampled, but no room to remember them */
	uint64_t no_stack;	/* without a call stack */
	uint64_t unwind_ns;	/* time spent on call stacks, by the program */
	uint64_t asked;		/* times a watched page was asked for */
	uint64_t asked_ns;	/* time the program waited for these, about */
	uint64_t sampler_ns;	/* time of our own thread */
	uint64_t reuse[UZSWAP_PROFILE_REUSE]; /* pages, by points of memory */
	uint64_t process_resident; /* bytes in RAM, watched or not */
};

#endif
