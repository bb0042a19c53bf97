/* SPDX-License-Identifier: MIT */
/*
 * Waking up, in the program and in the children it forks.
 *
 * engine_wake() may be called from inside the program's allocator: it maps
 * memory and clones one thread, no more.  The steward does the rest in a
 * descriptor table of its own, and says once why if it cannot; the program
 * then runs as if we were not there.
 */
#include "engine/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/count.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/torture.h"
#include "base/vdso.h"
#include "engine/evict_move.h"
#include "engine/fault.h"
#include "engine/keep.h"
#include "engine/source.h"
#include "engine/steward.h"
#include "engine/tune.h"

void engine_ring(struct engine *e)
{
	atomic_fetch_add(&e->bell, 1);
	sys_futex_wake(&e->bell, 1);
}

int helper_init(struct helper *h, struct engine *e, unsigned slot,
		unsigned number, bool server)
{
	void *words = arena_alloc(&e->arena, PAGE_SIZE);
	void *trash = arena_reserve(&e->arena, TRAY_LEN, PAGE_SIZE);

	h->engine = e;
	h->slot = slot;
	h->number = number;
	h->server = server;
	h->codec = codec_new(&e->arena, &e->store.dicts);
	h->bounce = arena_alloc(&e->arena, RESTORE_WINDOW * PAGE_SIZE);
	h->trash = (uintptr_t)trash;
	h->pagemap.fd = -1;
	h->pagemap.words = words;
	if (!words || !trash || !h->codec || !h->bounce ||
	    arena_commit(&e->arena, trash, TRAY_LEN))
		return -ENOMEM;
	return server ? fault_init(h, &e->arena) : 0;
}

/* Staging of engine B is not: a server that drops a slot raises no event. */
static int register_own(struct engine *e, bool first)
{
	int ret = 0;

	if (first || e->use_move)
		ret = uffd_register(&e->main, e->staging.area,
				    staging_len(&e->staging), false);
	if (!ret)
		ret = uffd_register(&e->aside, e->steward.trash, TRAY_LEN,
				    false);
	for (unsigned i = 0; !ret && i < e->nr_servers; i++)
		ret = uffd_register(&e->aside, e->servers[i].trash, TRAY_LEN,
				    false);
	for (unsigned i = 0; !ret && i < e->nr_evictors; i++)
		ret = uffd_register(&e->aside, e->evictors[i].trash,
				    TRAY_LEN, false);
	return ret;
}

/* --- starting ----------------------------------------------------------- */

/* An object was moved by compaction: does its page still stand for it? */
static bool object_moved(void *ctx, uint64_t owner, struct store_ref from,
			 struct store_ref to)
{
	struct engine *e = ctx;
	struct helper *h = &e->evictors[0];	/* the only compactor */
	page_word *w;
	bool yes = false;

	torture_pause();
	order_enter(&e->order, h->slot);
	w = page_find(&e->pages, owner << PAGE_SHIFT);
	if (w) {
		uint64_t old = atomic_load(w);

		while (!yes && page_where(old) == from.bits &&
		       (page_state(old) == PAGE_STORED || page_has_object(old)))
			yes = page_shift(&e->pages, w, &old,
					 page_moved(old, to.bits));
		if (!yes && page_state(old) == PAGE_LEAVING)
			yes = keep_object_moved(e, page_where(old), from, to);
	}
	order_leave(&e->order, h->slot);
	return yes;
}

static int start_store(struct engine *e)
{
	struct store_config cfg = {
		.arena = &e->arena,
		.reserve_len = (e->arena.end - e->arena.base) / 2,
		.accept_pct = e->cfg.accept_pct,
		.codecs = e->cfg.codecs,
		.share_equal = e->cfg.share_equal,
		.pool_max = tune_pool_max(e),
		.moved = object_moved,
		.moved_ctx = e,
	};

	return store_start(&e->store, &cfg);
}

