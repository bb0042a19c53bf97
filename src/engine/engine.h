/* SPDX-License-Identifier: MIT */
/*
 * The engine: one per process, and the path of a page through it.
 *
 *	hooks/hook_map.c   a mapping appears
 *	      |
 *	engine/adopt.c     memory is short: register it       region_add
 *	      |
 *	engine/cold.c      nobody asked for it lately         page: HERE
 *	      |
 *	engine/evict.c     move it out, on probation          LEAVING
 *	      |            evict_move.c or evict_remap.c, staging.c
 *	engine/evict.c     pack and store it                  PACKING -> STORED
 *	      |            store/store.c -> codec.c, pool.c
 *	     ...           the bytes wait; compaction may move them
 *	      |
 *	engine/fault.c     somebody touches it: the kernel asks
 *	      |
 *	engine/restore.c   load, unpack, copy                 ARRIVING -> HERE
 *
 * Threads, all started by the first, which opens the descriptors in a table
 * of its own:
 *
 *	steward   watches limit and usage, adopts and gives back, publishes
 *	servers   read the userfaultfd: apply events, answer faults
 *	evictors  keep ahead of need; the first looks after the pool
 *	          (engine/upkeep.c)
 *
 * Only the engine knows both addresses (space/) and bytes (store/).
 */
#ifndef UZ_ENGINE_ENGINE_H
#define UZ_ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/broker.h"
#include "base/pagemap.h"
#include "base/proc.h"
#include "base/thread.h"
#include "base/types.h"
#include "base/uffd.h"
#include "engine/adopt.h"
#include "engine/age.h"
#include "engine/audit.h"
#include "engine/cold.h"
#include "engine/evict_remap.h"
#include "engine/fork.h"
#include "engine/gate.h"
#include "engine/mode.h"
#include "engine/order.h"
#include "engine/pressure.h"
#include "engine/probe.h"
#include "engine/reclaim.h"
#include "engine/restore.h"
#include "engine/share.h"
#include "engine/stall.h"
#include "engine/staging.h"
#include "engine/steward.h"
#include "engine/still.h"
#include "engine/upkeep.h"
#include "engine/visit.h"
#include "engine/yield.h"
#include "space/exempt.h"
#include "space/page.h"
#include "space/region.h"
#include "store/store.h"
#include "uzswap/stats.h"

/* What must not fail for a moment's want of memory is tried again: 10 s. */
#define INSIST_NS	NS_PER_MS
#define INSIST_MOST	10000u

#define SERVERS_MAX	8u
#define EVICTORS_MAX	8u

enum engine_kind { ENGINE_AUTO, ENGINE_MOVE, ENGINE_WP };

struct engine_config {
	uint64_t limit;		/* bytes, 0 none */
	uint32_t limit_pct;	/* or percent of what there is */
	uint64_t pool_max;	/* bytes, 0 none */
	uint32_t pool_max_pct;	/* or percent of what there is */
	uint64_t min_mapping;	/* smallest mapping adopted, bytes */
	uint32_t accept_pct;	/* packed size that pays, % of a page */
	struct codec_pair codecs;
	bool share_equal;	/* pages with the same bytes share an object */
	uint64_t min_age_ms;	/* store what is idle so long; 0 never */
	uint64_t max_stall_ms;	/* harm by that, in six seconds */
	uint32_t age_cpu_pct;	/* of one CPU, for storing it; 0 any */
	uint64_t repack_idle_ms; /* stored so long: second codec */
	uint32_t repack_cpu_pct; /* of one CPU, for that; 0 never */
	uint32_t nr_servers;	/* 0: by number of CPUs */
	uint32_t nr_evictors;	/* 0: by number of CPUs */
	enum engine_kind kind;
	int dev_fd;		/* inherited /dev/userfaultfd, or -1 */
	char broker[BROKER_PATH]; /* socket that hands out the device */
	bool no_device;		/* do not open the device */
	bool no_broker;		/* do not ask the broker */
	bool no_syscall;	/* do not use userfaultfd(2) */
	uint64_t torture;	/* seed (base/torture.h), 0 off */
	/*
	 * Called by the steward before the program is told that all is up,
	 * first and in the children of forks; may be NULL.
	 */
	void (*begin)(void *ctx);
	/* Called by the steward each tick and after a fork; may be NULL. */
	void (*publish)(void *ctx);
	void *publish_ctx;
	/*
	 * Called by the steward each tick to do what others have asked for;
	 * returns within how many ns it wants to be called again.  May be
	 * NULL.
	 */
	uint64_t (*serve)(void *ctx);
	void *serve_ctx;
};

