/* SPDX-License-Identifier: MIT */
/*
 * What the text screens draw with: see screen.h.
 */
#include "screen.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Blue, yellow, grey: told apart also by the colour-blind. */
#define COLOR_RESIDENT	"\033[34m"
#define COLOR_POOL	"\033[33m"
#define COLOR_SAVED	"\033[90m"
#define COLOR_NONE	"\033[m"

bool screen_has_color(void)
{
	const char *term = getenv("TERM");

	if (zctl_options.color != COLOR_AUTO)
		return zctl_options.color == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") &&
	       term && strcmp(term, "dumb") != 0;
}

static void draw(const char *color, char c, size_t nr)
{
	bool colored = nr && screen_has_color();

	if (colored)
		fputs(color, stdout);
	for (size_t i = 0; i < nr; i++)
		putchar(c);
	if (colored)
		fputs(COLOR_NONE, stdout);
}

/* Cells for PART of TOTAL in a bar of WIDTH, at most LEFT. */
static size_t cells(size_t width, uint64_t part, uint64_t total, size_t left)
{
	double share = total ? (double)part / (double)total : 0;
	size_t nr = (size_t)(share * (double)width + 0.5);

	if (part && !nr)
		nr = 1;
	return nr < left ? nr : left;
}

struct screen_cells screen_cells(size_t width, uint64_t resident,
				 uint64_t pool, uint64_t saved,
				 uint64_t total)
{
	struct screen_cells c = { .rest = width };

	c.resident = cells(width, resident, total, c.rest);
	c.rest -= c.resident;
	c.pool = cells(width, pool, total, c.rest);
	c.rest -= c.pool;
	c.saved = cells(width, saved, total, c.rest);
	c.rest -= c.saved;
	return c;
}

void screen_bar(uint64_t resident, uint64_t pool, uint64_t saved,
		uint64_t total)
{
	struct screen_cells c = screen_cells(SCREEN_BAR, resident, pool, saved,
					     total);

	putchar('[');
	draw(COLOR_RESIDENT, '#', c.resident);
	draw(COLOR_POOL, '=', c.pool);
	draw(COLOR_SAVED, '.', c.saved);
	draw("", ' ', c.rest);
	putchar(']');
}

struct libscols_table *screen_table_new(const struct screen_column *columns,
				size_t nr,
				const struct screen_table_options *options)
{
	struct libscols_table *table = scols_new_table();

	if (!table) {
		zctl_error("out of memory");
		return NULL;
	}
	scols_table_enable_noheadings(table, options->noheadings);
	scols_table_enable_raw(table, options->raw);
	for (size_t i = 0; i < nr; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].wide ? SCOLS_FL_TRUNC : 0);

		if (!scols_table_new_column(table, columns[i].name,
					    columns[i].wide ? 0.2 : 1,
					    flags)) {
			zctl_error("out of memory");
			scols_unref_table(table);
			return NULL;
		}
	}
	return table;
}

void screen_table_add(struct libscols_table *table,
		      const char *const *texts, size_t nr)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; line && i < nr; i++)
		scols_line_set_data(line, i, texts[i]);
}

void screen_table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
}
