/* SPDX-License-Identifier: MIT */
/*
 * zctl list: all processes under uzswap, one line each.
 *
 *   target.c    look at every process in /proc
 *   (here)      look again a moment later: faults per second
 *   column.c    cells and order
 *   listing.c   the table and its sums, or JSON
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "column.h"
#include "commands.h"
#include "listing.h"
#include "target.h"

/* Between the two looks; the page is rewritten every 100 ms at most. */
#define SAMPLE_NS	200000000

struct list_options {
	struct listing listing;
	const struct column *sort;
	bool reverse;
	bool dormant;
	struct target_choice choice;
};

enum {
	KEY_ALL = 512,
	KEY_NOHEADINGS,
	KEY_RAW,
	KEY_SORT,
	KEY_DORMANT
};

static const struct argp_option options[] = {
	{ "output", 'o', "COLUMNS", 0, "print these, separated by commas; "
	  "+COLUMNS adds to the default ones", 0 },
	{ "output-all", KEY_ALL, NULL, 0, "print all columns", 0 },
	{ "noheadings", KEY_NOHEADINGS, NULL, 0,
	  "no line of names, no line of sums", 0 },
	{ "raw", KEY_RAW, NULL, 0, "one blank between columns", 0 },
	{ "sort", KEY_SORT, "COLUMN", 0, "-COLUMN for the largest first", 0 },
	{ "dormant", KEY_DORMANT, NULL, 0,
	  "also processes too small to be managed", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct list_options *list = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &list->choice;
		return 0;
	case 'o':
		list->listing.nr_columns =
			column_parse(list->listing.columns, arg);
		if (!list->listing.nr_columns)
			exit(ZCTL_USAGE);
		return 0;
	case KEY_ALL:
		for (size_t i = 0; i < column_nr; i++)
			list->listing.columns[i] = &column_table[i];
		list->listing.nr_columns = column_nr;
		return 0;
	case KEY_NOHEADINGS:
		list->listing.table.noheadings = true;
		return 0;
	case KEY_RAW:
		list->listing.table.raw = true;
		return 0;
	case KEY_SORT:
		list->reverse = *arg == '-';
		list->sort = column_find(arg + list->reverse);
		if (!list->sort)
			exit(ZCTL_USAGE);
		return 0;
	case KEY_DORMANT:
		list->dormant = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Show all processes under uzswap.\v",
	.children = target_filter_children,
	.help_filter = listing_help_filter,
};

/* Look at all again; those gone meanwhile keep their first numbers. */
static void measure(struct column_row *rows, struct target_list *list)
{
	const struct timespec pause = { .tv_nsec = SAMPLE_NS };
	char why[160];

	if (list->nr)
		nanosleep(&pause, NULL);
	for (size_t i = 0; i < list->nr; i++) {
		struct client *client = &list->clients[i];
		struct client first = *client;

		rows[i].client = client;
		if (client->kind != CLIENT_PAGE)
			continue;
		if (client_refresh(client, why, sizeof(why)) < 0)
			*client = first;
		column_measure(&rows[i], &first.snap);
	}
}

static enum zctl_status print_list(const struct list_options *list_options,
				   struct target_list *list)
{
	struct column_row *rows = calloc(list->nr + 1, sizeof(*rows));
	enum zctl_status status;

	if (!rows) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	measure(rows, list);
	if (list_options->sort)
		column_sort(rows, list->nr, list_options->sort,
			    list_options->reverse);
	status = listing_print(&list_options->listing, list, rows);
	free(rows);
	return status;
}

enum zctl_status cmd_list(int argc, char **argv)
{
	struct list_options list_options = { 0 };
	struct target_list list;

	list_options.listing.nr_columns =
		column_parse(list_options.listing.columns, COLUMN_DEFAULT);
	argp_parse(&argp, argc, argv, 0, NULL, &list_options);

	enum zctl_status looked = target_list_open(&list,
						   &list_options.choice,
						   list_options.dormant);

	if (looked != ZCTL_DONE && looked != ZCTL_PARTIAL)
		return looked;

	enum zctl_status printed = print_list(&list_options, &list);

	target_list_close(&list);
	return printed == ZCTL_DONE ? looked : printed;
}
