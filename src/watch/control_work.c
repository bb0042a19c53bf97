/* SPDX-License-Identifier: MIT */
/*
 * Requests that make the engine do something.  None waits: what takes time
 * is started, and looked at again in each step.
 *
 * A page that comes back while others leave is evicted twice; so reclaim is
 * over when as many pages have left as were to leave, however many of them
 * are back by then.  That is a bound on its work, too.  Reclaim of what is
 * idle is a round of engine/age.h.
 */
#include "watch/control.h"

#include <errno.h>

#include "base/count.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "watch/profile.h"
#include "watch/publish.h"

#define FRUITLESS_MANY	10u	/* rounds: a fifth of a second */
#define OFF_RESERVE	(16 * MIB)	/* of headroom, or it is not enough */

static enum control_result done(struct control *c, int err)
{
	c->answer.err = err;
	return CONTROL_DONE;
}

static uint64_t elapsed(const struct control *c)
{
	return sys_now_ns() - c->started_ns;
}

static uint64_t stored_bytes(struct engine *e)
{
	return (page_total(&e->pages, PAGE_STORED) +
		page_total(&e->pages, PAGE_ARRIVING)) * PAGE_SIZE;
}

static uint64_t pool_bytes(struct engine *e)
{
	struct store_usage use;

	store_usage(&e->store, &use);
	return use.used;
}

/* --- reclaim ------------------------------------------------------------- */

static enum control_result reclaimed(struct control *c, int err)
{
	struct engine *e = c->engine;
	uint64_t *numbers = c->answer.numbers;

	atomic_store(&e->reclaim.wanted, 0);
	age_end_round(e);
	numbers[UZSWAP_RECLAIMED_EVICTED] = c->answer.done;
	numbers[UZSWAP_RECLAIMED_STORED] = stored_bytes(e);
	numbers[UZSWAP_RECLAIMED_POOL] = pool_bytes(e);
	numbers[UZSWAP_RECLAIMED_NS] = elapsed(c);
	return done(c, err);
}

static enum control_result reclaim_idle_step(struct control *c)
{
	struct engine *e = c->engine;

	c->answer.done = age_round_stored(e) * PAGE_SIZE;
	if (control_is_cancelled(c))
		return reclaimed(c, -ECANCELED);
	if (!mode_is_on(&e->mode))
		return reclaimed(c, -EAGAIN);
	if (store_is_full(&e->store))
		return reclaimed(c, -ENOSPC);
	if (!age_round_is_over(e))
		return CONTROL_WORKS;
	/* all of it means: as much as there is */
	return reclaimed(c, c->answer.done >= c->answer.total ||
			    c->request.args[1] == 100 ? 0 : -ENODATA);
}

static enum control_result reclaim_step(struct control *c)
{
	struct engine *e = c->engine;
	struct reclaim *r = &e->reclaim;

	if (c->request.args[2])
		return reclaim_idle_step(c);
	c->answer.done = (count_get(UZSWAP_COUNT_evicted) - c->before) *
			 PAGE_SIZE;
	if (atomic_load(&r->wanted) <= 0)
		return reclaimed(c, 0);
	if (control_is_cancelled(c))
		return reclaimed(c, -ECANCELED);
	if (!mode_is_on(&e->mode))
		return reclaimed(c, -EAGAIN);
	if (!e->adopt.closed || fork_is_snapshot(&e->fork))
		atomic_store(&r->fruitless, 0);	/* it has not begun */
	if (atomic_load(&r->fruitless) >= FRUITLESS_MANY)
		return reclaimed(c, store_is_full(&e->store) ? -ENOSPC
							      : -ENODATA);
	reclaim_ring(r);
	return CONTROL_WORKS;
}

static enum control_result reclaim_begin(struct control *c)
{
	struct engine *e = c->engine;
	const uint64_t *args = c->request.args;
	uint64_t bytes = args[0];
	int err;

	if (!mode_is_on(&e->mode))
		return done(c, -EAGAIN);
	if (args[1] > 100 || (!bytes && !args[1]) || args[2] > AGE_MS_MOST)
		return control_fail(c, -EINVAL, "no amount that can be", "",
				    "");
	if (e->adopt.closed)
		engine_count_resident(e);
	if (!bytes)
		bytes = publish_resident(e) / 100 * args[1];
	if (bytes >> 48)
		bytes = (uint64_t)1 << 48;
	c->before = count_get(UZSWAP_COUNT_evicted);
	c->answer.total = bytes;
	c->answer.numbers[UZSWAP_RECLAIMED_STORED_BEFORE] = stored_bytes(e);
	c->answer.numbers[UZSWAP_RECLAIMED_POOL_BEFORE] = pool_bytes(e);
	if (args[2]) {
		err = age_begin_round(e, args[2], bytes, false);
		return err ? done(c, err) : CONTROL_WORKS;
	}
	atomic_store(&e->reclaim.fruitless, 0);
	atomic_store(&e->reclaim.wanted, (int64_t)(bytes / PAGE_SIZE));
	engine_ring(e);
	return CONTROL_WORKS;
}

