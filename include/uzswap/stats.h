/* SPDX-License-Identifier: MIT */
/*
 * The statistics page: what a process under uzswap shows to the outside.
 *
 * The library keeps it in a memfd named "uzswap:ctl", mapped by the process
 * and open only in the descriptor table of the library's own threads.  A
 * reader finds a process by the mapping "/memfd:uzswap:ctl" in
 * /proc/PID/maps, and opens the file through /proc/PID/map_files or
 * /proc/PID/task/TID/fd; the kernel's own check (same user, or
 * CAP_SYS_PTRACE) is the access control.
 *
 * Reading: copy the page, with SEQ even and the same before and after.  It
 * is rewritten at most ten times a second, and readable also while the
 * process is stopped.  A reader must take every field for hostile input:
 * nothing here was checked by the kernel.
 *
 * All sizes are bytes.  managed = resident + stored + untouched, always.
 * The layout only ever grows at its end; version changes when it does.
 */
#ifndef UZSWAP_STATS_H
#define UZSWAP_STATS_H

#include <stdint.h>

#define UZSWAP_STATS_MAGIC	0x74735f7061777a75ull	/* "uzwap_st" */
#define UZSWAP_STATS_VERSION	1
#define UZSWAP_STATS_NAME	"uzswap:ctl"

/* Monotonic counters since the process woke up; X(name, meaning). */
#define UZSWAP_COUNTERS(X)						\
	X(evicted,		"pages that left RAM for the pool")	\
	X(restored,		"pages that came back from the pool")	\
	X(dropped,		"stored pages the program freed")	\
	X(leave_moved,		"pages taken out on probation")		\
	X(leave_back,		"pages asked for while on probation")	\
	X(leave_dropped,	"pages on probation the program freed")	\
	X(leave_refused,	"pages given back: they do not pay")	\
	X(same_filled,		"evicted pages of one repeated word")	\
	X(refused_size,		"pages refused: packed size too large")	\
	X(refused_pool,		"pages refused: pool or memory full")	\
	X(skip_heat,		"pages passed over: recently used")	\
	X(skip_refused,		"pages passed over: refused before")	\
	X(skip_dying,		"pages passed over: being freed")	\
	X(skip_busy,		"pages passed over: pinned or shared")	\
	X(skip_protected,	"pages passed over: locked or read-only")\
	X(unshared,		"pages made exclusive again after fork")\
	X(faults,		"page faults answered")			\
	X(faults_stored,	"faults answered from the pool")	\
	X(faults_leaving,	"faults answered from probation")	\
	X(faults_fresh,		"faults answered with new zero pages")	\
	X(faults_resident,	"faults on pages that were there again")\
	X(filled,		"zero pages given, neighbours included")\
	X(refaults,		"faults on pages evicted not long ago")	\
	X(readahead,		"neighbours restored along with a fault")\
	X(again,		"kernel said EAGAIN, tried again")	\
	X(parked,		"faults put aside for a moment")	\
	X(direct_reclaims,	"faults that had to make room first")	\
	X(exceeded,		"faults answered over the limit")	\
	X(events_remove,	"ranges the program gave up")		\
	X(events_unmap,		"ranges the program unmapped")		\
	X(events_remap,		"ranges the program moved")		\
	X(forks,		"forks taken part in")			\
	X(fork_restored,	"pages restored at once in a child")	\
	X(regions_adopted,	"mappings taken into care")		\
	X(regions_returned,	"mappings given back to the kernel")	\
	X(sweeps,		"times the clock hand came round")	\
	X(scanned,		"pages looked at by the clock hand")	\
	X(compacted,		"objects moved by pool compaction")	\
	X(damaged,		"objects that did not unpack: fatal")	\
	X(lost_copies,		"copies that failed for good")		\
	X(server_cpu_ns,	"CPU time of fault servers, ns")	\
	X(worker_cpu_ns,	"CPU time of all other helpers, ns")	\
	X(compact_cpu_ns,	"of that, for pool compaction, ns")	\
	X(repacked,		"idle pages packed by the second codec")\
	X(repack_kept,		"idle pages it would have gained little on")\
	X(repack_saved,		"bytes the second codec has saved")	\
	X(repack_cpu_ns,	"CPU time of that, ns")			\
	X(dictionaries,		"dictionaries made and used")	\
	X(packed_second,	"pages only the second codec could pack")\
	X(shared,		"evicted pages equal to a stored one: joined")\
	X(share_refused,	"pages not joined: same sum only, or no room")\
	X(lock_waits,		"times one of our threads slept for a lock")\
	X(evicted_clean,	"evicted again unchanged: not packed anew") \
	X(stalls,		"times the kernel said that memory is short") \
	X(overtaken,		"stored pages found there again: dropped") \
	X(audits,		"times that the books were found to close") \
	X(aged,			"pages stored because they were idle")	\
	X(fault_ns,		"time that page faults took, ns")	\
	X(aged_cpu_ns,		"CPU time of storing idle pages, ns")	\
	X(backoffs,		"times that ageing began to wait: stall") \
	X(skip_at_work,		"chunks passed over: much is asked for there") \
	X(taken_near,		"of those on probation, by fault servers")

