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
#include "profile_heat.h"
#include "profile_page_html.h"

#define COLUMNS	128	/* of the heat map */

/* The heat map: rows of letters, and what is at the columns. */
static json_t *heat_of(const struct profile *p)
{
	struct profile_heat_map map;
	json_t *heat = json_object();
	json_t *rows = json_array();
	json_t *at = json_array();

	if (profile_heat_make(&map, p, COLUMNS))
		map.nr = 0;
	for (size_t c = 0; map.nr && c < COLUMNS; c++) {
		char addr[32];

		snprintf(addr, sizeof(addr), "%llx", (unsigned long long)
			 profile_heat_addr(&map, c));
		json_array_append_new(at, json_string(addr));
	}
	for (size_t r = 0; map.nr && r < p->nr_rows; r++) {
		char cells[COLUMNS + 1] = "";

		for (size_t c = 0; c < COLUMNS; c++)
			cells[c] = profile_heat_at(&map, r, c);
		json_array_append_new(rows, json_pack("{s:I, s:s}", "at_ms",
				(json_int_t)p->rows[r].at_ms, "cells", cells));
	}
	profile_heat_free(&map);
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
