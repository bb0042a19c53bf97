/* SPDX-License-Identifier: MIT */
/*
 * One consistent, harmless copy of the statistics page of a process.
 *
 * The page belongs to a process that may be broken or mean, so it is taken
 * for hostile: it is read with pread() and not mapped (a truncated file
 * would be SIGBUS), tried a bounded number of times (a stopped process may
 * leave the sequence number odd for ever), and every field is brought into
 * its bounds before anybody sees it.  After snapshot_read() returned 0:
 *
 *   managed = resident + stored + untouched
 *   leaving, refused <= resident      disk <= stored
 *   packed + metadata <= pool         registered <= managed
 *   state < UZSWAP_NR_STATES          texts are printable ASCII, closed
 *   no number is above INT64_MAX      nothing happened in the future
 *
 * Pages of another version are refused and not guessed at; but the number
 * of counters and buckets may differ: what the page has more is ignored,
 * what it has less is zero.
 */
#ifndef UZ_TOOLS_SNAPSHOT_H
#define UZ_TOOLS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uzswap/stats.h>

#include "zctl.h"

struct snapshot {
	struct uzswap_stats s;	/* magic .. version as the library wrote */
	bool torn;		/* read while being written: may not add up */
	bool adjusted;		/* a field was out of its bounds */
	uint64_t taken_ns;	/* CLOCK_MONOTONIC */
};

/*
 * Copy the page open at FD.
 *
 * why      out: reason in words when refused; WHY_LEN bytes
 *
 * Returns  0
 *          -EBADMSG  it is no statistics page of a version we know
 *          -errno    of pread()
 */
MUST_USE int snapshot_read(struct snapshot *out, int fd,
			   char *why, size_t why_len);

/* SAVED: stored - pool, negative while the pool costs more than it holds. */
int64_t snapshot_saved(const struct snapshot *snap);

/* (stored - disk) / pool, or 0 while nothing is in the pool. */
double snapshot_ratio(const struct snapshot *snap);

/* Faults timed since the process woke up: the sum of the histogram. */
uint64_t snapshot_nr_timed(const struct snapshot *snap);

/*
 * The time in microseconds that SHARE (0..1) of all faults stayed below,
 * interpolated inside its bucket; 0 without faults.  SHARE 1 gives the
 * upper bound of the slowest one.
 */
double snapshot_fault_us(const struct snapshot *snap, double share);

/* A + B, or UINT64_MAX where that does not fit. */
uint64_t snapshot_add(uint64_t a, uint64_t b);

/* Make TEXT printable ASCII: all else becomes '?'; LEN includes the zero. */
void snapshot_clean_text(char *text, size_t len);

uint64_t snapshot_now_ns(void);

#endif
