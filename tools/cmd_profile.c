/* SPDX-License-Identifier: MIT */
/*
 * zctl profile: which memory, and whose, is cold.
 *
 *	zctl profile PID          record a running process, then show
 *	zctl profile run -- PROG  start a program, record it to its end
 *	zctl profile FILE         show a recording
 *
 * profile_watch.c records, profile_text.c and profile_export.c show.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "profile_export.h"
#include "profile_text.h"
#include "profile_watch.h"
#include "units.h"

#define DURATION_MS	60000u
#define COLD_MS		10000u
#define TOP		20

struct options {
	struct target_choice choice;
	const char *file;	/* a recording to show */
	const char *output;	/* where to write the recording */
	const char *base;
	const char *root;	/* symbolize anew, with files below it */
	const char *format;
	const char *view;
	bool run;		/* what follows is a program to run */
	char **program;
	uint64_t duration_ms;	/* UINT64_MAX: as long as the process lives */
	bool has_duration;
	bool force;
	bool stop;
	struct profile_text text;
};

enum { KEY_VIEW = 512, KEY_FORMAT, KEY_COLD, KEY_BASE, KEY_TOP, KEY_STACKS,
       KEY_ROOT, KEY_STOP };

static const struct argp_option argp_options[] = {
	{ "duration", 'd', "TIME", 0, "record that long (default 60s; a "
	  "program that is run: to its end); 0 shows what is there", 0 },
	{ "output", 'o', "FILE", 0, "also write the recording to FILE", 0 },
	{ "force", 'f', NULL, 0, "overwrite FILE", 0 },
	{ "view", KEY_VIEW, "VIEW", 0, "sites, ages, heat, faults or vmas", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text, json, pprof, folded, html "
	  "or gnuplot, on standard output", 0 },
	{ "cold", KEY_COLD, "TIME", 0, "memory counts as cold when it was not "
	  "used for TIME (default 10s)", 0 },
	{ "top", KEY_TOP, "N", 0, "lines of a table (default 20; 0 all)", 0 },
	{ "stacks", KEY_STACKS, NULL, 0, "whole call stacks", 0 },
	{ "base", KEY_BASE, "FILE", 0, "subtract this recording", 0 },
	{ "sysroot", KEY_ROOT, "DIR", 0, "find functions anew, in the files "
	  "below DIR", 0 },
	{ "stop", KEY_STOP, NULL, 0, "only have PID stop recording", 0 },
	{ 0 }
};

static void parse_word(const char **out, const char *arg, const char *option,
		       const char *words, struct argp_state *state)
{
	const char *at = strstr(words, arg);
	size_t len = strlen(arg);

	if (!len || strpbrk(arg, " ") || !at ||
	    (at != words && at[-1] != ' ') || (at[len] && at[len] != ' '))
		argp_error(state, "--%s=%s: one of %s", option, arg, words);
	*out = arg;
}

