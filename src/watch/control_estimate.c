/* SPDX-License-Identifier: MIT */
/*
 * What would evicting save?  Pages of all memory that could be managed, at
 * even distances, are packed as the store would, and nothing is kept.  One
 * page in so many is looked at, until some hundreds were there.
 *
 * If only what is idle counts, pages are looked at in a round of
 * engine/age.h, which takes so long as they have to be idle.
 *
 * The program runs on.  A page that leaves while we copy it is asked back
 * like by any thread; so not during a fork, which we would wait for.
 */
#include "watch/control.h"

#include <errno.h>

#include "base/sys.h"
#include "engine/engine.h"
#include "watch/publish.h"

#define POINTS		1024u	/* places looked at in one pass, about */
#define ENOUGH		64u	/* present ones: no closer look needed */
#define CLOSER		16u	/* times, for the next pass */
#define PASSES		2

/* For a page that leaves, beside packing it; about (bench/floor.c). */
#define TAKE_NS		(3 * NS_PER_US)

struct sample {
	uint64_t pages;
	uint64_t pay;
	uint64_t pool;		/* bytes */
	uint64_t ns;		/* CPU time of packing them */
};

static bool is_present(struct helper *h, uintptr_t addr)
{
	struct page_run run;
	uintptr_t next;

	return pagemap_present(&h->pagemap, &next, addr, addr + PAGE_SIZE,
			       &run, 1) > 0;
}

static void look_at(struct helper *h, uintptr_t addr, struct sample *s)
{
	const struct iovec to = { h->bounce, PAGE_SIZE };
	const struct iovec from = { (void *)addr, PAGE_SIZE };
	uint64_t begin_ns;
	long len;

	if (!is_present(h, addr) ||
	    sys_process_vm_readv((pid_t)sys_getpid(), &to, &from) !=
	    (long)PAGE_SIZE)
		return;
	s->pages++;
	begin_ns = sys_cpu_ns();
	len = store_measure(&h->engine->store, h->codec, h->bounce);
	s->ns += sys_cpu_ns() - begin_ns;
	if (len >= 0) {
		s->pay++;
		s->pool += (uint64_t)len;
	}
}

/* One page in each STRIDE bytes of all. */
static void look_round(struct engine *e, uint64_t stride, struct sample *s)
{
	uint64_t ahead = stride / 2;
	const struct proc_map *m;
	struct adopt_list list;

	if (!adopt_list(e, &list))
		return;
	while ((m = adopt_next(&list))) {
		uintptr_t at = m->start;

		while (m->end - at >= ahead + PAGE_SIZE) {
			at += ahead;
			ahead = stride;
			if (fork_work_begin(&e->fork)) {
				look_at(&e->steward, round_down(at, PAGE_SIZE),
					s);
				fork_work_end(&e->fork);
			}
		}
		ahead -= m->end - at < ahead ? m->end - at : 0;
	}
}

/* PAGES were looked at, of which EVICTED would leave and take POOL bytes. */
static enum control_result estimated(struct control *c, uint64_t pages,
				     uint64_t evicted, uint64_t pool)
{
	uint64_t *numbers = c->answer.numbers;

	numbers[UZSWAP_ESTIMATE_RESIDENT] = publish_resident(c->engine);
	numbers[UZSWAP_ESTIMATE_PAGES] = pages;
	numbers[UZSWAP_ESTIMATE_EVICTED] = evicted;
	numbers[UZSWAP_ESTIMATE_POOL] = pool;
	return CONTROL_DONE;
}

enum control_result control_estimate_idle(struct control *c)
{
	struct engine *e = c->engine;
	const struct age_round *r = &e->age.round;

	if (control_is_cancelled(c))
		c->answer.err = -ECANCELED;
	else if (!mode_is_on(&e->mode))
		c->answer.err = -EAGAIN;
	else if (!age_round_is_over(e))
		return CONTROL_WORKS;
	age_end_round(e);
	return estimated(c, r->samples, r->idle_pages * PAGE_SIZE,
			 r->idle_pool);
}

static enum control_result begin_idle(struct control *c)
{
	const uint64_t ms = c->request.args[0];
	int err = -EAGAIN;

	if (ms > AGE_MS_MOST)
		return control_fail(c, -EINVAL, "no time that can be", "", "");
	if (mode_is_on(&c->engine->mode))
		err = age_begin_round(c->engine, ms, INT64_MAX, true);
	c->answer.err = err;
	return err ? CONTROL_DONE : CONTROL_WORKS;
}

enum control_result control_estimate(struct control *c)
{
	struct engine *e = c->engine;
	uint64_t stride = atomic_load(&e->adopt.eligible) / POINTS;
	struct sample s = { 0 };
	uint64_t resident;
	uint64_t evicted;

	if (c->request.args[0])
		return begin_idle(c);

	for (int i = 0; i < PASSES && s.pages < ENOUGH; i++) {
		if (stride < PAGE_SIZE)
			stride = PAGE_SIZE;
		s = (struct sample){ 0 };
		look_round(e, stride, &s);
		stride /= CLOSER;
	}
	if (!s.pages)
		return estimated(c, 0, 0, 0);
	/* of what is looked at, this part leaves; the hand takes more for it */
	resident = publish_resident(e);
	evicted = resident * s.pay / s.pages;
	/* those that do not pay are packed in vain; all evictors work */
	c->answer.numbers[UZSWAP_ESTIMATE_NS] =
		resident / PAGE_SIZE * (s.ns / s.pages + TAKE_NS) /
		e->nr_evictors;
	return estimated(c, s.pages, evicted,
			 s.pay ? evicted / PAGE_SIZE * s.pool / s.pay : 0);
}
