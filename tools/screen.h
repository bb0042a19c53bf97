/* SPDX-License-Identifier: MIT */
/*
 * What the text screens draw with: tables, bars, colours.
 *
 * Tables are libsmartcols, as in lsblk and zramctl.  Colour is only ever a
 * second channel beside the characters # = . of a bar.
 */
#ifndef UZ_TOOLS_SCREEN_H
#define UZ_TOOLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zctl.h"

#define SCREEN_BAR	30	/* cells of a bar */

/* May colours be used on stdout? */
bool screen_has_color(void);

/* How many of the characters of a bar are what. */
struct screen_cells {
	size_t resident;
	size_t pool;
	size_t saved;
	size_t rest;
};

/* A bar of WIDTH characters for TOTAL; what is not zero has one, if it can. */
struct screen_cells screen_cells(size_t width, uint64_t resident,
				 uint64_t pool, uint64_t saved,
				 uint64_t total);

/*
 * Print "[###==..   ]" on stdout: cells in proportion to RESIDENT, POOL and
 * SAVED out of TOTAL, the rest blank.  What is not zero has a cell.
 */
void screen_bar(uint64_t resident, uint64_t pool, uint64_t saved,
		uint64_t total);

struct screen_column {
	const char *name;
	bool right;		/* numbers */
	bool wide;		/* may be cut when the terminal is narrow */
};

struct screen_table_options {
	bool noheadings;
	bool raw;		/* one blank between columns, no padding */
};

struct libscols_table;

/* A table of NR columns, or NULL after complaining. */
struct libscols_table *screen_table_new(const struct screen_column *columns,
				size_t nr,
				const struct screen_table_options *options);

/* Add a line of as many TEXTS (copied) as there are columns. */
void screen_table_add(struct libscols_table *table,
		      const char *const *texts, size_t nr);

/* Print on stdout and free. */
void screen_table_print(struct libscols_table *table);

#endif