/* --- off, keep, on ------------------------------------------------------- */

static enum control_result switched(struct control *c, enum engine_mode mode)
{
	struct mode *m = &c->engine->mode;
	int err = atomic_load(&m->failed);

	c->answer.numbers[UZSWAP_OFF_NS] = elapsed(c);
	if (err)
		return done(c, err);
	if (mode_now(m) == mode)
		return done(c, 0);
	if (atomic_load(&m->want) != (uint32_t)mode)
		return done(c, -EBUSY);		/* somebody else's turn */
	return CONTROL_WORKS;
}

/* What restoring takes, and what there is. */
static void off_estimate(struct control *c)
{
	struct engine *e = c->engine;
	uint64_t *numbers = c->answer.numbers;
	uint64_t stored = stored_bytes(e);
	uint64_t back = pool_bytes(e) / 2;	/* the rest comes late */
	struct pressure_now now;

	pressure_refresh(&e->pressure);
	pressure_read_others(&e->pressure, &now);
	numbers[UZSWAP_OFF_STORED] = stored;
	numbers[UZSWAP_OFF_NEEDED] = stored > back ? stored - back : 0;
	numbers[UZSWAP_OFF_AVAILABLE] =
		now.headroom > 0 ? (uint64_t)now.headroom : 0;
}

static enum control_result off_give_up(struct control *c, int err)
{
	mode_ask(c->engine, c->mode_before);
	c->answer.numbers[UZSWAP_OFF_NS] = elapsed(c);
	return done(c, err);
}

static enum control_result off_step(struct control *c)
{
	struct engine *e = c->engine;
	const uint64_t left = stored_bytes(e);
	struct pressure_now now;

	c->answer.done = c->answer.total > left ? c->answer.total - left : 0;
	if (mode_now(&e->mode) == MODE_OFF)
		return switched(c, MODE_OFF);
	if (control_is_cancelled(c))
		return off_give_up(c, -ECANCELED);
	if (!c->request.args[0] && left) {
		pressure_read_others(&e->pressure, &now);
		if (now.headroom < (int64_t)OFF_RESERVE)
			return off_give_up(c, -ENOMEM);
	}
	return switched(c, MODE_OFF);
}

static enum control_result off_begin(struct control *c)
{
	struct engine *e = c->engine;
	const uint64_t *numbers = c->answer.numbers;

	off_estimate(c);
	if (!c->request.args[0] && numbers[UZSWAP_OFF_STORED] &&
	    numbers[UZSWAP_OFF_NEEDED] + OFF_RESERVE >
	    numbers[UZSWAP_OFF_AVAILABLE])
		return done(c, -ENOSPC);
	c->mode_before = mode_now(&e->mode);
	c->answer.total = numbers[UZSWAP_OFF_STORED];
	mode_ask(e, MODE_OFF);
	return CONTROL_WORKS;
}

static enum control_result keep_step(struct control *c)
{
	return switched(c, MODE_KEEP);
}

static enum control_result keep_begin(struct control *c)
{
	mode_ask(c->engine, MODE_KEEP);
	return CONTROL_WORKS;
}

static enum control_result on_step(struct control *c)
{
	return switched(c, MODE_ON);
}

static enum control_result on_begin(struct control *c)
{
	mode_ask(c->engine, MODE_ON);
	return CONTROL_WORKS;
}

/* --- profile ------------------------------------------------------------- */

static enum control_result profile_begin(struct control *c)
{
	profile_start(c->profile);
	return done(c, atomic_load(&c->profile->on) ? 0 : -ENOMEM);
}

static enum control_result profile_end(struct control *c)
{
	profile_stop(c->profile);
	return done(c, 0);
}

const struct control_kind control_work[UZSWAP_CTL_NR_KINDS] = {
	[UZSWAP_CTL_set] = { control_set, NULL },
	[UZSWAP_CTL_reclaim] = { reclaim_begin, reclaim_step },
	[UZSWAP_CTL_estimate] = { control_estimate, control_estimate_idle },
	[UZSWAP_CTL_off] = { off_begin, off_step },
	[UZSWAP_CTL_keep] = { keep_begin, keep_step },
	[UZSWAP_CTL_on] = { on_begin, on_step },
	[UZSWAP_CTL_profile_start] = { profile_begin, NULL },
	[UZSWAP_CTL_profile_stop] = { profile_end, NULL },
};
