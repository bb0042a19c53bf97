/* SPDX-License-Identifier: MIT */
/*
 * How far a request is, on one line of the terminal: nothing if standard
 * error is none, with --quiet, and with --json.
 */
#ifndef UZ_TOOLS_PROGRESS_H
#define UZ_TOOLS_PROGRESS_H

#include "ask.h"

/* For struct ask; CTX is what is being done: "reclaiming". */
void progress_show(void *ctx, const struct ask_answer *so_far);

/* Take the line away again. */
void progress_end(void);

#endif
