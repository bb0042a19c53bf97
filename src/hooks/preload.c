/* SPDX-License-Identifier: MIT */
/*
 * The library in a process: from loading to waking up.
 *
 * The constructor reads the environment and resolves symbols, no more: a
 * process that never grows has no thread, no descriptor, no handler of ours.
 * When the hooks have counted enough memory, the engine is started; if that
 * fails it says so once, and the program never notices.
 */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"
#include "hooks/hooks.h"
#include "watch/config.h"
#include "watch/publish.h"

#define MIN_MAPPING	MIB		/* smallest mapping adopted */
#define SMALL		(64 * KIB)	/* growth not worth counting */
#define GROWN_WAIT_NS	(5 * NS_PER_MS)	/* a hook waits no longer */
#define UNSEEN_MOST	(8 * MIB)	/* new memory not yet registered */
#define LOOK_EVERY	(16 * MIB)	/* allocated between looks, dormant */

struct hooks hooks;
struct engine hooks_engine;

static struct publish publish;

/* Bytes of writable private memory mapped, touched or not; 0 unknown. */
static COLD size_t private_bytes(void)
{
	char buf[128];
	const char *p = buf;
	uint64_t pages = 0;

	if (proc_read_self("statm", buf, sizeof(buf)) <= 0)
		return 0;
	/* size resident shared text lib DATA dt */
	for (int i = 0; i < 6; i++) {
		pages = text_take_u64(&p);
		while (*p == ' ')
			p++;
	}
	return pages * PAGE_SIZE;
}

/* LEN more are coming; is it time?  Our own count forgets what was freed. */
static COLD void consider_waking(size_t len)
{
	size_t bytes = private_bytes();

	atomic_store(&hooks.grown, (int64_t)bytes);
	if (bytes + len >= hooks.threshold)
		hooks_wake();
}

COLD void hooks_wake(void)
{
	uint32_t dormant = HOOKS_DORMANT;

	if (!atomic_compare_exchange_strong(&hooks.mode, &dormant,
					    HOOKS_AWAKE))
		return;
	if (engine_wake(&hooks_engine, &hooks.cfg)) {
		atomic_store(&hooks.mode, HOOKS_OFF);
		log_line("running WITHOUT compression: no memory for ",
			 "the library's own needs", NULL);
	}
}

/* New memory while the gate is closed: have it registered before it fills. */
static void wait_for_look(size_t len)
{
	struct adopt *a = &hooks_engine.adopt;
	uint32_t looked = atomic_load(&a->looked);

	if (atomic_fetch_add(&a->unseen, len) + len < UNSEEN_MOST)
		return;
	engine_ring(&hooks_engine);
	thread_wait(&a->looked, looked, GROWN_WAIT_NS);
}

void hooks_grown(size_t len)
{
	uint32_t mode = atomic_load_explicit(&hooks.mode,
					     memory_order_relaxed);

	if (len < SMALL)
		return;
	if (mode == HOOKS_AWAKE) {
		if (atomic_load_explicit(&hooks_engine.adopt.gate,
					 memory_order_relaxed))
			wait_for_look(len);
		return;
	}
	if (mode != HOOKS_DORMANT)
		return;
	if (atomic_fetch_add(&hooks.grown, (int64_t)len) + (int64_t)len >=
	    (int64_t)hooks.threshold)
		consider_waking(0);
}

void hooks_shrunk(size_t len)
{
	if (len >= SMALL && atomic_load_explicit(&hooks.mode,
						 memory_order_relaxed) ==
	    HOOKS_DORMANT)
		atomic_fetch_sub(&hooks.grown, (int64_t)len);
}

void hooks_allocated(size_t len)
{
	static _Atomic size_t since_look;
	struct adopt *a = &hooks_engine.adopt;
	uint32_t mode = atomic_load_explicit(&hooks.mode,
					     memory_order_relaxed);
	uintptr_t seen;
	uintptr_t now;

	if (mode == HOOKS_DORMANT) {
		if (atomic_fetch_add(&since_look, len) + len < LOOK_EVERY)
			return;
		atomic_store(&since_look, 0);
		consider_waking(len);
		return;
	}
	if (mode != HOOKS_AWAKE || !atomic_load(&a->gate))
		return;
	seen = atomic_load(&a->brk);
	now = (uintptr_t)sys_brk(0);
	if (seen && now > seen + UNSEEN_MOST)
		wait_for_look(UNSEEN_MOST);
	else
		wait_for_look(len / 2);	/* thread arenas grow unseen */
}

/* --- the environment ------------------------------------------------------ */

/* Take the variable called NAME out of ENV, in place. */
static void remove_env(char **env, const char *name, size_t len)
{
	char **to = env;

	for (char **from = env; *from; from++)
		if (strncmp(*from, name, len) || (*from)[len] != '=')
			*to++ = *from;
	*to = NULL;
}

/*
 * A variable that can't be used is said once, then taken out: programs that
 * this one starts would say the same again.
 */
static void report(void *arg, const struct config_problem *problem)
{
	char line[256];

	log_line(config_problem_text(problem, line, sizeof(line)), NULL);
	if (!strncmp(problem->name, UZSWAP_ENV_PREFIX,
		     strlen(UZSWAP_ENV_PREFIX)) && !strchr(problem->name, ' '))
		remove_env(arg, problem->name, strlen(problem->name));
}

