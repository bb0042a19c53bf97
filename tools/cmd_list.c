/* SPDX-License-Identifier: MIT */
/*
 * zctl list: all processes under uzswap, one line each.
 *
 *   target.c    look at every process in /proc
 *   (here)      look again a moment later: faults per second
 *   column.c    cells and order
 *   screen.c    the table, or record.c: JSON
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "column.h"
#include "commands.h"
#include "record.h"
#include "screen.h"
#include "target.h"
#include "units.h"

/* Between the two looks; the page is rewritten every 100 ms at most. */
#define SAMPLE_NS	200000000

struct list_options {
	const struct column *columns[COLUMN_MAX];
	size_t nr_columns;
	const struct column *sort;
	bool reverse;
	bool dormant;
	struct target_choice choice;
	struct screen_table_options table;
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
		list->nr_columns = column_parse(list->columns, arg);
		if (!list->nr_columns)
			exit(ZCTL_USAGE);
		return 0;
	case KEY_ALL:
		for (size_t i = 0; i < column_nr; i++)
			list->columns[i] = &column_table[i];
		list->nr_columns = column_nr;
		return 0;
	case KEY_NOHEADINGS:
		list->table.noheadings = true;
		return 0;
	case KEY_RAW:
		list->table.raw = true;
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

/* The column names for --help, from their table. */
static char *help_filter(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t len;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &len);
	if (!out)
		return (char *)text;
	fprintf(out, "Columns:\n");
	for (size_t i = 0; i < column_nr; i++)
		fprintf(out, "  %-10s %s\n", column_table[i].name,
			column_table[i].help);
	fprintf(out, "\nMANAGED = RESIDENT + STORED + UNTOUCHED");
	fclose(out);
	return help;
}

static const struct argp_child children[] = {
	{ &target_filter_argp, 0, NULL, 5 },
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Show all processes under uzswap.\v",
	.children = children,
	.help_filter = help_filter,
};

/* Faults per second between two copies of the page. */
static double fault_rate(const struct snapshot *old,
			 const struct snapshot *new)
{
	uint64_t before = old->s.counters[UZSWAP_COUNT_faults];
	uint64_t now = new->s.counters[UZSWAP_COUNT_faults];
	uint64_t ns = new->s.updated_ns - old->s.updated_ns;

	/* no update in between, or it began anew: nothing to tell */
	if (now <= before || new->s.updated_ns <= old->s.updated_ns)
		return 0;
	return (double)(now - before) * 1e9 / (double)ns;
}

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
		rows[i].faults_per_second = fault_rate(&first.snap,
						       &client->snap);
	}
}

/* "4 processes (+37 dormant): managed 25.3G, ..." */
static void print_sums(const struct target_list *list)
{
	char text[5][UNITS_BUF];
	uint64_t managed = 0;
	uint64_t resident = 0;
	uint64_t stored = 0;
	uint64_t pool = 0;
	size_t nr = 0;
	bool exact = zctl_options.bytes;

	for (size_t i = 0; i < list->nr; i++) {
		const struct uzswap_stats *s = &list->clients[i].snap.s;

		nr += list->clients[i].kind != CLIENT_DORMANT;
		managed = snapshot_add(managed, s->managed);
		resident = snapshot_add(resident, s->resident);
		stored = snapshot_add(stored, s->stored);
		pool = snapshot_add(pool, s->pool);
	}
	printf("%zu process%s (+%zu dormant)", nr, nr == 1 ? "" : "es",
	       list->nr_dormant);
	if (nr)
		printf(": managed %s, resident %s, stored %s in a %s pool, "
		       "saved %s",
		       units_size(text[0], UNITS_BUF, managed, exact),
		       units_size(text[1], UNITS_BUF, resident, exact),
		       units_size(text[2], UNITS_BUF, stored, exact),
		       units_size(text[3], UNITS_BUF, pool, exact),
		       units_signed_size(text[4], UNITS_BUF,
					 (int64_t)(stored - pool), exact));
	putchar('\n');
}

static enum zctl_status print_table(const struct list_options *list,
				    const struct column_row *rows, size_t nr)
{
	struct screen_column columns[COLUMN_MAX] = { 0 };
	struct libscols_table *table;

	for (size_t i = 0; i < list->nr_columns; i++) {
		columns[i].name = list->columns[i]->name;
		columns[i].right = list->columns[i]->right;
	}
	table = screen_table_new(columns, list->nr_columns, &list->table);
	if (!table)
		return ZCTL_FAILED;
	for (size_t r = 0; r < nr; r++) {
		char text[COLUMN_MAX][COLUMN_TEXT];
		const char *texts[COLUMN_MAX];

		for (size_t i = 0; i < list->nr_columns; i++) {
			list->columns[i]->text(text[i], COLUMN_TEXT,
					       &rows[r]);
			texts[i] = text[i];
		}
		screen_table_add(table, texts, list->nr_columns);
	}
	screen_table_print(table);
	return ZCTL_DONE;
}

static enum zctl_status print_json(const struct target_list *list,
				   const struct column_row *rows)
{
	json_t *document = record_document("uzswap.list.v1");
	json_t *processes = json_array();

	for (size_t i = 0; i < list->nr; i++) {
		json_t *object = json_object();

		record_add_process(object, rows[i].client);
		json_object_set_new(object, "faults_per_second",
				    record_real(rows[i].faults_per_second));
		json_array_append_new(processes, object);
	}
	json_object_set_new(document, "dormant",
			    json_integer((json_int_t)list->nr_dormant));
	json_object_set_new(document, "processes", processes);
	return record_print(document, false);
}

static enum zctl_status print_list(const struct list_options *list_options,
				   struct target_list *list)
{
	struct column_row *rows = calloc(list->nr + 1, sizeof(*rows));
	enum zctl_status status = ZCTL_DONE;

	if (!rows) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	measure(rows, list);
	if (list_options->sort)
		column_sort(rows, list->nr, list_options->sort,
			    list_options->reverse);
	if (zctl_options.json) {
		status = print_json(list, rows);
	} else {
		if (list->nr)
			status = print_table(list_options, rows, list->nr);
		if (!list_options->table.noheadings &&
		    !list_options->table.raw)
			print_sums(list);
	}
	free(rows);
	return status;
}

enum zctl_status cmd_list(int argc, char **argv)
{
	struct list_options list_options = { 0 };
	struct target_list list;

	list_options.nr_columns = column_parse(list_options.columns,
					       COLUMN_DEFAULT);
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
