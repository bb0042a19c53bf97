/* SPDX-License-Identifier: MIT */
/*
 * zctl forecast: what storing the memory that a program does not use would
 * save, and what that would cost it, for each age from which on it were
 * stored.
 *
 * Nothing is stored for it.  Pages of the profile that are that old stand for
 * the memory; some of them were compressed, to see what they take; and how
 * often pages that old were asked for again has been counted.
 */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "profile_sum.h"
#include "profile_text.h"
#include "profile_watch.h"
#include "record.h"
#include "units.h"

#define NS_PER_MS	1000000u
#define DURATION_MS	60000u
#define FAULT_NS	10000.0	/* server's time, if it has timed none */
#define WAKE_NS		10000.0	/* to the server and back, docs/design.md */

struct options {
	struct target_choice choice;
	const char *file;
	uint64_t duration_ms;
	uint64_t age_ms;	/* only this one; 0 all */
};

enum { KEY_AGE = 512 };

static const struct argp_option argp_options[] = {
	{ "duration", 'd', "TIME", 0, "look at the process for TIME (default "
	  "60s); 0 takes what it has recorded so far", 0 },
	{ "age", KEY_AGE, "TIME", 0, "only what was not used for TIME", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->choice;
		return 0;
	case 'd':
		o->duration_ms = zctl_parse_ms(arg, "duration", state);
		return 0;
	case KEY_AGE:
		o->age_ms = zctl_parse_ms(arg, "age", state);
		return 0;
	case ARGP_KEY_ARG:
		if (o->file || target_is_chosen(&o->choice))
			argp_error(state, "one process or file only");
		if (arg[strspn(arg, "0123456789")] ||
		    !target_take_pid(&o->choice, arg))
			o->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->file && !target_is_chosen(&o->choice))
			argp_error(state, "no process or file given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "PID\nFILE",
	.doc = "Show what storing cold memory would save, and cost.",
	.children = target_filter_children,
};

/* --- numbers ------------------------------------------------------------- */

struct forecast {
	uint64_t age_ms;
	struct profile_age age;
	double stored;		/* bytes, what is stored already included */
	double saved;
	double stall_ns;	/* a second, of all threads together */
};

static void forecast_make(struct forecast *f, const struct profile *p,
			  const struct profile_sum *sum, uint64_t ms)
{
	double fault_ns = p->fault_ns ? (double)p->fault_ns : FAULT_NS;

	f->age_ms = ms;
	profile_sum_age(&f->age, sum, p, ms);
	f->stored = f->age.cold - f->age.refused;
	f->saved = f->stored - f->age.pool;
	f->stall_ns = f->age.faults_per_s * (fault_ns + WAKE_NS);
}

/* Can anything be said of pages idle for MS? */
static bool is_known(const struct profile *p, uint64_t ms)
{
	return ms <= p->lasted_ms;
}

/* --- as a table ---------------------------------------------------------- */

static const char *size(char *buf, double bytes)
{
	return units_size(buf, UNITS_BUF, (uint64_t)fmin(fmax(bytes, 0), 9e18),
			  zctl_options.bytes);
}

static const char *duration(char *buf, double ns)
{
	return units_duration(buf, UNITS_BUF, (uint64_t)fmin(ns, 9e18));
}

static void print_row(const struct forecast *f)
{
	char text[7][UNITS_BUF];
	double ratio = f->age.pool > 0 ? f->stored / f->age.pool : 0;

	snprintf(text[4], UNITS_BUF, ratio > 0 ? "%.2f" : "-", ratio);
	printf("%13s %8s %8s %8s %8s %5s %9.1f %7s/s\n",
	       duration(text[0], (double)f->age_ms * NS_PER_MS),
	       size(text[1], f->age.cold), size(text[2], f->stored),
	       size(text[3], f->age.pool), size(text[5], f->saved), text[4],
	       f->age.faults_per_s, duration(text[6], f->stall_ns));
}

static void print_head(const struct profile *p, const struct profile_sum *sum)
{
	char text[4][UNITS_BUF];

	profile_text_process(p);
	if (p->stored)
		printf(", %s stored in %s", size(text[2], (double)p->stored),
		       size(text[3], (double)p->pool));
	printf("\nages are true to %s\n\n",
	       duration(text[0], (double)sum->slack_ms * NS_PER_MS));
	printf("%13s %8s %8s %8s %8s %5s %9s %9s\n", "IDLE AT LEAST",
	       "COLD", "STORED", "POOL", "SAVED", "RATIO", "FAULTS/s",
	       "STALL");
}

static enum zctl_status show_text(const struct profile *p,
				  const struct profile_sum *sum,
				  uint64_t age_ms)
{
	struct forecast f;

	print_head(p, sum);
	for (unsigned i = 0; i < PROFILE_NR_AGES && !age_ms; i++) {
		if (!is_known(p, profile_ages_ms[i]))
			break;
		forecast_make(&f, p, sum, profile_ages_ms[i]);
		print_row(&f);
	}
	if (age_ms) {
		forecast_make(&f, p, sum, age_ms);
		print_row(&f);
	}
	return ZCTL_DONE;
}

/* --- as JSON ------------------------------------------------------------- */

static json_t *whole(double n)
{
	return json_integer((json_int_t)n);
}

static json_t *row_of(const struct forecast *f)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "idle_ms", (json_int_t)f->age_ms,
			 "cold_bytes", whole(f->age.cold),
			 "stored_bytes", whole(f->stored),
			 "refused_bytes", whole(f->age.refused),
			 "pool_bytes", whole(f->age.pool),
			 "saved_bytes", whole(f->saved),
			 "faults_per_second",
			 record_real(f->age.faults_per_s),
			 "stall_us_per_second",
			 record_real(f->stall_ns / 1000));
}

