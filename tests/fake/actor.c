/* SPDX-License-Identifier: MIT */
/*
 * By turns: each actor is a thread that sleeps on a semaphore of its own until
 * whoever ran before it posts that.  What it waits for is a predicate, asked
 * by whoever gives the turn away.
 *
 * A step of the clock for each entry of the kernel lets loops that wait for a
 * time come to an end.
 */
#define _GNU_SOURCE
#include "tests/fake/actor.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACTORS		24
#define STEP_NS		300u
#define YIELD_NS	(2 * NS_PER_US)
#define STEPS_MOST	2000000u	/* then nothing moves */

struct actor {
	bool used;
	const char *name;
	void (*run)(void *arg);
	void *arg;
	sem_t turn;
	bool (*is_over)(void *arg);	/* NULL: it can go on */
	void *over_arg;
	uint64_t until_ns;
	const char *what;
	uint64_t cpu_ns;
};

static struct {
	enum actor_order order;
	unsigned switch_in;
	uint64_t random;
	uint64_t now_ns;
	uint64_t steps;
	struct actor all[ACTORS];
} stage;

static __thread struct actor *self;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static uint64_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

bool actor_by_turns(void)
{
	return stage.order == ACTOR_TURNS;
}

int actor_id(void)
{
	return self ? (int)(self - stage.all) + 1 : 0;
}

static uint64_t roll(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du >> 16;
}

uint64_t actor_random(uint64_t below)
{
	static __thread uint64_t own;

	if (actor_by_turns())
		return roll(&stage.random) % below;
	if (!own)
		own = stage.random + (uint64_t)actor_id() * 977 + 1;
	return roll(&own) % below;
}

uint64_t actor_now(void)
{
	if (!actor_by_turns())
		return clock_now(CLOCK_MONOTONIC);
	stage.now_ns += STEP_NS;
	return stage.now_ns;
}

uint64_t actor_cpu(void)
{
	if (!actor_by_turns())
		return clock_now(CLOCK_THREAD_CPUTIME_ID);
	self->cpu_ns += STEP_NS;
	return self->cpu_ns;
}

/* --- turns ---------------------------------------------------------------- */

static bool is_ready(const struct actor *a)
{
	return a->used && (!a->is_over || a->is_over(a->over_arg) ||
			   a->until_ns <= stage.now_ns);
}

static void give_up(const char *why)
{
	fprintf(stderr, "# the fake kernel: %s\n", why);
	for (const struct actor *a = stage.all; a < stage.all + ACTORS; a++)
		if (a->used)
			fprintf(stderr, "#   %d %s: %s\n",
				(int)(a - stage.all) + 1, a->name,
				a->is_over ? a->what : "could go on");
	abort();
}

/* Somebody who can go on; the clock jumps if nobody can. */
static struct actor *pick(void)
{
	struct actor *ready[ACTORS];
	uint64_t soonest = ACTOR_NEVER;
	unsigned nr = 0;

	for (;;) {
		for (struct actor *a = stage.all; a < stage.all + ACTORS;
		     a++) {
			if (is_ready(a))
				ready[nr++] = a;
			else if (a->used && a->until_ns < soonest)
				soonest = a->until_ns;
		}
		if (nr)
			return ready[roll(&stage.random) % nr];
		if (soonest == ACTOR_NEVER)
			give_up("nobody can go on");
		stage.now_ns = soonest;
	}
}

static void sleep_until_turn(struct actor *a)
{
	while (sem_wait(&a->turn))
		;
}

static void pass_turn(void)
{
	struct actor *next;

	if (++stage.steps > STEPS_MOST)
		give_up("no end of it");
	next = pick();
	if (next == self)
		return;
	sem_post(&next->turn);
	sleep_until_turn(self);
}

