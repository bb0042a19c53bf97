/* SPDX-License-Identifier: MIT */
/*
 * By turns, time is the actors' and a futex a list of who sleeps; freely, both
 * are the real kernel's.
 */
#define _GNU_SOURCE
#include "tests/fake/call.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "tests/fake/actor.h"

struct sleeper {
	const _Atomic uint32_t *word;
	bool woken;
	struct sleeper *next;
};

static struct sleeper *sleepers;

void call_fork_child(void)
{
	sleepers = NULL;
}

static bool sleeper_is_over(void *sleeper)
{
	return ((struct sleeper *)sleeper)->woken;
}

static uint64_t until_of(const struct timespec *max)
{
	if (!max)
		return ACTOR_NEVER;
	return actor_now() + (uint64_t)max->tv_sec * NS_PER_S +
	       (uint64_t)max->tv_nsec;
}

static long futex_wait(const struct call *c)
{
	const _Atomic uint32_t *word = (const _Atomic uint32_t *)c->a;
	const uint64_t until = until_of((const struct timespec *)c->d);
	struct sleeper s = { .word = word };
	struct sleeper **at;
	bool woken;

	if (!actor_by_turns())
		return call_pass(c);
	if (atomic_load(word) != (uint32_t)c->c)
		return -EAGAIN;
	for (at = &sleepers; *at; at = &(*at)->next)
		;
	*at = &s;
	woken = actor_wait(sleeper_is_over, &s, until, "a futex");
	for (at = &sleepers; *at != &s; at = &(*at)->next)
		;
	*at = s.next;
	return woken ? 0 : -ETIMEDOUT;
}

static long futex_wake(const struct call *c)
{
	long woken = 0;

	if (!actor_by_turns())
		return call_pass(c);
	for (struct sleeper *s = sleepers; s && woken < c->c; s = s->next) {
		if ((long)s->word != c->a || s->woken)
			continue;
		s->woken = true;
		woken++;
	}
	return woken;
}

static bool never(void *arg UNUSED)
{
	return false;
}

static long do_sleep(const struct call *c)
{
	const uint64_t until = until_of((const struct timespec *)c->a);

	if (!actor_by_turns())
		return call_pass(c);
	actor_wait(never, NULL, until, "a sleep");
	return 0;
}

static long do_clock(const struct call *c)
{
	struct timespec *out = (struct timespec *)c->b;
	const uint64_t ns = c->a == CLOCK_THREAD_CPUTIME_ID ? actor_cpu()
							    : actor_now();

	out->tv_sec = (time_t)(ns / NS_PER_S);
	out->tv_nsec = (long)(ns % NS_PER_S);
	return 0;
}

static long do_limit(const struct call *c)
{
	struct rlimit *out = (struct rlimit *)c->d;

	*out = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	return 0;
}

long call_thread(const struct call *c)
{
	switch (c->nr) {
	case SYS_futex:
		if ((c->b & FUTEX_CMD_MASK) == FUTEX_WAKE)
			return futex_wake(c);
		REFUSE(REFUSE_FUTEX_WAIT);
		return futex_wait(c);
	case SYS_nanosleep:
		REFUSE(REFUSE_SLEEP);
		return do_sleep(c);
	case SYS_sched_yield:
		actor_yield();
		return 0;
	case SYS_clock_gettime:
		return do_clock(c);
	case SYS_rt_sigprocmask:
	case SYS_gettid:
	case SYS_getpid:
		return call_pass(c);
	case SYS_prlimit64:
		return do_limit(c);
	case SYS_setpriority:
	case SYS_sched_setaffinity:
	case SYS_prctl:
		REFUSE(REFUSE_OTHER);
		return 0;
	case SYS_sched_getaffinity:
		memset((void *)c->c, 0, (size_t)c->b);
		*(char *)c->c = 1;
		return 8;
	case SYS_sysinfo:
		memset((void *)c->a, 0, sizeof(struct sysinfo));
		((struct sysinfo *)c->a)->totalswap = actor_random(2);
		return 0;
	case SYS_tgkill:
		abort();
	case SYS_exit_group:
		_exit((int)c->a);
	}
	return CALL_NOT_MINE;
}

static void helper_run(void *arg)
{
	struct thread *t = arg;

	t->run(t->arg);
	atomic_store(&t->tid, 0);
}

int thread_start(struct thread *t, struct arena *a UNUSED, const char *name,
		 void (*run)(void *arg), void *arg)
{
	int how;
	const long no = call_refuse(REFUSE_THREAD, &how);

	if (no)
		return (int)no;
	t->run = run;
	t->arg = arg;
	t->name = name;
	atomic_store(&t->tid, 1);
	if (actor_spawn(name, helper_run, t))
		return 0;
	atomic_store(&t->tid, 0);
	return -EAGAIN;
}