/* One of our threads and what it owns.  Its own thread only, unless noted. */
struct helper {
	struct engine *engine;
	struct thread thread;
	unsigned slot;		/* its order slot */
	unsigned number;	/* among its kind */
	bool server;		/* must never wait for a server */
	struct codec *codec;
	char *bounce;		/* RESTORE_WINDOW pages */
	uintptr_t trash;	/* TRAY_SLOTS pages of the second uffd */
	struct tray *tray;	/* being filled, or NULL */
	struct tray *packing;	/* being packed, or NULL */
	uint32_t pack_at;	/* its next slot */
	bool pack_left;		/* a slot could not be finished */
	struct page_run put;	/* by restore_page(), nobody woken yet */
	struct page_run ahead;	/* to restore after that... */
	bool around;		/* ...where much is asked for */
	struct visit visit;	/* where it is; evictors */
	struct cold_look look;	/* what the hand has come to */
	uint32_t lone;		/* given here and there; servers (near.h) */
	uint32_t owes;		/* pages given since room was made; servers */
	uint32_t credit;	/* of them, until it makes room */
	struct flight flight;	/* engine B; evictors.  Others read */
	struct pagemap pagemap;
	struct fault_queue *queue; /* faults put aside; servers */
	int wait_fd;		/* epoll, or -1; servers */
};

struct engine {
	struct engine_config cfg;	/* changed by tune_apply() only */
	_Atomic uint32_t state;		/* enum uzswap_state */
	_Atomic uint32_t stopping;	/* STOP_FOR_*: nothing new leaves */
	_Atomic uint32_t ending; /* 1: evictors return, 2: servers, too */
	int door;			/* eventfd: readable when they must */
	const char *_Atomic note;	/* why degraded; static text */

	struct arena arena;
	struct uffd main;		/* program's memory and staging */
	struct uffd aside;		/* trash windows; no events */
	bool use_move;			/* engine A, else B */

	struct page_map pages;
	struct region_set regions;
	struct store store;
	struct staging staging;
	struct gate gate;		/* engine B */
	struct still still;
	struct order order;
	struct reclaim reclaim;
	struct pressure pressure;
	struct pressure_now now;	/* last reading; steward writes */
	struct share share;		/* steward */
	struct age age;
	struct stall stall;		/* steward */
	struct cold cold;
	struct adopt adopt;
	struct exempt_set exempt;	/* hooks write */
	struct yield yield;
	struct audit audit;
	struct steward watch;
	struct restore restore;
	struct fork_state fork;
	struct upkeep upkeep;
	struct probe_set probes;
	struct mode mode;

	_Atomic uint64_t fault_us[UZSWAP_NR_BUCKETS];
	_Atomic uint64_t resident;	/* bytes, as last counted; steward */
	uint64_t usage_max;		/* steward */
	uint64_t started_ns;
	_Atomic uint32_t bell;		/* futex: steward, look now */
	_Atomic uint32_t *outer_bell;	/* the same for other processes, in
					 * memory shared with them, or NULL;
					 * steward */
	_Atomic uint32_t ready;		/* futex: 0 starting, 1 up, 2 failed */

	struct helper steward;
	uint32_t nr_servers;
	uint32_t nr_evictors;
	struct helper servers[SERVERS_MAX];
	struct helper evictors[EVICTORS_MAX];
};

/*
 * Reserve memory and start the steward, which starts all else; returns at
 * once.  May run in any thread of the program, also inside its allocator.
 *
 * Returns  0 or -errno (nothing was started)
 * Context  app
 */
MUST_USE int engine_wake(struct engine *e, const struct engine_config *cfg);

/* Start in the child of a fork with what the parent had.  Context: child. */
void engine_wake_child(struct engine *e);

/*
 * Open userfaultfds, register what is ours, start servers and evictors; and
 * the reverse, when nothing of the program is registered or away.
 * Context: steward.
 */
MUST_USE int engine_start_helpers(struct engine *e);
void engine_stop_helpers(struct engine *e);

/*
 * Is there only one thread that is not ours, or none any more?  THREADS is
 * how it is.  Context: any.
 */
bool engine_is_single(struct engine *e, struct proc_threads *threads);

/* Have the steward look at the maps and the limit now.  Context: any. */
void engine_ring(struct engine *e);

/* What a helper needs to run; -ENOMEM.  Context: init. */
MUST_USE int helper_init(struct helper *h, struct engine *e, unsigned slot,
			 unsigned number, bool server);

/* Count the program's pages in RAM anew.  Context: steward. */
void engine_count_resident(struct engine *e);

#endif
