/* SPDX-License-Identifier: MIT */
/*
 * Record a process, until a time is over, it ends, or somebody presses ^C.
 * All complain themselves.
 */
#ifndef UZ_TOOLS_PROFILE_WATCH_H
#define UZ_TOOLS_PROFILE_WATCH_H

#include "profile.h"
#include "target.h"

/*
 * One that is not recording is asked to, and to stop afterwards.
 * DURATION_MS 0: what it has recorded already.
 */
MUST_USE enum zctl_status profile_watch_pid(struct profile *p,
					    const struct target_choice *choice,
					    uint64_t duration_ms);

/* Have it stop, whoever began. */
MUST_USE enum zctl_status profile_watch_stop(
	const struct target_choice *choice);

/*
 * Start ARGS, as `zctl run` does, and record it; UINT64_MAX: to its end.
 *
 * program	out: its exit status, as that of zctl
 */
MUST_USE enum zctl_status profile_watch_program(struct profile *p, char **args,
						uint64_t duration_ms,
						enum zctl_status *program);

#endif
