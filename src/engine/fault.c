/* SPDX-License-Identifier: MIT */
/*
 * A server sleeps in epoll, then reads a batch while nobody is in a section.
 * Reading returns faults before events, whatever came first, so all events
 * of a batch are applied before its first fault is answered, and a fault
 * that an unread event concerns gets EAGAIN from the kernel.
 *
 * Faults put aside wait in a small queue of the server.  If that is full the
 * thread is simply woken: it faults again, which is the same thing with the
 * kernel as the queue.
 */
#include "engine/fault.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/torture.h"
#include "engine/engine.h"
#include "engine/event.h"
#include "engine/follow.h"
#include "engine/evict_remap.h"
#include "engine/near.h"

enum { ON_MAIN, ON_ASIDE, ON_DOOR };

#define WAIT_MOST_MS	1000
#define SERVER_NICE	(-10)	/* somebody waits; where it may */
#define PAUSE_FIRST	(20 * NS_PER_US)
#define PAUSE_MOST	(2 * NS_PER_MS)
#define ASIDE_MOST_NS	(4 * NS_PER_S)	/* then let the thread ask anew */

struct aside {
	struct uffd_event ev;
	uint64_t since_ns;
};

struct fault_queue {
	struct follow follow;
	uint64_t answered_ns;	/* the last fault */
	uint32_t nr;
	uint64_t pause_ns;	/* grows while nothing moves */
	struct aside all[FAULT_QUEUE];
};

int fault_init(struct helper *h, struct arena *a)
{
	h->wait_fd = -1;
	h->queue = arena_alloc(a, sizeof(*h->queue));
	return h->queue ? 0 : -ENOMEM;
}

/* Returns the time. */
static uint64_t count_time(struct engine *e, uint64_t since_ns)
{
	const uint64_t now_ns = sys_now_ns();
	uint64_t took_ns = now_ns - since_ns;
	uint64_t quarter_us = took_ns / (NS_PER_US / 4);
	unsigned i = quarter_us ? 64 - (unsigned)__builtin_clzll(quarter_us)
				: 0;

	count_add(UZSWAP_COUNT_fault_ns, took_ns);
	if (i >= UZSWAP_NR_BUCKETS)
		i = UZSWAP_NR_BUCKETS - 1;
	atomic_fetch_add_explicit(&e->fault_us[i], 1, memory_order_relaxed);
	return now_ns;
}

static void put_aside(struct helper *h, const struct uffd_event *ev,
		      uint64_t since_ns)
{
	struct fault_queue *q = h->queue;

	count_one(UZSWAP_COUNT_parked);
	if (q->nr == FAULT_QUEUE) {
		uffd_wake(&h->engine->main, ev->addr, PAGE_SIZE);
		return;
	}
	if (!q->nr)
		q->pause_ns = PAUSE_FIRST;
	q->all[q->nr++] = (struct aside){ *ev, since_ns };
}

/*
 * mlockall() and the like populate every mapping, our staging area and trash
 * windows too: somebody waits for a page there.
 */
static void serve_own(struct helper *h, const struct uffd *u,
		      const struct uffd_event *ev)
{
	size_t done;
	enum uffd_result r = uffd_copy(u, &done, ev->addr,
				       h->engine->restore.zeros, PAGE_SIZE,
				       0);

	if (r != UFFD_DONE)
		uffd_wake(u, ev->addr, PAGE_SIZE);	/* let him ask again */
}

/* Answer one fault; false if it has to be tried again. */
static bool answer(struct helper *h, const struct uffd_event *ev,
		   uint64_t since_ns)
{
	struct engine *e = h->engine;
	const bool bound = follow_is_bound(&h->queue->follow);

	if (unlikely(arena_owns(&e->arena, ev->addr))) {
		serve_own(h, &e->main, ev);
		return true;
	}
	if (reclaim_holds(e, since_ns))
		return false;
	switch (restore_page(h, ev)) {
	case RESTORE_DONE:
		break;
	case RESTORE_AGAIN:
		return false;
	case RESTORE_LOST:
		/* unmapped under the thread: the kernel decides what it gets */
		uffd_wake(&e->main, ev->addr, PAGE_SIZE);
		break;
	}
	count_one(UZSWAP_COUNT_faults);
	h->queue->answered_ns = count_time(e, since_ns);
	near_take(h, h->queue->follow.cpu);
	restore_wake(h, bound);
	return true;
}

static void retry_aside(struct helper *h)
{
	struct fault_queue *q = h->queue;
	const uint64_t now_ns = sys_now_ns();
	uint32_t left = 0;
	uint32_t had = q->nr;

	for (uint32_t i = 0; i < had; i++) {
		struct aside *a = &q->all[i];

		if (answer(h, &a->ev, a->since_ns))
			continue;
		if (now_ns - a->since_ns >= ASIDE_MOST_NS) {
			uffd_wake(&h->engine->main, a->ev.addr, PAGE_SIZE);
			continue;
		}
		q->all[left++] = *a;
	}
	q->nr = left;
	if (left < had)
		q->pause_ns = PAUSE_FIRST;
	else if (q->pause_ns < PAUSE_MOST)
		q->pause_ns *= 2;
}

