/* SPDX-License-Identifier: MIT */
/*
 * The statistics page (include/uzswap/stats.h): a memfd that others may map.
 *
 * The descriptor lives in the helpers' own table only.  Publishing copies
 * counters and gauges under the page's sequence number; readers never write.
 * The control page is made along with it: control.h.
 */
#ifndef UZ_WATCH_PUBLISH_H
#define UZ_WATCH_PUBLISH_H

#include "base/types.h"
#include "engine/engine.h"
#include "uzswap/ctl.h"
#include "watch/config.h"

struct publish {
	struct engine *engine;
	struct uzswap_stats *page;	/* the mapping; NULL before the first */
	int32_t pid;			/* whose page it is: not a parent's */
	const struct config *config;	/* shown, with its label */
	bool config_changed;		/* not shown yet */
};

/* Write the page, after making it when needed.  Context: steward. */
void publish_now(void *publish);

/* Bytes of the program in RAM, of what could be managed. */
uint64_t publish_resident(struct engine *e);

/* The control page behind it.  publish->page is there. */
static inline struct uzswap_ctl *publish_ctl(const struct publish *p)
{
	return (struct uzswap_ctl *)(void *)((char *)p->page + UZSWAP_CTL_AT);
}

#endif
