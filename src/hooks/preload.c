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

#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"
#include "engine/source.h"
#include "hooks/hooks.h"
#include "watch/config.h"
#include "watch/control.h"
#include "watch/profile.h"
#include "watch/publish.h"

#define SMALL		(64 * KIB)	/* growth not worth counting */
#define GROWN_WAIT_NS	(5 * NS_PER_MS)	/* one wait; the steward needs 1 ms */
#define GROWN_WAITS	40		/* and on a busy machine longer */
#define UNSEEN_MOST	(2 * MIB)	/* new memory not yet registered */
#define LOOK_EVERY	(16 * MIB)	/* allocated between looks, dormant */
#define LOOK_PROFILE	MIB		/* the same, if a profile is wanted */
#define WAKE_PROFILE	(8 * MIB)	/* then wake at this at the latest */

struct hooks hooks;
struct engine hooks_engine;
struct profile hooks_profile;

static struct config config;
static struct publish publish = {
	.engine = &hooks_engine,
	.config = &config,
};
static struct control control = {
	.engine = &hooks_engine,
	.publish = &publish,
	.profile = &hooks_profile,
	.config = &config,
};

/* The linker's names for the bounds of our own .bss. */
extern char __bss_start[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));

/* LEN more are coming; is it time?  Our own count forgets what was freed. */
static COLD void consider_waking(size_t len)
{
	size_t bytes = proc_private_bytes();

	atomic_store(&hooks.grown, (int64_t)bytes);
	if (bytes + len >= hooks.threshold)
		hooks_wake();
}

COLD void hooks_wake(void)
{
	uint32_t dormant = HOOKS_DORMANT;

	if (!atomic_compare_exchange_strong(&hooks.mode, &dormant,
					    hooks.valgrind ? HOOKS_OFF
							   : HOOKS_AWAKE))
		return;
	if (hooks.valgrind) {
		log_line("running WITHOUT compression: valgrind runs one "
			 "thread at a time, and nobody could answer faults",
			 NULL);
		return;
	}
	/* whatever its size: the engine itself lies there */
	exempt_add(&hooks_engine.exempt, EXEMPT_NEVER,
		   (uintptr_t)__bss_start & PAGE_MASK,
		   round_up((uintptr_t)_end, PAGE_SIZE));
	if (engine_wake(&hooks_engine, &hooks.cfg)) {
		atomic_store(&hooks.mode, HOOKS_OFF);
		log_line("running WITHOUT compression: no memory for ",
			 "the library's own needs", NULL);
		return;
	}
	/* what is allocated from now on is to be in the profile */
	for (int i = 0; hooks.profile && i < GROWN_WAITS &&
	     !atomic_load(&hooks_engine.ready); i++)
		thread_wait(&hooks_engine.ready, 0, GROWN_WAIT_NS);
}

/*
 * Have new memory registered before it fills, while the gate is closed; but
 * nobody looks while a thread forks.
 */
static void wait_for_look(void)
{
	struct adopt *a = &hooks_engine.adopt;
	uint32_t looked = atomic_load(&a->looked);

	engine_ring(&hooks_engine);
	for (int i = 0; i < GROWN_WAITS &&
	     atomic_load(&a->looked) == looked &&
	     !fork_is_snapshot(&hooks_engine.fork); i++)
		thread_wait(&a->looked, looked, GROWN_WAIT_NS);
}

