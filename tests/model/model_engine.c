/* SPDX-License-Identifier: MIT */
/*
 * The whole engine over a fake kernel (tests/fake), against a naive twin: the
 * program's threads write, read, give up, map anew, move, pin and lock their
 * pages and fork, while the engine takes them away; each page must be at any
 * time what the twin says, and at the end the books close.
 *
 *	by turns   a seed is one interleaving and one sequence of refusals
 *	the n-th   the same, and one call fails that would not have: for each
 *	           kind of call, each n and each way to fail
 *	freely     real threads, for TSan
 *
 * Each run is a process.  One alone, with what the library says:
 *
 *	model_engine SEED	or: KIND N WAY ENGINE, as a failure prints them
 *
 * MODEL_FACTOR=10 in the environment: as many more runs.
 */
#define _GNU_SOURCE
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/count.h"
#include "tests/fake/actor.h"
#include "tests/fake/kernel.h"
#include "tests/fake/memory.h"
#include "tests/fake/program.h"
#include "tests/fake/refusal.h"
#include "tests/model/twin.h"

#define WORKERS		3u
#define SEEDS		32u
#define STEPS		150u
#define NTH_STEPS	20u
#define NTH_MOST	32u		/* calls of a kind, of each */
#define LIMIT		(12 * MIB)
#define LONG_NS		(60 * NS_PER_S)
#define RUN_MOST_S	60u		/* of real time */
#define SWITCHES	4u

/* By turns there is nothing to see for TSan, which knows no forks, either. */
#ifdef __SANITIZE_THREAD__
#define FREE_RUNS	10u
#else
#define FREE_RUNS	2u
#endif

struct plan {
	enum actor_order order;
	uint64_t seed;
	enum engine_kind kind;
	unsigned steps;
	bool torture;
	bool forks;
	unsigned refuse_one_in;		/* 0 never */
	enum refusal_kind nth_kind;	/* KINDS: none */
	unsigned nth;
	int way;
};

static struct engine engine;
static bool loud;
static _Atomic unsigned *nr_evicting;	/* runs so far, shared by all */

static void worker_run(void *twin)
{
	twin_run(twin);
}

static struct engine_config config_of(const struct plan *p)
{
	const uint64_t s = p->seed;

	return (struct engine_config){
		.limit = LIMIT,
		.pool_max = s % 3 == 0 ? 192 * KIB : 0,
		.min_mapping = 8 * PAGE_SIZE,
		.accept_pct = 75,
		.codecs = s % 2 ? (struct codec_pair)CODEC_PAIR_LZ4
				 : (struct codec_pair){
			.first = { .id = CODEC_LZ4, .level = 1 },
			.second = { .id = CODEC_ZSTD, .level = 3 },
		},
		.repack_idle_ms = 5,
		.repack_cpu_pct = 50,
		.share_equal = s / 2 % 2,
		.min_age_ms = s / 4 % 2 ? 20 : 0,
		.max_stall_ms = 1000,
		.dev_fd = -1,
		.nr_servers = 2,
		.nr_evictors = 2,
		.kind = p->kind,
		.torture = p->torture ? s | 1 : 0,
	};
}

/* Memory gets short and ample again; sometimes all is switched off and on. */
static void disturb(const struct plan *p)
{
	const uint64_t more = actor_random(4) ? LIMIT : 0;

	kernel_use(more);
	engine_ring(&engine);
	thread_wait(&engine.ready, 1, 1 + actor_random(3 * NS_PER_MS));
	if (p->nth_kind == REFUSAL_KINDS && actor_random(16) == 0) {
		mode_ask(&engine, actor_random(2) ? MODE_OFF : MODE_KEEP);
		thread_wait(&engine.ready, 1, 5 * NS_PER_MS);
		mode_ask(&engine, MODE_ON);
	}
}

/* What must be so at the end, whatever was refused. */
static void close_books(void)
{
	const bool up = atomic_load(&engine.ready) == 1;

	refusal_random(0);
	if (up && mode_now(&engine.mode) != MODE_OFF)
		TWIN_CHECK(audit_wait(&engine, LONG_NS));
	twin_look_at_all();
	if (up)
		TWIN_CHECK(mode_go(&engine, MODE_AWAY, LONG_NS));
	twin_look_at_all();
	if (count_get(UZSWAP_COUNT_evicted))
		atomic_fetch_add(nr_evicting, 1);
}

static void say_counters(void)
{
#define NAME(name, ...) #name,
	static const char *const names[] = { UZSWAP_COUNTERS(NAME) };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (count_get((enum uzswap_counter)i))
			printf("# %s %llu\n", names[i], (unsigned long long)
			       count_get((enum uzswap_counter)i));
}

