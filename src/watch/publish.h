/* SPDX-License-Identifier: MIT */
/*
 * The statistics page (include/uzswap/stats.h): a memfd that others may map.
 *
 * The descriptor lives in the helpers' own table only.  Publishing copies
 * counters and gauges under the page's sequence number; readers never write.
 */
#ifndef UZ_WATCH_PUBLISH_H
#define UZ_WATCH_PUBLISH_H

#include "base/types.h"
#include "engine/engine.h"

struct publish {
	struct engine *engine;
	struct uzswap_stats *page;	/* the mapping; NULL before the first */
	int32_t pid;			/* whose page it is: not a parent's */
	char name[32];			/* label, or "" for comm */
};

/* Write the page, after making it when needed.  Context: steward. */
void publish_now(void *publish);

#endif