void hooks_grown(size_t len)
{
	uint32_t mode = atomic_load_explicit(&hooks.mode,
					     memory_order_relaxed);

	if (len < SMALL)
		return;
	if (mode == HOOKS_AWAKE) {
		struct adopt *a = &hooks_engine.adopt;

		if (atomic_load_explicit(&a->gate, memory_order_relaxed) &&
		    atomic_fetch_add(&a->unseen, len) + len >= UNSEEN_MOST)
			wait_for_look();
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

	if (mode == HOOKS_DORMANT) {
		if (atomic_fetch_add(&since_look, len) + len <
		    hooks.look_every)
			return;
		atomic_store(&since_look, 0);
		consider_waking(0);
		return;
	}
	if (mode != HOOKS_AWAKE || !atomic_load(&a->gate))
		return;
	/* glibc's own heap and arenas grow by calls that no hook sees */
	if (proc_private_bytes() > atomic_load(&a->seen) + UNSEEN_MOST)
		wait_for_look();
}

bool hooks_step_aside(uint64_t max_ns)
{
	uint32_t mode = HOOKS_DORMANT;
	uint32_t ready = 0;

	if (!atomic_compare_exchange_strong(&hooks.mode, &mode, HOOKS_OFF) &&
	    mode == HOOKS_AWAKE) {
		ready = atomic_load(&hooks_engine.ready);
		if (!mode_go(&hooks_engine, MODE_AWAY, max_ns))
			return false;
		atomic_store(&hooks.mode, HOOKS_OFF);
	}
	hooks_summary_aside(ready);
	return true;
}

uint32_t hooks_exempt(unsigned why, const void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr & PAGE_MASK;

	exempt_add(&hooks_engine.exempt, why, start,
		   round_up((uintptr_t)addr + len, PAGE_SIZE));
	return yield_ask(&hooks_engine);
}

void hooks_unexempt(unsigned why, const void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr & PAGE_MASK;

	exempt_cut(&hooks_engine.exempt, why, start,
		   round_up((uintptr_t)addr + len, PAGE_SIZE));
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

/* Names of variables that can't be used; short, as options' names are. */
struct useless {
	unsigned nr;
	char names[16][48];
};

/* Say it, and remember the variable. */
static void report(void *arg, const struct config_problem *problem)
{
	struct useless *u = arg;
	char line[256];

	log_line(config_problem_text(problem, line, sizeof(line)), NULL);
	if (!strchr(problem->name, ' ') && u->nr < ARRAY_SIZE(u->names))
		text_copy(u->names[u->nr++], sizeof(u->names[0]),
			  problem->name);
}

/*
 * What can't be used is taken out of the environment: programs that this
 * one starts would say the same again.
 */
static void read_env(struct config *c, char **env)
{
	struct useless u = { 0 };

	config_defaults(c);
	config_from_env(c, env, report, &u);
	for (unsigned i = 0; i < u.nr; i++)
		remove_env(env, u.names[i], strlen(u.names[i]));
}

static void set_log_level(char *const *env)
{
	static const char off[] = "UZSWAP_LOG=off";

	for (char *const *p = env; p && *p; p++)
		if (!strcmp(*p, off))
			log_set(LOG_OFF, "");
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

static void say_awake(void)
{
	const struct engine *e = &hooks_engine;
	char limit[TEXT_NUM];

	log_info("awake: engine ", e->use_move ? "move" : "wp", ", limit ",
		 e->now.limit ? text_size(limit, sizeof(limit), e->now.limit)
			      : "none",
		 e->now.limit && e->now.name ? ", by " : "",
		 e->now.limit && e->now.name ? e->now.name : "", NULL);
}

/* In the steward, when all is up; also in the child of a fork. */
static void begin(void *ctx UNUSED)
{
	say_awake();
	control_begin(&control);
	if (hooks_profile.page ? atomic_load(&hooks_profile.on)
			       : hooks.profile)
		profile_start(&hooks_profile);
	hook_malloc_refresh();
}

/* In the steward: a request may start or stop the profile. */
static uint64_t serve(void *ctx)
{
	uint64_t next_ns = control_serve(ctx);

	hook_malloc_refresh();
	return next_ns;
}

static void tick(void *ctx)
{
	publish_now(ctx);
	profile_tick(&hooks_profile);
}

static void configure_profile(const struct config *c)
{
	hooks_profile.engine = &hooks_engine;
	hooks_profile.cfg = (struct profile_config){
		.interval = c->prof_sample.num,
		.depth = (uint32_t)c->prof_depth.num,
		.sites = c->prof_unwind.num != CONFIG_PROF_UNWIND_OFF,
		.unwind = c->prof_unwind.num == CONFIG_PROF_UNWIND_TABLES,
		.period_ns = c->prof_period.num * NS_PER_MS,
		.cost_pct = (uint32_t)c->prof_cost_percent.num,
	};
	hooks.profile = c->prof.num;
	hooks.look_every = LOOK_EVERY;
	if (!hooks.profile)
		return;
	hooks.look_every = LOOK_PROFILE;
	if (hooks.threshold > WAKE_PROFILE)
		hooks.threshold = WAKE_PROFILE;
}

/* Valgrind preloads its own into what it runs. */
static bool is_valgrind(char *const *env)
{
	static const char key[] = "LD_PRELOAD=";

	for (char *const *p = env; *p; p++)
		if (!strncmp(*p, key, sizeof(key) - 1) &&
		    strstr(*p, "/vgpreload_"))
			return true;
	return false;
}

/* UZSWAP_REQUIRE: better no program than one without compression. */
static void check_required(const struct engine_config *cfg)
{
	if (!hooks.valgrind && source_is_there(cfg))
		return;
	log_line("UZSWAP_REQUIRE is set: not starting the program", NULL);
	sys_exit_process(125);
}

/* Take our entry out of LD_PRELOAD, in place; others' stay. */
static void leave_no_trace(char **env)
{
	static const char key[] = "LD_PRELOAD=";
	char *list = NULL;
	char *to;

	for (char **p = env; *p && !list; p++)
		if (!strncmp(*p, key, sizeof(key) - 1))
			list = *p + sizeof(key) - 1;
	to = list;
	for (const char *from = list; from && *from;) {
		size_t len = strcspn(from, ": ");
		const char *ours = strstr(from, "libuzswap");

		if (!ours || ours >= from + len) {
			if (to != list)
				*to++ = ':';
			memmove(to, from, len);
			to += len;
		}
		from += len + (from[len] != 0);
	}
	if (to)
		*to = 0;
	if (list && !*list)
		remove_env(env, "LD_PRELOAD", strlen("LD_PRELOAD"));
}

static enum hooks_mode configure(char **env)
{
	const struct config *c = &config;
	char buf[256];

	set_log_level(env);
	hooks.valgrind = is_valgrind(env);
	read_env(&config, env);
	config_log(c);
	if (c->follow.num == CONFIG_FOLLOW_NONE)
		leave_no_trace(env);
	if (!config_wants(c, exe_name(buf, sizeof(buf))))
		return HOOKS_OFF;
	hooks.threshold = c->min_managed.num;
	configure_profile(c);
	config_engine(c, &hooks.cfg);
	hooks.cfg.begin = begin;
	hooks.cfg.publish = tick;
	hooks.cfg.publish_ctx = &publish;
	hooks.cfg.serve = serve;
	hooks.cfg.serve_ctx = &control;
	text_copy(hooks.stats_at_exit, sizeof(hooks.stats_at_exit),
		  config_text(c, &c->stats_at_exit));
	if (c->require.num)
		check_required(&hooks.cfg);
	if (hooks.cfg.torture)
		hooks.threshold = 0;
	return HOOKS_DORMANT;
}

/* We come first (-z initfirst), before libc has set environ: use ours. */
__attribute__((constructor)) static void loaded(int argc UNUSED,
						char **argv UNUSED, char **env)
{
	hooks.pid = (int32_t)sys_getpid();
	hook_malloc_init();
	hook_map_init();
	hook_fork_init();
	atomic_store(&hooks.mode, env ? configure(env) : HOOKS_OFF);
	if (hooks.cfg.torture)
		hooks_wake();	/* from the first page on */
}
