/* SPDX-License-Identifier: MIT */
/*
 * The columns of zctl list: one table of name, meaning, text and sort key.
 *
 * --output, --sort, --help and zctl(1) all speak of these names.  A process
 * without a page (dormant, child) has "-" in every column of numbers.
 */
#ifndef UZ_TOOLS_COLUMN_H
#define UZ_TOOLS_COLUMN_H

#include <stdbool.h>
#include <stddef.h>

#include "client.h"

struct live_history;

/* What a line of the list is made from. */
struct column_row {
	const struct client *client;
	double faults_per_second;
	double cpu_percent;	/* of one processor, the library's threads */
	struct live_history *history;	/* of zctl top, else NULL */
};

struct column {
	const char *name;
	const char *help;
	bool right;
	/* write the cell; TEXT has COLUMN_TEXT bytes */
	void (*text)(char *text, size_t len, const struct column_row *row);
	/* sort by this, or by the text where it is NULL */
	double (*key)(const struct column_row *row);
};

#define COLUMN_TEXT	64	/* bytes of a cell */
#define COLUMN_MAX	32	/* columns there can be on a line */

extern const struct column column_table[];
extern const size_t column_nr;

#define COLUMN_DEFAULT	"PID,USER,COMMAND,MANAGED,RESIDENT,STORED,POOL," \
			"SAVED,RATIO,FAULT/s,P99,STATE"

/* Set the rates of ROW: from OLDER to what its client has now. */
void column_measure(struct column_row *row, const struct snapshot *older);

/* By name, any case; NULL after complaining. */
const struct column *column_find(const char *name);

/*
 * The columns named in WORDS, separated by commas.  "+WORDS" adds to the
 * default ones.  Returns how many, 0 after complaining.
 */
size_t column_parse(const struct column **columns, const char *words);

/* Sort ROWS by COLUMN, downwards if REVERSE; equal ones keep their order. */
void column_sort(struct column_row *rows, size_t nr,
		 const struct column *column, bool reverse);

#endif
