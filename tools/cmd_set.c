/* SPDX-License-Identifier: MIT */
/*
 * zctl set: options of a running process, shown and changed.
 *
 * What was given is checked against this zctl's own table first, so that a
 * slip of the pen is told with what was meant; the process checks it again
 * against its own, and takes all of it or nothing.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "option_page.h"
#include "record.h"
#include "screen.h"
#include "setting.h"
#include "target.h"
#include "units.h"

#define MOST	UZSWAP_NR_OPTIONS

struct set_options {
	struct target_choice choice;
	struct setting settings[MOST];	/* KEY=VALUE */
	size_t nr_settings;
	const char *keys[MOST];		/* KEY, to be shown */
	size_t nr_keys;
	char text[UZSWAP_CTL_TEXT];	/* the settings, as they are sent */
	size_t text_len;
	struct screen_table_options table;
};

enum { KEY_NOHEADINGS = 512, KEY_RAW };

static const struct argp_option options[] = {
	{ "noheadings", KEY_NOHEADINGS, NULL, 0, "no line of names", 0 },
	{ "raw", KEY_RAW, NULL, 0, "one blank between columns", 0 },
	{ 0 }
};

/* KEY=VALUE, or KEY alone. */
static void take_word(struct set_options *set, char *arg,
		      struct argp_state *state)
{
	char *value = strchr(arg, '=');
	struct setting *s = &set->settings[set->nr_settings];
	char why[SETTING_WHY];

	if (set->nr_settings == MOST || set->nr_keys == MOST)
		argp_error(state, "too many options at once");
	if (!value) {
		set->keys[set->nr_keys++] = arg;
		return;
	}
	*value++ = 0;
	if (setting_parse(s, arg, value, why, sizeof(why)) < 0)
		argp_error(state, "%s: %s", arg, why);
	if (s->row->when != UZSWAP_NOW)
		argp_error(state, "%s: takes effect at the start only (zctl "
			   "run --set)", arg);
	set->nr_settings++;

	int n = snprintf(set->text + set->text_len,
			 sizeof(set->text) - set->text_len, "%s=%s",
			 s->row->name, s->value);

	if (n < 0 || (size_t)n >= sizeof(set->text) - set->text_len)
		argp_error(state, "too much at once");
	set->text_len += (size_t)n + 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct set_options *set = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &set->choice;
		return 0;
	case KEY_NOHEADINGS:
		set->table.noheadings = true;
		return 0;
	case KEY_RAW:
		set->table.raw = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!strchr(arg, '=') && !target_is_chosen(&set->choice))
			return ARGP_ERR_UNKNOWN;
		take_word(set, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID [KEY[=VALUE]]...",
	.doc = "Change options of a running process: all that are given, or "
	       "none.  Without KEY=VALUE show them.",
	.children = target_children,
};

static enum zctl_status read_page(struct option_page *page,
				  const struct client *client)
{
	if (client->kind == CLIENT_PAGE &&
	    option_page_read(page, client->fd) == 0)
		return ZCTL_DONE;
	zctl_error("%s (pid %d): nothing is known of its options",
		   client->comm, client->pid);
	return ZCTL_FAILED;
}

/* --- showing ------------------------------------------------------------- */

