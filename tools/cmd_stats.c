/* SPDX-License-Identifier: MIT */
/*
 * zctl stats: one process or several, once or again and again.
 *
 *   report.c     the screen, or record.c: JSON
 *   pool_table.c --pool
 *   mappings.c   --vmas, and what is left out: by the word of the kernel
 *   (here)       options, and time
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
#include "mappings.h"
#include "option_page.h"
#include "pool_table.h"
#include "record.h"
#include "report.h"
#include "screen.h"
#include "target.h"
#include "units.h"

#define NS_PER_S	1000000000ull
#define SAMPLE_NS	200000000ull	/* two updates of the page */
#define WATCH_NS	(2 * NS_PER_S)
#define WATCH_MIN_NS	10000000ull	/* pages are rewritten every 100 ms */
#define WATCH_MAX_NS	(86400 * NS_PER_S)

struct stats_options {
	struct target_choice choice;
	bool counters;
	bool vmas;
	bool reset;
	bool pool;
	uint64_t watch_ns;	/* 0: once */
	struct screen_table_options table;
};

enum {
	KEY_COUNTERS = 512,
	KEY_VMAS,
	KEY_RESET,
	KEY_POOL,
	KEY_NOHEADINGS,
	KEY_RAW,
	KEY_WATCH
};

