/* SPDX-License-Identifier: MIT */
/*
 * zctl stats: one process, once or again and again.
 *
 * Text needs two copies of the page for what happened lately, so a single
 * screen takes a moment; with --watch it is the time between two screens.
 * JSON has only counters and is printed at once, one line for each time.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "record.h"
#include "report.h"
#include "screen.h"
#include "target.h"
#include "units.h"

#define NS_PER_S	1000000000ull
#define SAMPLE_NS	200000000ull	/* two updates of the page */
#define WATCH_NS	(2 * NS_PER_S)
#define WATCH_MIN_NS	100000000ull	/* the page is not rewritten faster */
#define WATCH_MAX_NS	(86400 * NS_PER_S)

struct stats_options {
	struct target_choice choice;
	bool counters;
	uint64_t watch_ns;	/* 0: once */
	struct screen_table_options table;
};

enum {
	KEY_COUNTERS = 512,
	KEY_NOHEADINGS,
	KEY_RAW,
	KEY_WATCH
};

static const struct argp_option options[] = {
	{ "counters", KEY_COUNTERS, NULL, 0,
	  "all counters and their meaning", 0 },
	{ "noheadings", KEY_NOHEADINGS, NULL, 0,
	  "with --counters: no line of names", 0 },
	{ "raw", KEY_RAW, NULL, 0,
	  "with --counters: one blank between columns", 0 },
	{ "watch", KEY_WATCH, "SEC", OPTION_ARG_OPTIONAL,
	  "again every SEC seconds (default 2)", 0 },
	{ 0 }
};

static void parse_watch(struct stats_options *stats, const char *arg,
			struct argp_state *state)
{
	stats->watch_ns = WATCH_NS;
	if (!arg)
		return;

	/* a bare number is seconds, also one with a fraction */
	char text[UNITS_BUF];
	size_t len = strlen(arg);
	bool bare = len && strspn(arg, "0123456789.") == len;

	snprintf(text, sizeof(text), "%s%s", arg, bare ? "s" : "");
	if (len > UNITS_BUF - 2 ||
	    units_parse_time(&stats->watch_ns, text, 1) < 0 ||
	    stats->watch_ns < WATCH_MIN_NS || stats->watch_ns > WATCH_MAX_NS)
		argp_error(state, "--watch=%s: a time from 0.1 to 86400 "
			   "seconds", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct stats_options *stats = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &stats->choice;
		return 0;
	case KEY_COUNTERS:
		stats->counters = true;
		return 0;
	case KEY_NOHEADINGS:
		stats->table.noheadings = true;
		return 0;
	case KEY_RAW:
		stats->table.raw = true;
		return 0;
	case KEY_WATCH:
		parse_watch(stats, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (!target_take_pid(&stats->choice, arg))
			argp_error(state, "one process only");
		return 0;
	case ARGP_KEY_END:
		if (!target_is_chosen(&stats->choice))
			argp_error(state, "no process given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &target_argp, 0, NULL, 5 },
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID",
	.doc = "Show what uzswap does in one process.",
	.children = children,
};

static enum zctl_status print_counters(const struct client *client,
				       const struct stats_options *stats)
{
	static const struct {
		const char *name;
		const char *help;
	} counters[] = {
#define X(name, help) { #name, help },
		UZSWAP_COUNTERS(X)
#undef X
	};
	static const struct screen_column columns[] = {
		{ "COUNTER", false, false },
		{ "VALUE", true, false },
		{ "MEANING", false, false },
	};
	struct libscols_table *table = screen_table_new(columns,
					ARRAY_SIZE(columns), &stats->table);

	if (!table)
		return ZCTL_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		char value[UNITS_BUF];
		const char *texts[] = {
			counters[i].name, value, counters[i].help
		};

		snprintf(value, sizeof(value), "%" PRIu64,
			 client->snap.s.counters[i]);
		screen_table_add(table, texts, ARRAY_SIZE(texts));
	}
	screen_table_print(table);
	return ZCTL_DONE;
}

static enum zctl_status print_json(const struct client *client)
{
	json_t *document = record_document("uzswap.stats.v1");

	record_add_process(document, client);
	record_add_details(document, client);
	return record_print(document, false);
}

/* Start a screen over on a terminal; separate screens elsewhere. */
static void clear_screen(const struct stats_options *stats, bool first)
{
	if (!stats->watch_ns || zctl_options.json)
		return;
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	else if (!first)
		putchar('\n');
}

static enum zctl_status print_once(const struct client *client,
				   const struct snapshot *older,
				   const struct stats_options *stats)
{
	if (zctl_options.json)
		return print_json(client);
	if (stats->counters)
		return print_counters(client, stats);
	report_print(client, older);
	return ZCTL_DONE;
}

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	nanosleep(&pause, NULL);
}

static enum zctl_status refresh(struct client *client)
{
	char why[160];
	int ret = client_refresh(client, why, sizeof(why));

	if (ret < 0)
		zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
	return target_status(ret);
}

static enum zctl_status watch(struct client *client,
			      const struct stats_options *stats)
{
	bool needs_two = !zctl_options.json && !stats->counters &&
			 client->kind == CLIENT_PAGE;
	struct snapshot older = client->snap;
	enum zctl_status status = ZCTL_DONE;

	if (needs_two) {
		pause_ns(SAMPLE_NS);
		status = refresh(client);
	}
	for (bool first = true; status == ZCTL_DONE; first = false) {
		clear_screen(stats, first);
		status = print_once(client, &older, stats);
		if (!stats->watch_ns || status != ZCTL_DONE)
			break;
		if (fflush(stdout) == EOF)
			return ZCTL_FAILED;
		older = client->snap;
		pause_ns(stats->watch_ns);
		status = refresh(client);
	}
	if (status == ZCTL_DONE && (client->snap.torn || client->snap.adjusted))
		return ZCTL_PARTIAL;
	return status;
}

enum zctl_status cmd_stats(int argc, char **argv)
{
	struct stats_options stats = { 0 };
	struct client client = { .fd = -1 };

	argp_parse(&argp, argc, argv, 0, NULL, &stats);

	enum zctl_status status = target_open(&client, &stats.choice);

	if (status == ZCTL_DONE)
		status = watch(&client, &stats);
	client_close(&client);
	return status;
}