static enum zctl_status check_keys(const struct set_options *set,
				   const struct option_page *page)
{
	for (size_t i = 0; i < set->nr_keys; i++) {
		const char *names[UZSWAP_CTL_OPTIONS];
		const char *near;

		if (option_page_find(page, set->keys[i]))
			continue;
		for (size_t n = 0; n < page->nr; n++)
			names[n] = page->rows[n].name;
		near = zctl_suggest(set->keys[i], names, page->nr);
		zctl_error("unknown option '%s'%s%s%s", set->keys[i],
			   near ? ", did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
		return ZCTL_USAGE;
	}
	return ZCTL_DONE;
}

static bool is_shown(const struct set_options *set, const char *name)
{
	for (size_t i = 0; i < set->nr_keys; i++)
		if (setting_same_key(name, set->keys[i]))
			return true;
	return !set->nr_keys;
}

static enum zctl_status print_table(const struct set_options *set,
				    const struct option_page *page)
{
	static const struct screen_column columns[] = {
		{ "KEY", false, false },
		{ "VALUE", true, false },
		{ "DEFAULT", true, false },
		{ "ORIGIN", false, false },
		{ "WHEN", false, false },
		{ "MEANING", false, true },
	};
	struct libscols_table *table =
		screen_table_new(columns, ARRAY_SIZE(columns), &set->table);

	if (!table)
		return ZCTL_FAILED;
	for (size_t i = 0; i < page->nr; i++) {
		const struct uzswap_ctl_option *row = &page->rows[i];
		const struct uzswap_option_row *known = setting_row(row->name);
		const char *texts[] = {
			row->name,
			row->value[0] ? row->value : "-",
			known && known->initial[0] ? known->initial : "-",
			option_page_origin(row),
			row->when == UZSWAP_NOW ? "now" : "start",
			known ? known->help : "",
		};

		if (is_shown(set, row->name))
			screen_table_add(table, texts, ARRAY_SIZE(texts));
	}
	screen_table_print(table);
	return ZCTL_DONE;
}

static enum zctl_status show(struct client *client,
			     const struct set_options *set)
{
	struct option_page page;
	enum zctl_status status = read_page(&page, client);
	json_t *document;

	if (status == ZCTL_DONE)
		status = check_keys(set, &page);
	if (status != ZCTL_DONE)
		return status;
	if (!zctl_options.json)
		return print_table(set, &page);
	document = record_document("uzswap.set.v1");
	record_add_process(document, client);
	json_object_set_new(document, "options",
			    option_page_json(&page, set->nr_keys == 1
					     ? set->keys[0] : NULL));
	return record_print(document, false);
}

/* --- changing ------------------------------------------------------------ */

/* Bytes that are above the limit that S sets. */
static uint64_t bytes_above(const struct client *client,
			    const struct setting *s)
{
	const struct uzswap_stats *stats = &client->snap.s;
	uint64_t used = stats->resident + stats->pool;
	uint64_t limit;

	if (strcmp(s->row->name, "limit") != 0 ||
	    units_parse_u64(&limit, s->value) < 0 || !limit || used <= limit)
		return 0;
	return used - limit;
}

/*
 * What a lower limit means.  What leaves takes some of the room again, for the
 * pool: so more than is above it has to.
 */
struct effect {
	uint64_t leaves;	/* bytes; 0 unknown */
	uint64_t ns;		/* which takes so long */
};

/* Ask for an estimate; nothing is said if there is none. */
static void estimate(struct effect *out, const struct client *client,
		     const struct set_options *set)
{
	const struct ask request = { .kind = UZSWAP_CTL_estimate };
	const uint64_t *n;
	struct ask_answer answer;
	uint64_t above = 0;
	double saved;
	char why[160];

	*out = (struct effect){ 0 };
	for (size_t i = 0; i < set->nr_settings && !above; i++)
		above = bytes_above(client, &set->settings[i]);
	if (!above || zctl_options.json || zctl_options.quiet ||
	    ask(client, &request, &answer, why, sizeof(why)) < 0 || answer.err)
		return;
	n = answer.numbers;
	saved = (double)n[UZSWAP_ESTIMATE_EVICTED] -
		(double)n[UZSWAP_ESTIMATE_POOL];
	if (saved <= 0 || (double)above > saved)
		return;
	out->leaves = (uint64_t)((double)above / saved *
				 (double)n[UZSWAP_ESTIMATE_EVICTED]);
	out->ns = (uint64_t)((double)above / saved *
			     (double)n[UZSWAP_ESTIMATE_NS]);
}

/* "   (3.9G resident: about 900.0M will be evicted, est. 6s)" */
static void print_effect(const struct client *client, const struct setting *s,
			 const struct effect *effect)
{
	uint64_t above = bytes_above(client, s);
	char text[2][UNITS_BUF];

	if (!above)
		return;
	printf("   (%s resident: ",
	       zctl_size(text[0], client->snap.s.resident));
	if (effect->leaves)
		printf("about %s will be evicted, est. %s)",
		       zctl_size(text[0], effect->leaves),
		       units_duration(text[1], UNITS_BUF, effect->ns));
	else
		printf("with its pool %s too much)",
		       zctl_size(text[0], above));
}

static void print_changes(const struct set_options *set,
			  const struct client *client,
			  const struct option_page *before,
			  const struct option_page *after,
			  const struct effect *effect)
{
	for (size_t i = 0; i < set->nr_settings; i++) {
		const char *name = set->settings[i].row->name;
		const struct uzswap_ctl_option *was =
			option_page_find(before, name);
		const struct uzswap_ctl_option *is =
			option_page_find(after, name);

		if (!is || !was)
			continue;
		printf("%s %s -> %s", name, was->value[0] ? was->value : "-",
		       is->value[0] ? is->value : "-");
		print_effect(client, &set->settings[i], effect);
		putchar('\n');
	}
}

static enum zctl_status print_set(const struct set_options *set,
				  const struct client *client,
				  const struct option_page *before,
				  const struct effect *effect)
{
	struct option_page after;
	enum zctl_status status = read_page(&after, client);
	json_t *document;

	if (status != ZCTL_DONE)
		return status;
	if (!zctl_options.json) {
		if (!zctl_options.quiet)
			print_changes(set, client, before, &after, effect);
		return ZCTL_DONE;
	}
	document = record_document("uzswap.set.v1");
	record_add_process(document, client);
	json_object_set_new(document, "options",
			    option_page_json(&after, NULL));
	return record_print(document, false);
}

static enum zctl_status change(struct client *client,
			       const struct set_options *set)
{
	const struct ask request = {
		.kind = UZSWAP_CTL_set,
		.text = set->text,
		.text_len = set->text_len,
	};
	struct option_page before = { 0 };
	struct ask_answer answer;
	struct effect effect;
	enum zctl_status status;

	estimate(&effect, client, set);
	if (client->kind == CLIENT_PAGE &&
	    option_page_read(&before, client->fd) < 0)
		before.nr = 0;
	status = ask_for(client, &request, &answer);
	if (status != ZCTL_DONE)
		return status;
	if (answer.err) {
		zctl_error("%s (pid %d): nothing changed: %s", client->comm,
			   client->pid, answer.text[0]
			   ? answer.text : strerror(-answer.err));
		return ZCTL_FAILED;
	}
	return print_set(set, client, &before, &effect);
}

static enum zctl_status set_one(struct client *client, void *ctx)
{
	const struct set_options *set = ctx;

	return set->nr_settings ? change(client, set) : show(client, set);
}

enum zctl_status cmd_set(int argc, char **argv)
{
	static struct set_options set;

	argp_parse(&argp, argc, argv, 0, NULL, &set);
	if (set.nr_settings && set.nr_keys) {
		zctl_error("%s: is not KEY=VALUE", set.keys[0]);
		return ZCTL_USAGE;
	}
	return target_each(&set.choice, set_one, &set);
}
