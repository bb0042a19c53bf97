/* SPDX-License-Identifier: MIT */
/*
 * All processes under uzswap, looked at again and again: what zctl top
 * shows, and the short past of each.
 *
 * Every look goes through /proc anew, since processes come and go; a
 * process is known again by pid and start time.
 */
#ifndef UZ_TOOLS_LIVE_H
#define UZ_TOOLS_LIVE_H

#include "column.h"
#include "target.h"

#define LIVE_PAST	240	/* samples kept, as wide as a screen gets */

struct live_history {
	pid_t pid;
	uint64_t start_ticks;
	struct snapshot older;		/* the last but one */
	struct snapshot newest;
	double faults[LIVE_PAST];	/* per second, oldest first */
	double cpu_percent;		/* the last one known */
	size_t nr;
};

struct live {
	const struct target_choice *choice;
	struct target_list list;
	struct column_row *rows;	/* list.nr, in any order */
	uint64_t total;			/* RAM of the machine, bytes */
	uint64_t available;		/* of it, for who asks */
};

/* Look at all; ZCTL_PARTIAL if some could not be read. */
MUST_USE enum zctl_status live_look(struct live *live);

void live_close(struct live *live);

#endif
