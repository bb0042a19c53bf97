/* SPDX-License-Identifier: MIT */
/*
 * Each part takes a new setting by itself, at once and without waiting; what
 * was done under the old one stays: pages packed by another codec are
 * unpacked by that, and a pool over its new cap takes nothing more.
 *
 * e->cfg follows, as children of forks start by it.
 */
#include "engine/tune.h"

#include "base/proc.h"
#include "engine/engine.h"

static uint64_t percent_of(const struct engine *e, uint32_t pct)
{
	struct proc_meminfo mem;
	uint64_t whole = e->now.limit;

	if (proc_meminfo(&mem) == 0 && (!whole || mem.total < whole))
		whole = mem.total;
	return whole / 100 * pct;
}

uint64_t tune_pool_max(const struct engine *e)
{
	return e->cfg.pool_max_pct ? percent_of(e, e->cfg.pool_max_pct)
				   : e->cfg.pool_max;
}

void tune_apply(struct engine *e, const struct engine_config *cfg)
{
	/* the most that was used says nothing against another limit */
	if (e->cfg.limit != cfg->limit || e->cfg.limit_pct != cfg->limit_pct)
		e->usage_max = 0;
	e->cfg.limit = cfg->limit;
	e->cfg.limit_pct = cfg->limit_pct;
	pressure_set_limit(&e->pressure, cfg->limit, cfg->limit_pct);
	/* a percentage of the pool is one of the limit: as that is now */
	pressure_read(&e->pressure, &e->now);
	e->cfg.pool_max = cfg->pool_max;
	e->cfg.pool_max_pct = cfg->pool_max_pct;
	store_set_pool_max(&e->store, tune_pool_max(e));
	e->cfg.accept_pct = cfg->accept_pct;
	store_set_accept_pct(&e->store, cfg->accept_pct);
	e->cfg.codecs = cfg->codecs;
	store_set_codecs(&e->store, cfg->codecs);
	e->cfg.share_equal = cfg->share_equal;
	store_set_share_equal(&e->store, cfg->share_equal);
	e->cfg.min_age_ms = cfg->min_age_ms;
	e->cfg.max_stall_ms = cfg->max_stall_ms;
	e->cfg.age_cpu_pct = cfg->age_cpu_pct;
	age_set(e, cfg);
	e->cfg.repack_idle_ms = cfg->repack_idle_ms;
	e->cfg.repack_cpu_pct = cfg->repack_cpu_pct;
	upkeep_set(e, cfg->repack_idle_ms, cfg->repack_cpu_pct);
}