void actor_pause(void)
{
	if (!actor_by_turns()) {
		if (actor_random(stage.switch_in) == 0)
			sched_yield();
		return;
	}
	stage.now_ns += STEP_NS;
	self->cpu_ns += STEP_NS;
	if (roll(&stage.random) % stage.switch_in == 0)
		pass_turn();
}

void actor_yield(void)
{
	if (!actor_by_turns()) {
		sched_yield();
		return;
	}
	stage.now_ns += YIELD_NS;
	pass_turn();
}

/* --- waiting -------------------------------------------------------------- */

void actor_lock(void)
{
	if (!actor_by_turns())
		pthread_mutex_lock(&lock);
}

void actor_unlock(void)
{
	if (!actor_by_turns())
		pthread_mutex_unlock(&lock);
}

void actor_changed(void)
{
	if (!actor_by_turns())
		pthread_cond_broadcast(&changed);
}

static bool wait_freely(bool (*is_over)(void *arg), void *arg,
			uint64_t until_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / NS_PER_S),
		.tv_nsec = (long)(until_ns % NS_PER_S),
	};

	while (!is_over(arg)) {
		if (until_ns == ACTOR_NEVER) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		if (clock_now(CLOCK_MONOTONIC) >= until_ns)
			return false;
		pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC,
				       &until);
	}
	return true;
}

bool actor_wait(bool (*is_over)(void *arg), void *arg, uint64_t until_ns,
		const char *what)
{
	bool over;

	if (!actor_by_turns())
		return wait_freely(is_over, arg, until_ns);
	self->is_over = is_over;
	self->over_arg = arg;
	self->until_ns = until_ns;
	self->what = what;
	pass_turn();
	over = is_over(arg);
	self->is_over = NULL;
	self->until_ns = ACTOR_NEVER;
	return over;
}

/* --- beginning and end ---------------------------------------------------- */

static struct actor *enroll(const char *name)
{
	for (struct actor *a = stage.all; a < stage.all + ACTORS; a++) {
		if (a->used)
			continue;
		memset(a, 0, sizeof(*a));
		sem_init(&a->turn, 0, 0);
		a->name = name;
		a->until_ns = ACTOR_NEVER;
		a->used = true;
		return a;
	}
	return NULL;
}

void actor_start(enum actor_order order, uint64_t seed, unsigned switch_in)
{
	cpu_set_t one;

	stage.order = order;
	stage.random = seed * 0x9e3779b97f4a7c15u | 1;
	stage.switch_in = switch_in;
	stage.now_ns = 1000 * NS_PER_S;
	self = enroll("main");
	if (order != ACTOR_TURNS)
		return;
	/* turns are given within one processor, which is far faster */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void *begin(void *actor)
{
	struct actor *a = actor;

	self = a;
	if (actor_by_turns())
		sleep_until_turn(a);
	a->run(a->arg);
	actor_lock();
	a->used = false;
	actor_changed();
	actor_unlock();
	if (actor_by_turns())
		sem_post(&pick()->turn);
	return NULL;
}

bool actor_spawn(const char *name, void (*run)(void *arg), void *arg)
{
	struct actor *a;
	pthread_t thread;
	bool ok;

	actor_lock();
	a = enroll(name);
	actor_unlock();
	if (!a)
		return false;
	a->run = run;
	a->arg = arg;
	ok = !pthread_create(&thread, NULL, begin, a);
	if (ok)
		pthread_detach(thread);
	else
		a->used = false;
	return ok;
}

static bool is_gone(void *name)
{
	for (const struct actor *a = stage.all; a < stage.all + ACTORS; a++)
		if (a->used && !strcmp(a->name, name))
			return false;
	return true;
}

void actor_join(const char *name)
{
	actor_lock();
	actor_wait(is_gone, (void *)(uintptr_t)name, ACTOR_NEVER, "an end");
	actor_unlock();
}

void actor_fork_child(void)
{
	for (struct actor *a = stage.all; a < stage.all + ACTORS; a++)
		if (a != self)
			a->used = false;
}
