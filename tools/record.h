/* SPDX-License-Identifier: MIT */
/*
 * One process as a JSON object, and the words for its state.
 *
 * Field names carry their unit, bytes are integers always, a number that
 * does not exist is null.  "uzswap.list.v1" and "uzswap.stats.v1" only ever
 * gain fields; taking one away or changing its type makes a v2.
 */
#ifndef UZ_TOOLS_RECORD_H
#define UZ_TOOLS_RECORD_H

#include <jansson.h>

#include "client.h"
#include "mappings.h"

/* "active", "dormant", ... */
const char *record_state(const struct client *client);

/* The label: UZSWAP_NAME or the command. */
const char *record_name(const struct client *client);

/* A positive number, to three decimals. */
json_t *record_real(double value);

/* {"schema": SCHEMA, "time": now} */
json_t *record_document(const char *schema);

/* What list and stats have in common: identity and sizes. */
void record_add_process(json_t *object, const struct client *client);

/* The rest of the page: limit, faults, histogram, counters. */
void record_add_details(json_t *object, const struct client *client);

/* "mappings": [...], each with its kind. */
void record_add_mappings(json_t *object, const struct mappings *mappings);

/* Print on one line, or indented, with a newline; takes the reference. */
enum zctl_status record_print(json_t *document, bool indent);

#endif