static enum zctl_status show_json(const struct profile *p,
				  const struct profile_sum *sum,
				  uint64_t age_ms)
{
	json_t *root = record_document("uzswap.forecast.v1");
	json_t *rows = json_array();
	struct forecast f;

	for (unsigned i = 0; i < PROFILE_NR_AGES && !age_ms; i++) {
		if (!is_known(p, profile_ages_ms[i]))
			break;
		forecast_make(&f, p, sum, profile_ages_ms[i]);
		json_array_append_new(rows, row_of(&f));
	}
	if (age_ms) {
		forecast_make(&f, p, sum, age_ms);
		json_array_append_new(rows, row_of(&f));
	}
	json_object_set_new(root, "pid", json_integer(p->pid));
	json_object_set_new(root, "command", json_string(p->command));
	json_object_set_new(root, "recorded", json_string(p->recorded));
	json_object_set_new(root, "lasted_ms", whole((double)p->lasted_ms));
	json_object_set_new(root, "slack_ms", whole((double)sum->slack_ms));
	json_object_set_new(root, "resident_bytes",
			    whole((double)p->resident));
	json_object_set_new(root, "process_resident_bytes",
			    whole((double)p->process_resident));
	json_object_set_new(root, "stored_bytes", whole((double)p->stored));
	json_object_set_new(root, "pool_bytes", whole((double)p->pool));
	json_object_set_new(root, "ages", rows);
	return record_print(root, true);
}

static enum zctl_status show(const struct profile *p, uint64_t age_ms)
{
	struct profile_sum sum;
	enum zctl_status status;

	if (!p->nr_points) {
		zctl_error("no page could be watched, so no age is known: "
			   "that needs engine move (Linux 6.8)");
		return ZCTL_FAILED;
	}
	if (age_ms && !is_known(p, age_ms)) {
		zctl_error("recorded for %" PRIu64 " ms only: nothing is known "
			   "of --age %" PRIu64 " ms", p->lasted_ms, age_ms);
		return ZCTL_FAILED;
	}
	if (profile_sum_make(&sum, p, age_ms)) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	status = zctl_options.json ? show_json(p, &sum, age_ms)
				   : show_text(p, &sum, age_ms);
	profile_sum_free(&sum);
	return status;
}

enum zctl_status cmd_forecast(int argc, char **argv)
{
	struct options o = { .duration_ms = DURATION_MS };
	struct profile p = { 0 };
	enum zctl_status status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	if (o.file)
		status = profile_load(&p, o.file);
	else
		status = profile_watch_pid(&p, &o.choice, o.duration_ms);
	if (status != ZCTL_DONE)
		return status;
	status = show(&p, o.age_ms);
	profile_free(&p);
	return status;
}
