/* SPDX-License-Identifier: MIT */
/*
 * zctl reclaim: have a process compress its coldest memory now, or what is
 * not used for some time, whether memory is short or not; or estimate what
 * that would save.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "progress.h"
#include "record.h"
#include "steer.h"
#include "target.h"
#include "units.h"

struct reclaim_options {
	struct target_choice choice;
	uint64_t bytes;		/* or 0: */
	uint64_t percent;	/* of what is resident */
	bool is_given;
	bool dry_run;
	uint64_t min_age_ns;	/* 0: what is coldest */
	uint64_t timeout_ns;
};

#define NS_PER_MS	1000000ull
#define TIME_MAX_NS	(86400 * 1000 * NS_PER_MS)

enum { KEY_DRY_RUN = 512, KEY_MIN_AGE, KEY_TIMEOUT };

static const struct argp_option options[] = {
	{ "dry-run", KEY_DRY_RUN, NULL, 0,
	  "estimate from a sample of pages; evict nothing", 0 },
	{ "min-age", KEY_MIN_AGE, "TIME", 0,
	  "only what is not used for TIME; takes so long, at least", 0 },
	{ "timeout", KEY_TIMEOUT, "TIME", 0,
	  "stop after so long; what was done stays", 0 },
	{ 0 }
};

static void take_amount(struct reclaim_options *r, const char *arg,
			struct argp_state *state)
{
	r->is_given = true;
	if (steer_amount(&r->bytes, &r->percent, arg) < 0)
		argp_error(state, "'%s' is neither a size like 512M, nor a "
			   "share like 50%%, nor all", arg);
}

static void take_time(uint64_t *ns, const char *arg, const char *option,
		      struct argp_state *state)
{
	if (units_parse_seconds(ns, arg) < 0 || *ns < NS_PER_MS ||
	    *ns > TIME_MAX_NS)
		argp_error(state, "--%s=%s: a time up to 24h", option, arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct reclaim_options *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->choice;
		return 0;
	case KEY_DRY_RUN:
		r->dry_run = true;
		return 0;
	case KEY_MIN_AGE:
		take_time(&r->min_age_ns, arg, "min-age", state);
		return 0;
	case KEY_TIMEOUT:
		take_time(&r->timeout_ns, arg, "timeout", state);
		return 0;
	case ARGP_KEY_ARG:
		if (!target_is_chosen(&r->choice))
			return ARGP_ERR_UNKNOWN;
		if (r->is_given)
			argp_error(state, "one size only");
		take_amount(r, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!r->is_given)
			argp_error(state, "no size given: how much is to be "
				   "evicted?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID SIZE|PERCENT|all",
	.doc = "Compress the coldest memory of a process now; PERCENT is of "
	       "what is resident.",
	.children = target_children,
};

static int64_t change(const uint64_t *n, size_t before, size_t after)
{
	return (int64_t)n[after] - (int64_t)n[before];
}

/* --- doing it ------------------------------------------------------------ */

/* Why it is less than was asked for. */
static const char *shortfall(int err, const struct reclaim_options *r)
{
	return err == -ENODATA && r->min_age_ns
		? "no more of it is idle for so long" : steer_reason(err);
}

static void print_text(const struct client *client,
		       const struct ask_answer *a,
		       const struct reclaim_options *r)
{
	const uint64_t *n = a->numbers;
	int64_t pool = change(n, UZSWAP_RECLAIMED_POOL_BEFORE,
			      UZSWAP_RECLAIMED_POOL);
	int64_t stored = change(n, UZSWAP_RECLAIMED_STORED_BEFORE,
				UZSWAP_RECLAIMED_STORED);
	char text[4][UNITS_BUF];

	printf("%s (%d): reclaimed %s", client->comm, client->pid,
	       zctl_size(text[0], n[UZSWAP_RECLAIMED_EVICTED]));
	if (a->err)
		printf(" of %s: %s\n", zctl_size(text[1], a->total),
		       shortfall(a->err, r));
	else
		printf(" in %s, pool %s%s, saved %s\n",
		       units_duration(text[1], UNITS_BUF,
				      n[UZSWAP_RECLAIMED_NS]),
		       pool >= 0 ? "+" : "",
		       units_signed_size(text[2], UNITS_BUF, pool,
					 zctl_options.bytes),
		       units_signed_size(text[3], UNITS_BUF, stored - pool,
					 zctl_options.bytes));
}

static enum zctl_status print_json(const struct client *client,
				   const struct ask_answer *a,
				   const struct reclaim_options *r)
{
	const uint64_t *n = a->numbers;
	json_t *document = record_document("uzswap.reclaim.v1");

	record_add_process(document, client);
	json_object_set_new(document, "reclaim", json_pack(
		"{sI sI sI sI sI so}",
		"asked_bytes", (json_int_t)a->total,
		"evicted_bytes", (json_int_t)n[UZSWAP_RECLAIMED_EVICTED],
		"stored_change_bytes", (json_int_t)change(n,
			UZSWAP_RECLAIMED_STORED_BEFORE,
			UZSWAP_RECLAIMED_STORED),
		"pool_change_bytes", (json_int_t)change(n,
			UZSWAP_RECLAIMED_POOL_BEFORE, UZSWAP_RECLAIMED_POOL),
		"time_ns", (json_int_t)n[UZSWAP_RECLAIMED_NS],
		"short_because", a->err ? json_string(shortfall(a->err, r))
					: json_null()));
	return record_print(document, false);
}

static enum zctl_status reclaim(struct client *client,
				const struct reclaim_options *r)
{
	const struct ask request = {
		.kind = UZSWAP_CTL_reclaim,
		.args = { r->bytes, r->percent, r->min_age_ns / NS_PER_MS },
		.work_ns = r->timeout_ns,
		.progress = progress_show,
		.ctx = (char[]){ "reclaiming" },
	};
	struct ask_answer answer;
	enum zctl_status status = ask_for(client, &request, &answer);
	char why[160];

	progress_end();
	if (status != ZCTL_DONE)
		return status;
	if (answer.err == -EINVAL || answer.err == -EOPNOTSUPP ||
	    (answer.err == -EAGAIN && !answer.done)) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid,
			   steer_reason(answer.err));
		return ZCTL_FAILED;
	}
	if (client_refresh(client, why, sizeof(why)) < 0) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
		return ZCTL_NO_PROCESS;
	}
	if (zctl_options.json)
		status = print_json(client, &answer, r);
	else if (!zctl_options.quiet)
		print_text(client, &answer, r);
	return answer.err ? target_worse(status, ZCTL_PARTIAL) : status;
}