/* A quarter of it waits on probation (evict.c); the rest is in motion. */
static uint32_t nr_trays(const struct engine *e)
{
	uint64_t len = e->now.limit ? e->now.limit / 32 : 64 * MIB;

	if (len < 4 * MIB)
		len = 4 * MIB;
	if (len > 256 * MIB)
		len = 256 * MIB;
	return (uint32_t)(len / TRAY_LEN);
}

/*
 * Half as many servers as CPUs: a fault that finds the first one busy mostly
 * waits for less time than it takes to wake another one up (zipfian reads of
 * two threads on two CPUs, 0.53 million a second by one server, 0.39 by two).
 */
static void choose_numbers(struct engine *e)
{
	unsigned cpus = thread_nr_cpus();

	e->nr_servers = e->cfg.nr_servers
		? e->cfg.nr_servers
		: (uint32_t)min_size((cpus + 1) / 2, 4);
	if (e->nr_servers > SERVERS_MAX)
		e->nr_servers = SERVERS_MAX;
	e->nr_evictors = e->cfg.nr_evictors
		? e->cfg.nr_evictors
		: (uint32_t)min_size((cpus + 3) / 4, EVICTORS_MAX);
	if (e->nr_evictors > EVICTORS_MAX)
		e->nr_evictors = EVICTORS_MAX;
}

/* Memory of every part; once per process, kept over forks. */
static int build(struct engine *e)
{
	unsigned slot = 1;
	int ret = 0;

	choose_numbers(e);
	if (page_init(&e->pages, &e->arena) ||
	    region_init(&e->regions, &e->arena) ||
	    staging_init(&e->staging, &e->arena, nr_trays(e)) ||
	    start_store(e) || adopt_init(e) || fork_init(e) ||
	    cold_init(&e->cold, &e->arena, e->now.limit) ||
	    upkeep_init(e, e->cfg.repack_idle_ms, e->cfg.repack_cpu_pct))
		return -ENOMEM;
	age_set(e, &e->cfg);
	order_init(&e->order);
	e->restore.zeros = arena_alloc(&e->arena, RESTORE_WINDOW * PAGE_SIZE);
	for (unsigned i = 0; !ret && i < e->nr_servers; i++)
		ret = helper_init(&e->servers[i], e, slot++, i, true);
	for (unsigned i = 0; !ret && i < e->nr_evictors; i++)
		ret = helper_init(&e->evictors[i], e, slot++, i, false);
	return ret || !e->restore.zeros ? -ENOMEM : 0;
}

/*
 * The program goes on without us, and shall know why; but not what torture
 * has made up in a forked child: others' tests read what is on fd 2.
 */
static int blame(int ret, const char *what)
{
	char word[TEXT_NUM];

	if (ret && !torture_is_on())
		log_line("running WITHOUT compression: ", what, ": ",
			 text_errno(word, sizeof(word), ret), NULL);
	return ret;
}

static int start_threads(struct engine *e)
{
	int ret = 0;

	atomic_store(&e->ending, 0);
	e->door = (int)sys_eventfd();
	for (unsigned i = 0; !ret && i < e->nr_servers; i++) {
		ret = pagemap_open(&e->servers[i].pagemap,
				   e->servers[i].pagemap.words);
		fault_open_wait(&e->servers[i]);
		if (!ret)
			ret = thread_start(&e->servers[i].thread, &e->arena,
					   "uzswap-server", fault_run,
					   &e->servers[i]);
	}
	stall_wait_on(&e->stall, e->servers[0].wait_fd);
	for (unsigned i = 0; !ret && i < e->nr_evictors; i++) {
		ret = pagemap_open(&e->evictors[i].pagemap,
				   e->evictors[i].pagemap.words);
		if (!ret)
			ret = thread_start(&e->evictors[i].thread, &e->arena,
					   "uzswap-evict", reclaim_run,
					   &e->evictors[i]);
	}
	return blame(ret, "no threads of our own");
}