static void run(const struct plan *p)
{
	const struct engine_config cfg = config_of(p);

	alarm(RUN_MOST_S);
	actor_start(p->order, p->seed,
		    (unsigned[SWITCHES]){ 2, 4, 10, 40 }[p->seed % SWITCHES]);
	kernel_start();
	if (loud)
		kernel_be_loud();
	twin_start(&engine, p->seed, p->steps, p->forks);
	if (p->nth_kind < REFUSAL_KINDS)
		refusal_nth(p->nth_kind, p->nth, p->way);
	if (engine_wake(&engine, &cfg))
		atomic_store(&engine.ready, 2);
	while (!atomic_load(&engine.ready))
		thread_wait(&engine.ready, 0, LONG_NS);
	refusal_random(p->refuse_one_in);
	for (unsigned i = 0; i < WORKERS; i++)
		TWIN_CHECK(actor_spawn("worker", worker_run, twin_of(i)));
	while (twin_is_busy())
		disturb(p);
	close_books();
	if (loud)
		say_counters();
	fflush(stdout);
}

/* --- each in a process ---------------------------------------------------- */

static bool run_apart(const struct plan *p)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		run(p);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (!status)
		return true;
	if (p->nth_kind < REFUSAL_KINDS)
		fprintf(stderr, "# failed (%#x): %d %u %d %d (%s)\n",
			(unsigned)status, (int)p->nth_kind, p->nth, p->way,
			(int)p->kind, refusal_name(p->nth_kind));
	else
		fprintf(stderr, "# failed (%#x): seed %llu\n",
			(unsigned)status, (unsigned long long)p->seed);
	return false;
}

/* All that a seed stands for. */
static struct plan plan_of(uint64_t seed)
{
	return (struct plan){
		.order = ACTOR_TURNS,
		.seed = seed,
		.kind = seed % 5 < 3 ? ENGINE_MOVE : ENGINE_WP,
		.steps = STEPS,
		.torture = seed / 3 % 2,
		.forks = seed % 4 == 3,
		.refuse_one_in = (unsigned[]){ 0, 40, 10 }[seed % 3],
		.nth_kind = REFUSAL_KINDS,
	};
}

static struct plan plan_nth(enum refusal_kind kind, unsigned n, int way,
			    enum engine_kind engine_kind)
{
	struct plan p = plan_of(n);

	p.kind = engine_kind;
	p.steps = NTH_STEPS;
	p.torture = true;
	p.forks = (n / 2 + kind) % 4 == 0 || kind == REFUSE_WRITEV;
	p.refuse_one_in = 0;
	p.nth_kind = kind;
	p.nth = n;
	p.way = way;
	return p;
}

static unsigned factor(void)
{
	const char *text = getenv("MODEL_FACTOR");

	return text ? (unsigned)atoi(text) : 1;
}

static UNUSED void test_by_turns(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS * factor(); seed++) {
		const struct plan p = plan_of(seed);

		failed += !run_apart(&p);
	}
	assert_int_equal(failed, 0);
	/* in one it may be that nothing could, all the time */
	assert_true(atomic_load(nr_evicting) > SEEDS * factor() * 3 / 4);
}

/* All ways in which the Nth call of KIND can fail: how many runs did. */
static unsigned fail_nth(enum refusal_kind kind, unsigned n)
{
	unsigned failed = 0;
	int way;

	for (unsigned i = 0; (way = refusal_way(kind, i)); i++) {
		const enum engine_kind e = (n / 2 + i) % 2 ? ENGINE_WP
							   : ENGINE_MOVE;
		struct plan p = plan_nth(kind, n, way, e);

		failed += !run_apart(&p);
		if (factor() == 1)
			continue;
		p.kind = e == ENGINE_WP ? ENGINE_MOVE : ENGINE_WP;
		failed += !run_apart(&p);
	}
	return failed;
}

/* The first calls are those of the start; later ones farther apart. */
static UNUSED void test_the_nth_call_fails(void **state)
{
	const unsigned apart = factor() > 1 ? 20 : 2;
	unsigned failed = 0;

	(void)state;
	for (unsigned k = 0; k < REFUSAL_KINDS; k++)
		for (unsigned n = 1; n <= NTH_MOST * factor();
		     n += 1 + 2 * n / apart)
			failed += fail_nth((enum refusal_kind)k, n);
	assert_int_equal(failed, 0);
}

static void test_freely(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= FREE_RUNS * factor(); seed++) {
		struct plan p = plan_of(seed);

		p.order = ACTOR_FREE;
		p.kind = seed % 2 ? ENGINE_MOVE : ENGINE_WP;
		p.forks = false;
		failed += !run_apart(&p);
	}
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(test_by_turns),
		cmocka_unit_test(test_the_nth_call_fails),
#endif
		cmocka_unit_test(test_freely),
	};

	loud = argc > 1;
	nr_evicting = mmap(NULL, sizeof(*nr_evicting), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nr_evicting == MAP_FAILED)
		return 1;
	if (argc > 4) {
		const struct plan p = plan_nth(
			(enum refusal_kind)atoi(argv[1]),
			(unsigned)atoi(argv[2]), atoi(argv[3]),
			(enum engine_kind)atoi(argv[4]));

		return !run_apart(&p);
	}
	if (argc > 1) {
		const struct plan p = plan_of(strtoull(argv[1], NULL, 10));

		return !run_apart(&p);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
