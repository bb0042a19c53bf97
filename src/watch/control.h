/* SPDX-License-Identifier: MIT */
/*
 * The control page (include/uzswap/ctl.h): requests from outside.
 *
 *	control.c	the page: takes a request, gives the answer
 *	control_set.c	options
 *	control_work.c	reclaim, off, keep, on, profile; the table of all
 *	control_estimate.c
 *
 * Anybody who may write the page may write anything there at any time.  So a
 * request is copied first, and only the copy is checked and used; what is in
 * the page decides nothing but whether there is a request, and whether its
 * asker has given up.
 *
 * The steward carries requests out, a piece at a time between its other
 * duties.  Each kind is a row of a table: BEGIN checks and starts it, STEP is
 * called until it is done.  A new kind is a row in ctl.h, one here, and a
 * function or two.
 *
 * Context: steward.
 */
#ifndef UZ_WATCH_CONTROL_H
#define UZ_WATCH_CONTROL_H

#include "base/types.h"
#include "engine/mode.h"
#include "uzswap/ctl.h"
#include "watch/config.h"

struct engine;
struct profile;
struct publish;

struct control {
	struct engine *engine;
	struct publish *publish;
	struct profile *profile;
	struct config *config;		/* as it is; changed by set */
	/* Called when that has changed, for what is not the engine's. */
	void (*changed)(const struct config *config);

	uint32_t word;			/* of the request at work; 0 none */
	struct uzswap_ctl_request request;	/* the copy */
	struct uzswap_ctl_answer answer;	/* to be shown when done */
	struct config next;		/* set: what it will be */

	/* For the kinds that take their time. */
	uint64_t started_ns;
	uint64_t before;		/* counter or amount at the start */
	enum engine_mode mode_before;
};

enum control_result {
	CONTROL_DONE,		/* answer.err says how */
	CONTROL_WORKS,		/* call STEP again soon */
};

struct control_kind {
	enum control_result (*begin)(struct control *c);
	enum control_result (*step)(struct control *c);
};

/* In the process, and again in the child of a fork: nothing is at work. */
void control_begin(struct control *c);

/* See serve in struct engine_config. */
uint64_t control_serve(void *control);

/* --- for the parts, and tests -------------------------------------------- */

/* One row per enum uzswap_ctl_kind. */
extern const struct control_kind control_work[UZSWAP_CTL_NR_KINDS];

/* Copy what is at FROM, bring lengths into bounds and close the text. */
void control_copy(struct uzswap_ctl_request *to,
		  const struct uzswap_ctl_request *from);

/* The answer is ERR and TEXT, of up to three pieces. */
enum control_result control_fail(struct control *c, int err, const char *a,
				 const char *b, const char *text);

/* Is the asker gone? */
bool control_is_cancelled(const struct control *c);

/*
 * What the options would be after the KEY=VALUEs in LEN bytes of TEXT, each
 * with a zero after it.
 *
 * next     out; a copy of NOW with the changes; undefined on errors
 * reason   out; CONFIG_REASON bytes; "KEY VALUE is ..."
 *
 * Returns  0 or -EINVAL
 */
MUST_USE int control_plan(struct config *next, const struct config *now,
			  const char *text, size_t len, char *reason);

enum control_result control_set(struct control *c);
enum control_result control_estimate(struct control *c);
enum control_result control_estimate_idle(struct control *c);

#endif