static int find_pressure(struct engine *e)
{
	struct pressure_config cfg = {
		.limit = e->cfg.limit,
		.limit_pct = e->cfg.limit_pct,
		.root = "",
	};
	int ret = pressure_find(&e->pressure, &cfg);

	if (ret)
		return ret;
	stall_init(&e->stall);
	pressure_refresh(&e->pressure);
	pressure_read(&e->pressure, &e->now);
	return 0;
}

/* A if it works and is not forbidden, else B. */
static int choose_engine(struct engine *e)
{
	e->use_move = e->cfg.kind != ENGINE_WP && evict_move_works(e);
	if (e->use_move)
		return 0;
	if (e->cfg.kind == ENGINE_MOVE)
		log_line("this kernel's UFFDIO_MOVE is missing or does not "
			 "work: using engine wp", NULL);
	if (evict_remap_works(e))
		return 0;
	log_line("running WITHOUT compression: neither UFFDIO_MOVE nor "
		 "MREMAP_DONTUNMAP works here; fix: Linux 5.7 or later",
		 NULL);
	return -ENOSYS;
}

static int bring_up(struct engine *e, bool first)
{
	int ret = source_open(&e->main, &e->aside, &e->cfg);

	if (ret)
		return ret;
	ret = find_pressure(e);
	if (!ret && first)
		ret = build(e);
	if (!ret)
		ret = pagemap_open(&e->steward.pagemap,
				   e->steward.pagemap.words);
	if (!ret)
		ret = register_own(e, first);
	if (blame(ret, "what the library itself needs"))
		return ret;
	if (first)
		ret = choose_engine(e);
	if (!ret && !e->use_move)
		evict_remap_start(e);
	return ret;
}

int engine_start_helpers(struct engine *e)
{
	int ret = source_open(&e->main, &e->aside, &e->cfg);

	if (!ret)
		ret = register_own(e, false);
	if (!ret && !e->use_move)
		evict_remap_start(e);
	return ret ? ret : start_threads(e);
}

/* Evictors first: with engine B they need servers to come to an end. */
void engine_stop_helpers(struct engine *e)
{
	atomic_store(&e->ending, 1);
	reclaim_ring(&e->reclaim);
	for (unsigned i = 0; i < e->nr_evictors; i++) {
		thread_join(&e->evictors[i].thread);
		pagemap_close(&e->evictors[i].pagemap);
	}
	atomic_store(&e->ending, 2);
	sys_eventfd_raise(e->door);
	for (unsigned i = 0; i < e->nr_servers; i++) {
		thread_join(&e->servers[i].thread);
		pagemap_close(&e->servers[i].pagemap);
		if (e->servers[i].wait_fd >= 0)
			sys_close(e->servers[i].wait_fd);
		e->servers[i].wait_fd = -1;
	}
	stall_wait_on(&e->stall, -1);
	uffd_close(&e->main);
	uffd_close(&e->aside);
	sys_close(e->door);
	e->door = -1;
}

bool engine_is_single(struct engine *e, struct proc_threads *threads)
{
	uint64_t ours = 0;

	if (atomic_load(&e->ready) != 2)	/* it came up, and goes on */
		ours = 1;
	if (ours && mode_now(&e->mode) < MODE_OFF)
		ours += e->nr_servers + e->nr_evictors;
	return !proc_threads(threads) && threads->nr <= ours + 1;
}

/* The child of a process that was OFF. */
static int bring_up_idle(struct engine *e)
{
	int ret = find_pressure(e);

	if (!ret)
		ret = pagemap_open(&e->steward.pagemap,
				   e->steward.pagemap.words);
	if (!ret) {
		fork_settle_kept(&e->steward);
		fork_settle_child(&e->steward, true);
	}
	return ret;
}

static void say_ready(struct engine *e, uint32_t how)
{
	atomic_store(&e->ready, how);
	sys_futex_wake(&e->ready, 1 << 16);
}