/* --- only guessing ------------------------------------------------------- */

/* What part of all that could leave is BYTES?  The same of PART. */
static uint64_t in_proportion(const uint64_t *n, uint64_t bytes, uint64_t part)
{
	uint64_t most = n[UZSWAP_ESTIMATE_EVICTED];

	return most ? (uint64_t)((double)part / (double)most * (double)bytes)
		    : 0;
}

static void print_estimate(const struct client *client, const uint64_t *n,
			   uint64_t bytes, uint64_t pool)
{
	uint64_t ns = in_proportion(n, bytes, n[UZSWAP_ESTIMATE_NS]);
	char text[4][UNITS_BUF];

	printf("%s (%d): would evict %s", client->comm, client->pid,
	       zctl_size(text[0], bytes));
	if (ns)
		printf(" in about %s",
		       units_duration(text[1], UNITS_BUF, ns));
	printf(", pool +%s, save %s (%llu pages of %s looked at)\n",
	       zctl_size(text[1], pool),
	       units_signed_size(text[2], UNITS_BUF,
				 (int64_t)bytes - (int64_t)pool,
				 zctl_options.bytes),
	       (unsigned long long)n[UZSWAP_ESTIMATE_PAGES],
	       zctl_size(text[3], n[UZSWAP_ESTIMATE_RESIDENT]));
}

static enum zctl_status print_estimate_json(const struct client *client,
					    const uint64_t *n, uint64_t bytes,
					    uint64_t pool)
{
	json_t *document = record_document("uzswap.reclaim.v1");

	record_add_process(document, client);
	json_object_set_new(document, "estimate", json_pack(
		"{sI sI sI sI so}",
		"resident_bytes", (json_int_t)n[UZSWAP_ESTIMATE_RESIDENT],
		"pages_sampled", (json_int_t)n[UZSWAP_ESTIMATE_PAGES],
		"evicted_bytes", (json_int_t)bytes,
		"pool_change_bytes", (json_int_t)pool,
		"time_ns", n[UZSWAP_ESTIMATE_NS] ?
			json_integer((json_int_t)in_proportion(n, bytes,
				n[UZSWAP_ESTIMATE_NS])) : json_null()));
	return record_print(document, false);
}

static enum zctl_status estimate(struct client *client,
				 const struct reclaim_options *r)
{
	const struct ask request = {
		.kind = UZSWAP_CTL_estimate,
		.args = { r->min_age_ns / NS_PER_MS },
		.work_ns = r->timeout_ns,
	};
	struct ask_answer answer;
	enum zctl_status status = ask_for(client, &request, &answer);
	const uint64_t *n = answer.numbers;
	uint64_t bytes;
	uint64_t most;
	uint64_t pool;

	if (status != ZCTL_DONE)
		return status;
	most = n[UZSWAP_ESTIMATE_EVICTED];
	if (answer.err || !n[UZSWAP_ESTIMATE_PAGES]) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid,
			   answer.err ? steer_reason(answer.err)
				      : "no pages to look at");
		return ZCTL_FAILED;
	}
	bytes = r->bytes ? r->bytes
			 : n[UZSWAP_ESTIMATE_RESIDENT] / 100 * r->percent;
	if (bytes > most || r->percent == 100)
		bytes = most;
	pool = in_proportion(n, bytes, n[UZSWAP_ESTIMATE_POOL]);
	if (zctl_options.json)
		return print_estimate_json(client, n, bytes, pool);
	print_estimate(client, n, bytes, pool);
	return ZCTL_DONE;
}

static enum zctl_status reclaim_one(struct client *client, void *ctx)
{
	const struct reclaim_options *r = ctx;

	return r->dry_run ? estimate(client, r) : reclaim(client, r);
}

enum zctl_status cmd_reclaim(int argc, char **argv)
{
	struct reclaim_options r = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &r);
	ask_catch_signals();
	return target_each(&r.choice, reclaim_one, &r);
}
