/* SPDX-License-Identifier: MIT */
/*
 * The report: one HTML file that needs nothing else, neither network nor
 * library.  The sums and rows are put in as JSON; the page draws them.
 *
 * Names come from the program and may be anything: in JSON "<" is written
 * \u003c, so that none ends the script, and the page sets texts, never HTML.
 * A policy in the page forbids every load.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile_export.h"
#include "profile_page_html.h"

#define COLUMNS	128	/* of the heat map */

static const struct profile *sorted;	/* for by_address() */

static int by_address(const void *a, const void *b)
{
	uint64_t x = sorted->points[*(const uint32_t *)a].addr;
	uint64_t y = sorted->points[*(const uint32_t *)b].addr;

	return x < y ? -1 : x > y;
}

/* 0..9, '.' mostly stored, ' ' nothing there. */
static char cell_of(const char *heat, const uint32_t *order, size_t from,
		    size_t to)
{
	unsigned n = 0;
	unsigned used = 0;
	unsigned stored = 0;

	for (size_t i = from; i < to; i++) {
		char c = heat[order[i]];

		n += c != ' ';
		used += c == '9';
		stored += c == '.';
	}
	if (!n)
		return ' ';
	return stored > n / 2 ? '.' : (char)('0' + used * 9 / n);
}

/* The heat map: rows of letters, and what is at the columns. */
static json_t *heat_of(const struct profile *p)
{
	uint32_t *order = calloc(p->nr_points + 1, sizeof(*order));
	json_t *heat = json_object();
	json_t *rows = json_array();
	json_t *at = json_array();
	size_t nr = 0;

	for (uint32_t i = 0; order && i < p->nr_points; i++)
		if (p->points[i].cell)
			order[nr++] = i;
	sorted = p;
	if (order)
		qsort(order, nr, sizeof(*order), by_address);
	for (size_t c = 0; nr && c < COLUMNS; c++) {
		char addr[32];

		snprintf(addr, sizeof(addr), "%llx", (unsigned long long)
			 p->points[order[nr * c / COLUMNS]].addr);
		json_array_append_new(at, json_string(addr));
	}
	for (size_t r = 0; nr && r < p->nr_rows; r++) {
		char cells[COLUMNS + 1] = "";

		for (size_t c = 0; c < COLUMNS; c++) {
			size_t from = nr * c / COLUMNS;
			size_t to = nr * (c + 1) / COLUMNS;

			cells[c] = cell_of(p->rows[r].heat, order, from,
					   to > from ? to : from + 1);
		}
		json_array_append_new(rows, json_pack("{s:I, s:s}", "at_ms",
				(json_int_t)p->rows[r].at_ms, "cells", cells));
	}
	free(order);
	json_object_set_new(heat, "rows", rows);
	json_object_set_new(heat, "at", at);
	return heat;
}

static void put_json(const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("\\u003c", stdout);
		else
			putchar(*text);
	}
}

enum zctl_status profile_html(const struct profile *p,
			      const struct profile_sum *sum,
			      uint64_t cold_ms)
{
	json_t *data = profile_summary(p, sum, cold_ms);
	json_t *packed = json_array();
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(sum->packed); i++)
		json_array_append_new(packed, json_real(sum->packed[i]));
	json_object_set_new(data, "packed", packed);
	json_object_set_new(data, "heat", heat_of(p));
	text = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(data);
	if (!text) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	for (const char *const *part = profile_page_head; *part; part++)
		fputs(*part, stdout);
	put_json(text);
	for (const char *const *part = profile_page_tail; *part; part++)
		fputs(*part, stdout);
	free(text);
	return ZCTL_DONE;
}
