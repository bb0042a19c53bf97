/* SPDX-License-Identifier: MIT */
/*
 * Record a process, until a time is over, it ends, or somebody presses ^C.
 * Both complain themselves.
 */
#ifndef UZ_TOOLS_PROFILE_WATCH_H
#define UZ_TOOLS_PROFILE_WATCH_H

#include "profile.h"
#include "target.h"

/* DURATION_MS 0: what it has recorded already. */
MUST_USE enum zctl_status profile_watch_pid(struct profile *p,
					    const struct target_choice *choice,
					    uint64_t duration_ms);

/*
 * Start ARGS, as `zctl run` does, and record it; UINT64_MAX: to its end.
 *
 * program	out: its exit status, as that of zctl
 */
MUST_USE enum zctl_status profile_watch_program(struct profile *p, char **args,
						uint64_t duration_ms,
						enum zctl_status *program);

#endif