/* A pid, or else a file. */
static void parse_arg(struct options *o, char *arg, struct argp_state *state)
{
	if (o->run) {
		o->program = state->argv + state->next - 1;
		state->next = state->argc;
		return;
	}
	if (o->file || target_is_chosen(&o->choice))
		argp_error(state, "one process or file only");
	if (strcmp(arg, "run") == 0) {
		o->run = true;
		return;
	}
	if (arg[strspn(arg, "0123456789")] == 0 &&
	    target_take_pid(&o->choice, arg))
		return;
	o->file = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t n;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->choice;
		return 0;
	case 'd':
		o->duration_ms = zctl_parse_ms(arg, "duration", state);
		o->has_duration = true;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case KEY_VIEW:
		parse_word(&o->view, arg, "view",
			   "sites ages heat faults vmas", state);
		return 0;
	case KEY_FORMAT:
		parse_word(&o->format, arg, "format",
			   "text json pprof folded html gnuplot", state);
		return 0;
	case KEY_COLD:
		o->text.cold_ms = zctl_parse_ms(arg, "cold", state);
		return 0;
	case KEY_TOP:
		if (units_parse_u64(&n, arg) < 0)
			argp_error(state, "--top=%s: a number", arg);
		o->text.top = (size_t)n;
		return 0;
	case KEY_STACKS:
		o->text.stacks = true;
		return 0;
	case KEY_BASE:
		o->base = arg;
		return 0;
	case KEY_ROOT:
		o->root = arg;
		return 0;
	case KEY_STOP:
		o->stop = true;
		return 0;
	case ARGP_KEY_ARG:
		parse_arg(o, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (o->run && !o->program)
			argp_error(state, "no program given");
		if (!o->file && !o->program && !target_is_chosen(&o->choice))
			argp_error(state, "no process or file given");
		if (o->stop && !target_is_chosen(&o->choice))
			argp_error(state, "--stop needs a process");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "PID\nFILE\nrun [--] PROGRAM [ARG]...",
	.doc = "Show which memory of a program is cold, and which code "
	       "allocated it.",
	.children = target_filter_children,
};

/* --- showing ------------------------------------------------------------- */

static enum zctl_status show_text(const struct profile *p,
				  const struct profile_sum *sum,
				  const struct options *o)
{
	const char *view = o->view ? o->view : "sites";

	profile_text_head(p, sum);
	if (strcmp(view, "sites") == 0)
		profile_text_sites(p, sum, &o->text);
	else if (strcmp(view, "ages") == 0)
		profile_text_ages(p, sum);
	else if (strcmp(view, "heat") == 0)
		profile_text_heat(p);
	else if (strcmp(view, "faults") == 0)
		profile_text_faults(p, sum);
	else
		profile_text_vmas(p, sum, &o->text);
	return ZCTL_DONE;
}

static enum zctl_status show(struct profile *p, const struct options *o)
{
	const char *format = o->format ? o->format
			   : zctl_options.json ? "json" : "text";
	enum zctl_status status = ZCTL_FAILED;
	struct profile_sum sum;

	if (profile_sum_make(&sum, p, o->text.cold_ms)) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	if (strcmp(format, "text") == 0)
		status = show_text(p, &sum, o);
	else
		status = profile_export(p, &sum, format, o->text.cold_ms);
	profile_sum_free(&sum);
	return status;
}

static enum zctl_status resymbolize(struct profile *p, const char *root)
{
	profile_forget_symbols(p);
	if (profile_symbolize(p, root) == 0)
		return ZCTL_DONE;
	zctl_error("out of memory");
	return ZCTL_FAILED;
}

static enum zctl_status use(struct profile *p, struct options *o)
{
	enum zctl_status status = ZCTL_DONE;

	if (o->root)
		status = resymbolize(p, o->root);
	if (status == ZCTL_DONE && o->output)
		status = profile_save(p, o->output, o->force);
	if (status == ZCTL_DONE && o->base)
		status = profile_subtract(p, o->base);
	if (status == ZCTL_DONE)
		status = show(p, o);
	profile_free(p);
	return status;
}

enum zctl_status cmd_profile(int argc, char **argv)
{
	struct options o = {
		.duration_ms = DURATION_MS,
		.text = { .cold_ms = COLD_MS, .top = TOP },
	};
	enum zctl_status program = ZCTL_DONE;
	enum zctl_status status;
	struct profile p = { 0 };

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	if (o.program && !o.has_duration)
		o.duration_ms = UINT64_MAX;
	if (o.stop)
		return profile_watch_stop(&o.choice);
	if (o.file)
		status = profile_load(&p, o.file);
	else if (o.program)
		status = profile_watch_program(&p, o.program, o.duration_ms,
					       &program);
	else
		status = profile_watch_pid(&p, &o.choice, o.duration_ms);
	if (status == ZCTL_DONE)
		status = use(&p, &o);
	return program != ZCTL_DONE ? program : status;
}