enum uzswap_counter {
#define X(name, help) UZSWAP_COUNT_##name,
	UZSWAP_COUNTERS(X)
#undef X
	UZSWAP_NR_COUNTERS
};

/* What the library is doing in this process. */
enum uzswap_state {
	UZSWAP_DORMANT,		/* below the size threshold */
	UZSWAP_ACTIVE,		/* ready or working */
	UZSWAP_PAUSED,		/* serves, stores nothing new */
	UZSWAP_OFF,		/* everything restored, idle */
	UZSWAP_DEGRADED,	/* works, but something failed: see note */
	UZSWAP_CHILD,		/* forked, not yet taken over */
	UZSWAP_NR_STATES
};

/*
 * Fault service time, from the message read to the page in place: bucket i
 * counts times below 2^i microseconds / 4, the last one all others.
 */
#define UZSWAP_NR_BUCKETS	24

struct uzswap_stats {
	uint64_t magic;			/* UZSWAP_STATS_MAGIC */
	uint32_t version;		/* UZSWAP_STATS_VERSION */
	uint32_t size;			/* of this structure */
	int32_t pid;			/* in the process's own pid namespace */
	uint32_t state;			/* enum uzswap_state */
	uint64_t start_time_ticks;	/* field 22 of /proc/PID/stat */
	uint32_t seq;			/* odd while being written */
	uint32_t nr_counters;		/* UZSWAP_NR_COUNTERS */
	uint32_t nr_buckets;		/* UZSWAP_NR_BUCKETS */
	uint32_t nr_servers;		/* fault server threads */
	uint64_t updated_ns;		/* CLOCK_MONOTONIC of this copy */
	uint64_t started_ns;		/* CLOCK_MONOTONIC of the wake-up */

	char library_version[16];
	char name[32];			/* label: UZSWAP_NAME or comm */
	char compressor[16];
	char engine[16];		/* "move" or "wp" */
	char limit_source[64];		/* what binds: "option", a cgroup... */
	char note[128];			/* why degraded, or empty */

	uint64_t managed;		/* virtual bytes looked after */
	uint64_t resident;		/* of these, ordinary pages in RAM */
	uint64_t stored;		/* of these, evicted, uncompressed */
	uint64_t untouched;		/* of these, never written */
	uint64_t leaving;		/* part of resident: on probation */
	uint64_t registered;		/* part of managed: faults come to us */
	uint64_t pool;			/* RAM holding what is stored, all in */
	uint64_t packed;		/* part of pool: compressed bytes */
	uint64_t metadata;		/* part of pool: page words, tables */
	uint64_t disk;			/* part of stored: in the swap file */
	uint64_t refused;		/* part of resident: does not pay */
	uint64_t limit;			/* the limit that binds; 0 none */
	uint64_t usage;			/* what counts against it now */
	uint64_t usage_max;		/* the most seen */
	uint64_t min_age_ms;		/* stored when idle so long; 0 never */
	uint64_t max_stall_ms;		/* of faults in 6 s; more: wait */
	uint64_t backing_off;		/* 1: it waits, as they took longer */
	uint64_t backoff_ns;		/* CLOCK_MONOTONIC: began last; 0 */
	uint64_t backoff_stall_ns;	/* what they had taken then */

	uint64_t counters[UZSWAP_NR_COUNTERS];
	uint64_t fault_us[UZSWAP_NR_BUCKETS];
};

/*
 * The pool in detail: in the same file at UZSWAP_POOL_AT, under the same
 * sequence number.  The sum of the codecs and the sum of the classes are what
 * is in the pool; stored pages besides are same-filled ones, which have no
 * object, and those that share another one's.
 */
#define UZSWAP_POOL_AT		32768
#define UZSWAP_POOL_CODECS	8
#define UZSWAP_POOL_CLASSES	256

struct uzswap_pool_codec {
	char name[16];			/* "lz4", "zstd", "dict 1" ... */
	uint64_t objects;
	uint64_t packed;		/* bytes of them */
};

struct uzswap_pool_class {
	uint32_t slot_len;		/* bytes of an object and its header */
	uint32_t nr_slots;		/* in one slab */
	uint64_t slabs;
	uint64_t objects;
	uint64_t packed;		/* bytes of them */
	uint64_t used;			/* bytes of RAM of the slabs */
};

struct uzswap_pool {
	uint32_t nr_codecs;		/* rows that are filled */
	uint32_t nr_classes;
	uint64_t same;			/* same-filled pages, without object */
	uint64_t free;			/* bytes of RAM kept in free slabs */
	struct uzswap_pool_codec codecs[UZSWAP_POOL_CODECS];
	struct uzswap_pool_class classes[UZSWAP_POOL_CLASSES];
	uint64_t shared;		/* pages with another page's object */
};

#endif
