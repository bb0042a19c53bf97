/* SPDX-License-Identifier: MIT */
/*
 * Processes as a table with a line of sums, or as JSON: see listing.h.
 */
#include "listing.h"

#include <stdio.h>

#include "record.h"
#include "units.h"

static void print_columns(FILE *out)
{
	fprintf(out, "Columns:\n");
	for (size_t i = 0; i < column_nr; i++)
		fprintf(out, "  %-10s %s\n", column_table[i].name,
			column_table[i].help);
	fprintf(out, "\nMANAGED = RESIDENT + STORED + UNTOUCHED");
}

char *listing_help_filter(int key, const char *text, void *input)
{
	(void)input;
	return zctl_help(key, text, print_columns);
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

static enum zctl_status print_table(const struct listing *list,
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

enum zctl_status listing_print(const struct listing *listing,
			       const struct target_list *list,
			       const struct column_row *rows)
{
	enum zctl_status status = ZCTL_DONE;

	if (zctl_options.json)
		return print_json(list, rows);
	if (list->nr)
		status = print_table(listing, rows, list->nr);
	if (!listing->table.noheadings && !listing->table.raw)
		print_sums(list);
	return status;
}
