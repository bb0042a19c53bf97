/* SPDX-License-Identifier: MIT */
/*
 * Processes as a table with a line of sums, or as JSON: what zctl list
 * prints once, and zctl top in batch mode again and again.
 */
#ifndef UZ_TOOLS_LISTING_H
#define UZ_TOOLS_LISTING_H

#include "column.h"
#include "screen.h"
#include "target.h"

struct listing {
	const struct column *columns[COLUMN_MAX];
	size_t nr_columns;
	struct screen_table_options table;
};

/* Print ROWS, one for each process in LIST. */
enum zctl_status listing_print(const struct listing *listing,
			       const struct target_list *list,
			       const struct column_row *rows);

/* For argp: the names of the columns, after the options. */
char *listing_help_filter(int key, const char *text, void *input);

#endif