/* Read a batch and apply its events; the number of messages. */
static long read_batch(struct helper *h, struct uffd_event *batch)
{
	struct engine *e = h->engine;
	long nr;

	order_exclude(&e->order);
	nr = likely(fork_has_space(e)) ? uffd_read(&e->main, batch) : 0;
	torture_pause();
	for (long i = 0; i < nr; i++) {
		if (batch[i].kind != UFFD_FAULT &&
		    !evict_remap_is_own(e, &batch[i]) &&
		    !fork_keep_event(&e->fork, &batch[i]))
			event_apply(h, &batch[i]);
	}
	order_admit(&e->order);
	return nr;
}

static void serve_batch(struct helper *h, const struct uffd_event *batch,
			long nr, uint64_t since_ns)
{
	const uint64_t after_ns = since_ns - h->queue->answered_ns;

	for (long i = 0; i < nr; i++) {
		if (batch[i].kind != UFFD_FAULT)
			continue;
		if (!answer(h, &batch[i], since_ns))
			put_aside(h, &batch[i], since_ns);
		follow_fault(&h->queue->follow, batch[i].tid, since_ns,
			     after_ns);
		visit_thread_is_on(h->engine, &h->queue->follow);
	}
}

static void serve_aside(struct helper *h)
{
	struct uffd_event batch[UFFD_BATCH];
	long nr = uffd_read(&h->engine->aside, batch);

	for (long i = 0; i < nr; i++)
		if (batch[i].kind == UFFD_FAULT)
			serve_own(h, &h->engine->aside, &batch[i]);
}

/*
 * An epoll descriptor of each server's own, which waits exclusively, so that
 * a fault wakes one server and not all of them; the next is woken only while
 * the first is busy.
 */
void fault_open_wait(struct helper *h)
{
	struct engine *e = h->engine;
	long ep = sys_epoll_create();

	h->wait_fd = -1;
	if (ep < 0)
		return;
	/* one server is enough for what hardly ever happens aside */
	if (!sys_epoll_add((int)ep, e->main.fd, ON_MAIN,
			   EPOLLIN | EPOLLEXCLUSIVE) &&
	    !sys_epoll_add((int)ep, e->door, ON_DOOR, EPOLLIN) &&
	    (h->number ||
	     !sys_epoll_add((int)ep, e->aside.fd, ON_ASIDE, EPOLLIN)))
		h->wait_fd = (int)ep;
	else
		sys_close((int)ep);
}

/*
 * Sleep until there is something to read, or to try again.  What was put aside
 * may wait for an evictor, and the evictor of engine B for its event: asleep
 * to all but the time, the server would have each flight take a pause.
 */
static void wait_for_faults(struct helper *h)
{
	struct engine *e = h->engine;
	const struct timespec pause = { 0, (long)h->queue->pause_ns };
	const struct timespec most = { WAIT_MOST_MS / 1000, 0 };
	struct pollfd fds[] = {
		{ .fd = e->main.fd, .events = POLLIN },
		{ .fd = e->door, .events = POLLIN },
	};

	long on;

	if (h->queue->nr) {
		sys_poll(fds, ARRAY_SIZE(fds), &pause);
		return;
	}
	if (h->wait_fd < 0) {
		sys_poll(fds, ARRAY_SIZE(fds), &most);
		serve_aside(h);
		return;
	}
	on = sys_epoll_wait(h->wait_fd, WAIT_MOST_MS);
	if (on == ON_ASIDE) {
		serve_aside(h);
	} else if (on == STALL_GROUP || on == STALL_MACHINE) {
		stall_fire(&e->stall, (uint32_t)on);
		engine_ring(e);
	}
}

void fault_run(void *helper)
{
	struct helper *h = helper;
	struct engine *e = h->engine;
	struct fault_queue *q = h->queue;
	struct uffd_event batch[UFFD_BATCH];
	uint64_t cpu = 0;

	sys_setpriority(PRIO_PROCESS, 0, SERVER_NICE);
	follow_start(&q->follow);
	for (unsigned n = 0; atomic_load(&e->ending) < 2; n++) {
		long nr;

		wait_for_faults(h);
		nr = read_batch(h, batch);
		if (nr > 0)
			serve_batch(h, batch, nr, sys_now_ns());
		if (q->nr)
			retry_aside(h);
		reclaim_direct(h);
		if (n % 64 == 0) {
			uint64_t now = sys_cpu_ns();

			count_add(UZSWAP_COUNT_server_cpu_ns, now - cpu);
			cpu = now;
		}
	}
	/* nothing is registered any more: whoever waits can go on */
	for (uint32_t i = 0; i < q->nr; i++)
		uffd_wake(&e->main, q->all[i].ev.addr, PAGE_SIZE);
	q->nr = 0;
}
