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
#include "hooks/hooks.h"
#include "watch/publish.h"

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

static const char *find_env(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (char *const *p = env; p && *p; p++)
		if (!strncmp(*p, name, len) && (*p)[len] == '=')
			return *p + len + 1;
	return NULL;
}

static void read_options(char *const *env)
{
	const char *v;

	hooks.threshold = 64 * MIB;
	hooks.cfg = (struct engine_config){
		.min_mapping = MIB,
		.accept_pct = 75,
		.dev_fd = -1,
		.publish = publish_now,
		.publish_ctx = &publish,
	};
	v = find_env(env, "UZSWAP_LIMIT_BYTES");
	if (v && text_parse_size(&hooks.cfg.limit, v))
		log_line("bad UZSWAP_LIMIT_BYTES", NULL);
	publish.engine = &hooks_engine;
	memcpy(publish.compressor, "lz4", 4);
}

/* We come first (-z initfirst), before libc has set environ: use ours. */
__attribute__((constructor)) static void loaded(int argc UNUSED,
						char **argv UNUSED, char **env)
{
	hook_malloc_init();
	hook_map_init();
	read_options(env);
	hook_fork_init();
	atomic_store(&hooks.mode, HOOKS_DORMANT);
}