static void set_log_level(char *const *env)
{
	static const char off[] = "UZSWAP_LOG=off";

	for (char *const *p = env; p && *p; p++)
		if (!strcmp(*p, off))
			log_set_quiet(true);
}

/* The file name of the program, without its folders. */
static const char *exe_name(char *buf, size_t len)
{
	long n = sys_readlink("/proc/self/exe", buf, len - 1);
	const char *slash;

	buf[n > 0 ? n : 0] = 0;
	slash = strrchr(buf, '/');
	return slash ? slash + 1 : buf;
}

static struct engine_config engine_config_of(const struct config *c)
{
	static const enum engine_kind kinds[] = {
		[CONFIG_ENGINE_AUTO] = ENGINE_AUTO,
		[CONFIG_ENGINE_MOVE] = ENGINE_MOVE,
		[CONFIG_ENGINE_WP] = ENGINE_WP,
	};
	uint64_t from = c->uffd.num;

	return (struct engine_config){
		.limit = c->limit.num,
		.limit_pct = c->limit.pct,
		.pool_max = c->pool_max.num,
		.pool_max_pct = c->pool_max.pct,
		.min_mapping = MIN_MAPPING,
		.accept_pct = (uint32_t)c->accept_percent.num,
		.nr_servers = (uint32_t)c->servers.num,
		.nr_evictors = (uint32_t)c->threads.num,
		.kind = kinds[c->engine.num],
		.dev_fd = c->uffd_fd.num == CONFIG_NO_FD
			? -1 : (int)c->uffd_fd.num,
		.no_device = from == CONFIG_UFFD_SYSCALL,
		.no_syscall = from == CONFIG_UFFD_DEV,
		.user_only = from == CONFIG_UFFD_USER_ONLY,
		.publish = publish_now,
		.publish_ctx = &publish,
	};
}

/* UZSWAP_REQUIRE: better no program than one without compression. */
static void check_required(const struct engine_config *cfg)
{
	if (engine_can_work(cfg))
		return;
	log_line("UZSWAP_REQUIRE is set: not starting the program", NULL);
	sys_exit_process(125);
}

static void leave_no_trace(char **env)
{
	remove_env(env, "LD_PRELOAD", strlen("LD_PRELOAD"));
}

static enum hooks_mode configure(char **env)
{
	struct config c;
	char buf[256];

	set_log_level(env);
	config_defaults(&c);
	config_from_env(&c, env, report, env);
	if (c.follow.num == CONFIG_FOLLOW_NONE)
		leave_no_trace(env);
	if (!config_wants(&c, exe_name(buf, sizeof(buf))))
		return HOOKS_OFF;
	hooks.threshold = c.min_managed.num;
	hooks.cfg = engine_config_of(&c);
	hooks.stats_at_exit = c.stats_at_exit.num;
	publish.engine = &hooks_engine;
	publish.min_age_ms = c.min_age.num;
	text_copy(publish.compressor, sizeof(publish.compressor), "lz4");
	text_copy(publish.name, sizeof(publish.name),
		  config_text(&c, &c.name));
	if (c.require.num)
		check_required(&hooks.cfg);
	return HOOKS_DORMANT;
}

/* We come first (-z initfirst), before libc has set environ: use ours. */
__attribute__((constructor)) static void loaded(int argc UNUSED,
						char **argv UNUSED, char **env)
{
	hook_malloc_init();
	hook_map_init();
	hook_fork_init();
	atomic_store(&hooks.mode, env ? configure(env) : HOOKS_OFF);
}

/* --- the end ----------------------------------------------------------------- */

static void say_amount(char **end, const char *limit, uint64_t n,
		       const char *what, bool bytes)
{
	char num[TEXT_NUM];

	text_append(end, limit, bytes ? text_size(num, sizeof(num), n)
				      : text_u64(num, sizeof(num), n));
	text_append(end, limit, what);
}

__attribute__((destructor)) static void unloaded(void)
{
	char line[400];
	char *end = line;
	const char *limit = line + sizeof(line);
	struct store_usage use;

	if (!hooks.stats_at_exit)
		return;
	if (atomic_load(&hooks_engine.ready) != 1) {
		log_line("at exit: dormant, nothing was stored", NULL);
		return;
	}
	store_usage(&hooks_engine.store, &use);
	line[0] = 0;
	say_amount(&end, limit, use.pages * PAGE_SIZE, " stored in ", true);
	say_amount(&end, limit, use.used + use.metadata, " of pool; ", true);
	say_amount(&end, limit, count_get(UZSWAP_COUNT_evicted),
		   " pages evicted, ", false);
	say_amount(&end, limit, count_get(UZSWAP_COUNT_restored),
		   " restored, ", false);
	say_amount(&end, limit, count_get(UZSWAP_COUNT_faults),
		   " faults; most used ", false);
	say_amount(&end, limit, hooks_engine.usage_max, " of ", true);
	say_amount(&end, limit, hooks_engine.now.limit, "", true);
	log_line("at exit: ", line, NULL);
}