static const struct argp_option options[] = {
	{ "counters", KEY_COUNTERS, NULL, 0,
	  "all counters and their meaning", 0 },
	{ "vmas", KEY_VMAS, NULL, 0,
	  "all mappings, and why they are managed or not", 0 },
	{ "reset", KEY_RESET, NULL, 0,
	  "with --watch: count from now on", 0 },
	{ "pool", KEY_POOL, NULL, 0,
	  "what is in the pool: by codec, by size, by class", 0 },
	{ "noheadings", KEY_NOHEADINGS, NULL, 0,
	  "with --counters, --vmas, --pool: no line of names", 0 },
	{ "raw", KEY_RAW, NULL, 0,
	  "with --counters, --vmas, --pool: one blank between columns", 0 },
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

	if (units_parse_seconds(&stats->watch_ns, arg) < 0 ||
	    stats->watch_ns < WATCH_MIN_NS || stats->watch_ns > WATCH_MAX_NS)
		argp_error(state, "--watch=%s: a time from 0.01 to 86400 "
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
	case KEY_VMAS:
		stats->vmas = true;
		return 0;
	case KEY_RESET:
		stats->reset = true;
		return 0;
	case KEY_POOL:
		stats->pool = true;
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
	case ARGP_KEY_END:
		if (!target_is_chosen(&stats->choice))
			argp_error(state, "no process given");
		if (stats->counters + stats->vmas + stats->pool > 1)
			argp_error(state, "one of --counters, --vmas, --pool");
		if (stats->reset && !stats->watch_ns)
			argp_error(state, "--reset is for --watch");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID",
	.doc = "Show what uzswap does in one process.",
	.children = target_children,
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

static void print_vma(struct libscols_table *table, const struct mapping *m)
{
	uint64_t away = m->size - m->resident;
	char text[4][UNITS_BUF];
	const char *texts[] = {
		text[0], text[1], text[2], text[3],
		mappings_kind_words(m->kind), m->name[0] ? m->name : "anon"
	};

	snprintf(text[0], UNITS_BUF, "%" PRIx64, m->start);
	units_size(text[1], UNITS_BUF, m->size, zctl_options.bytes);
	units_size(text[2], UNITS_BUF, m->resident, zctl_options.bytes);
	units_size(text[3], UNITS_BUF, away, zctl_options.bytes);
	screen_table_add(table, texts, ARRAY_SIZE(texts));
}

static enum zctl_status print_vmas(const struct client *client,
				   const struct mappings *mappings,
				   const struct stats_options *stats)
{
	static const struct screen_column columns[] = {
		{ "START", true, false },
		{ "SIZE", true, false },
		{ "RESIDENT", true, false },
		{ "AWAY", true, false },
		{ "WHY", false, false },
		{ "NAME", false, true },
	};
	struct libscols_table *table;

	if (zctl_options.json) {
		json_t *document = record_document("uzswap.vmas.v1");

		record_add_process(document, client);
		record_add_mappings(document, mappings);
		return record_print(document, false);
	}
	table = screen_table_new(columns, ARRAY_SIZE(columns), &stats->table);
	if (!table)
		return ZCTL_FAILED;
	for (size_t i = 0; i < mappings->nr; i++)
		print_vma(table, &mappings->all[i]);
	screen_table_print(table);
	return ZCTL_DONE;
}

static enum zctl_status show_vmas(const struct client *client,
				  const struct stats_options *stats)
{
	struct mappings mappings;
	int ret = mappings_read(&mappings, client->pid);
	enum zctl_status status;

	if (ret < 0) {
		zctl_error("%s (pid %d): cannot read its mappings: %s",
			   client->comm, client->pid, strerror(-ret));
		return target_status(ret);
	}
	status = print_vmas(client, &mappings, stats);
	mappings_free(&mappings);
	return status;
}

static enum zctl_status show_pool(const struct client *client,
				  const struct stats_options *stats)
{
	struct uzswap_pool pool;
	json_t *document;

	if (client->kind != CLIENT_PAGE || pool_table_read(&pool, client->fd)) {
		zctl_error("%s (pid %d): nothing is known of its pool",
			   client->comm, client->pid);
		return ZCTL_FAILED;
	}
	if (!zctl_options.json)
		return pool_table_print(client, &pool, &stats->table);
	document = record_document("uzswap.pool.v1");
	record_add_process(document, client);
	pool_table_add(document, &pool);
	return record_print(document, false);
}

static enum zctl_status print_json(const struct client *client)
{
	json_t *document = record_document("uzswap.stats.v1");
	struct option_page page;

	record_add_process(document, client);
	record_add_details(document, client);
	if (client->kind == CLIENT_PAGE &&
	    option_page_read(&page, client->fd) == 0)
		json_object_set_new(document, "options",
				    option_page_json(&page, NULL));
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

/*
 * What is left out, for the notes.  The kernel holds up the process's own
 * calls of mmap while it lists mappings, so this is done once and not again
 * with every screen.
 */
static void find_skipped(char *text, size_t len, const struct client *client)
{
	struct mappings mappings;

	*text = 0;
	if (client->kind != CLIENT_PAGE ||
	    mappings_read(&mappings, client->pid) < 0)
		return;
	mappings_skipped(text, len, &mappings);
	mappings_free(&mappings);
}

static enum zctl_status print_once(const struct client *client,
				   const struct snapshot *older,
				   const char *skipped,
				   const struct stats_options *stats)
{
	if (stats->vmas)
		return show_vmas(client, stats);
	if (stats->pool)
		return show_pool(client, stats);
	if (zctl_options.json)
		return print_json(client);
	if (stats->counters)
		return print_counters(client, stats);
	report_print(client, older, skipped);
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

/* One of the processes, and what its screen needs from before. */
struct watched {
	struct client *client;
	struct snapshot older;
	struct snapshot base;	/* what is not counted, with --reset */
	char skipped[160];
	bool gone;
};

static void subtract(uint64_t *from, const uint64_t *base, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		from[i] = from[i] > base[i] ? from[i] - base[i] : 0;
}

/* Only here: the counters of the process are nobody's to change. */
static void count_from(struct watched *w)
{
	struct uzswap_stats *s = &w->client->snap.s;

	subtract(s->counters, w->base.s.counters, UZSWAP_NR_COUNTERS);
	subtract(s->fault_us, w->base.s.fault_us, UZSWAP_NR_BUCKETS);
}

static enum zctl_status refresh(struct watched *w)
{
	struct client *client = w->client;
	char why[160];
	int ret;

	if (w->gone)
		return ZCTL_DONE;
	ret = client_refresh(client, why, sizeof(why));
	if (ret < 0) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
		w->gone = true;
	} else {
		count_from(w);
	}
	return target_status(ret);
}

static enum zctl_status refresh_all(struct watched *all, size_t nr)
{
	enum zctl_status status = ZCTL_DONE;

	for (size_t i = 0; i < nr; i++)
		status = target_worse(status, refresh(&all[i]));
	return status;
}

static enum zctl_status print_all(struct watched *all, size_t nr,
				  const struct stats_options *stats)
{
	enum zctl_status status = ZCTL_DONE;

	for (size_t i = 0; i < nr; i++) {
		const struct snapshot *snap = &all[i].client->snap;

		if (all[i].gone)
			continue;
		if (i && !zctl_options.json)
			putchar('\n');
		status = target_worse(status, print_once(all[i].client,
						  &all[i].older,
						  all[i].skipped, stats));
		if (snap->torn || snap->adjusted)
			status = target_worse(status, ZCTL_PARTIAL);
		all[i].older = *snap;
	}
	return fflush(stdout) == EOF ? ZCTL_FAILED : status;
}

static bool all_gone(const struct watched *all, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!all[i].gone)
			return false;
	return true;
}

static enum zctl_status watch(struct watched *all, size_t nr,
			      const struct stats_options *stats)
{
	bool is_screen = !zctl_options.json && !stats->counters &&
			 !stats->vmas && !stats->pool;
	enum zctl_status status = ZCTL_DONE;

	for (size_t i = 0; i < nr; i++) {
		if (stats->reset) {
			all[i].base = all[i].client->snap;
			count_from(&all[i]);
		}
		all[i].older = all[i].client->snap;
		if (is_screen)
			find_skipped(all[i].skipped, sizeof(all[i].skipped),
				     all[i].client);
	}
	if (is_screen) {
		pause_ns(SAMPLE_NS);
		status = refresh_all(all, nr);
	}
	for (bool first = true; !all_gone(all, nr); first = false) {
		clear_screen(stats, first);
		status = target_worse(status, print_all(all, nr, stats));
		if (!stats->watch_ns || status == ZCTL_FAILED)
			break;
		pause_ns(stats->watch_ns);
		status = target_worse(status, refresh_all(all, nr));
	}
	return status;
}

enum zctl_status cmd_stats(int argc, char **argv)
{
	struct stats_options stats = { 0 };
	struct target_list list;
	struct watched *all;
	enum zctl_status looked;
	enum zctl_status status;

	argp_parse(&argp, argc, argv, 0, NULL, &stats);
	looked = target_list_open(&list, &stats.choice, true);
	if (looked != ZCTL_DONE && looked != ZCTL_PARTIAL)
		return looked;
	all = calloc(list.nr + 1, sizeof(*all));
	if (!all) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	for (size_t i = 0; i < list.nr; i++)
		all[i].client = &list.clients[i];
	status = target_worse(watch(all, list.nr, &stats), looked);
	free(all);
	target_list_close(&list);
	return status;
}