static int bring_up_first(struct engine *e)
{
	int ret = bring_up(e, true);

	vdso_start();
	torture_start(e->cfg.torture);
	return ret ? ret : start_threads(e);
}

static int bring_up_child(struct engine *e)
{
	int ret;

	if (mode_now(&e->mode) == MODE_OFF)
		return bring_up_idle(e);
	ret = bring_up(e, false);
	if (ret)
		return ret;
	/* or what has just moved would be forgotten where it was */
	fork_settle_kept(&e->steward);
	fork_settle_child(&e->steward, adopt_again(e));
	torture_start(e->cfg.torture);
	return start_threads(e);
}

static void steward_run(void *arg)
{
	struct engine *e = arg;
	bool first = !e->restore.zeros;
	int ret;

	/* numbers of the parent mean nothing in a forked child */
	e->main.fd = -1;
	e->aside.fd = -1;
	ret = thread_leave_files(e->cfg.dev_fd);
	if (ret)
		log_line("running WITHOUT compression: no table of "
			 "descriptors of our own: a seccomp filter", NULL);
	else
		ret = first ? bring_up_first(e) : bring_up_child(e);
	if (ret) {
		engine_stop_helpers(e);
		if (!first)
			fork_restore_all(&e->steward);
		atomic_store(&e->adopt.gate, 0);
		atomic_store(&e->state, UZSWAP_OFF);
		say_ready(e, 2);
		return;
	}
	if (first)
		atomic_store(&e->state, UZSWAP_ACTIVE);
	if (e->cfg.begin)
		e->cfg.begin(e->cfg.publish_ctx);
	say_ready(e, 1);
	steward_loop(e);
	say_ready(e, 2);
}

/* Twice the RAM: room for pool and metadata of any process that fits. */
static size_t arena_size(void)
{
	struct proc_meminfo mem;
	struct rlimit as = { RLIM_INFINITY, RLIM_INFINITY };
	size_t len = 16 * GIB;

	if (proc_meminfo(&mem) == 0 && mem.total)
		len = max_size(2 * mem.total, GIB);
	sys_getrlimit(RLIMIT_AS, &as);
	if (as.rlim_cur != RLIM_INFINITY && as.rlim_cur / 4 < len)
		len = as.rlim_cur / 4;
	return len;
}

int engine_wake(struct engine *e, const struct engine_config *cfg)
{
	int ret;

	e->cfg = *cfg;
	e->main.fd = -1;
	e->aside.fd = -1;
	e->door = -1;
	ret = arena_start(&e->arena, arena_size());
	if (ret)
		return ret;
	reclaim_init(&e->reclaim);
	e->started_ns = sys_now_ns();
	ret = helper_init(&e->steward, e, 0, 0, false);
	if (!ret)
		ret = thread_start(&e->steward.thread, &e->arena,
				   "uzswap", steward_run, e);
	return ret;
}

void engine_wake_child(struct engine *e)
{
	uint32_t ready;

	atomic_store(&e->ready, 0);
	atomic_store(&e->bell, 0);
	e->outer_bell = NULL;		/* the parent's */
	atomic_store(&e->reclaim.wanted, 0);
	age_end_round(e);
	e->main.fd = -1;
	e->aside.fd = -1;
	e->door = -1;
	/* these are the parent's */
	for (unsigned i = 0; i < e->nr_servers; i++) {
		atomic_store(&e->servers[i].thread.tid, 0);
		e->servers[i].wait_fd = -1;
	}
	for (unsigned i = 0; i < e->nr_evictors; i++)
		atomic_store(&e->evictors[i].thread.tid, 0);
	if (thread_start(&e->steward.thread, &e->arena, "uzswap",
			 steward_run, e)) {
		fork_restore_all(&e->steward);
		atomic_store(&e->state, UZSWAP_OFF);
		atomic_store(&e->ready, 2);
		return;
	}
	while (!(ready = atomic_load(&e->ready)))
		thread_wait(&e->ready, 0, NS_PER_S);
}
