/* SPDX-License-Identifier: MIT */
/*
 * The columns of zctl list: see column.h.
 */
#include "column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "record.h"
#include "units.h"

static bool has_page(const struct column_row *row)
{
	return row->client->kind == CLIENT_PAGE;
}

static const struct uzswap_stats *page(const struct column_row *row)
{
	return &row->client->snap.s;
}

static void text_none(char *text, size_t len)
{
	snprintf(text, len, "-");
}

static void text_pid(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%d", row->client->pid);
}

static double key_pid(const struct column_row *row)
{
	return row->client->pid;
}

static void text_user(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%s", row->client->user);
}

static void text_command(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%s", row->client->comm);
}

static void text_name(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%s", record_name(row->client));
}

static void text_state(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%s", record_state(row->client));
}

/* A size straight out of the page. */
#define SIZE_COLUMN(field)						\
static void text_##field(char *text, size_t len,			\
			 const struct column_row *row)			\
{									\
	if (has_page(row))						\
		units_size(text, len, page(row)->field,			\
			   zctl_options.bytes);				\
	else								\
		text_none(text, len);					\
}									\
									\
static double key_##field(const struct column_row *row)			\
{									\
	return (double)page(row)->field;				\
}

SIZE_COLUMN(managed)
SIZE_COLUMN(resident)
SIZE_COLUMN(stored)
SIZE_COLUMN(untouched)
SIZE_COLUMN(pool)
SIZE_COLUMN(disk)
SIZE_COLUMN(usage)

static void text_limit(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row) && page(row)->limit)
		units_size(text, len, page(row)->limit, zctl_options.bytes);
	else
		text_none(text, len);
}

static double key_limit(const struct column_row *row)
{
	return (double)page(row)->limit;
}

static void text_saved(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row))
		units_signed_size(text, len,
				  snapshot_saved(&row->client->snap),
				  zctl_options.bytes);
	else
		text_none(text, len);
}

static double key_saved(const struct column_row *row)
{
	return (double)snapshot_saved(&row->client->snap);
}

static double key_ratio(const struct column_row *row)
{
	return snapshot_ratio(&row->client->snap);
}

static void text_ratio(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row) && page(row)->stored > page(row)->disk)
		snprintf(text, len, "%.2f", key_ratio(row));
	else
		text_none(text, len);
}

static double key_faults(const struct column_row *row)
{
	return row->faults_per_second;
}

static void text_faults(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row))
		snprintf(text, len, "%.0f", row->faults_per_second);
	else
		text_none(text, len);
}

static double key_cpu(const struct column_row *row)
{
	return row->cpu_percent;
}

static void text_cpu(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row))
		snprintf(text, len, "%.1f", row->cpu_percent);
	else
		text_none(text, len);
}

static double key_p99(const struct column_row *row)
{
	return snapshot_fault_us(&row->client->snap, .99);
}

static void text_p99(char *text, size_t len, const struct column_row *row)
{
	if (has_page(row) && snapshot_nr_timed(&row->client->snap))
		units_latency(text, len, key_p99(row));
	else
		text_none(text, len);
}

static double key_up(const struct column_row *row)
{
	const struct snapshot *snap = &row->client->snap;

	return (double)(snap->taken_ns - snap->s.started_ns);
}

static void text_up(char *text, size_t len, const struct column_row *row)
{
	const struct snapshot *snap = &row->client->snap;

	if (has_page(row))
		units_duration(text, len, snap->taken_ns - snap->s.started_ns);
	else
		text_none(text, len);
}

static void text_engine(char *text, size_t len, const struct column_row *row)
{
	snprintf(text, len, "%s", has_page(row) && page(row)->engine[0] ?
		 page(row)->engine : "-");
}

const struct column column_table[] = {
	{ "PID", "process id", true, text_pid, key_pid },
	{ "USER", "effective user", false, text_user, NULL },
	{ "COMMAND", "command name", false, text_command, NULL },
	{ "NAME", "label given with --name, or the command", false,
	  text_name, NULL },
	{ "MANAGED", "private memory looked after (virtual)", true,
	  text_managed, key_managed },
	{ "RESIDENT", "part of MANAGED that is ordinary RAM", true,
	  text_resident, key_resident },
	{ "STORED", "part of MANAGED evicted, uncompressed size", true,
	  text_stored, key_stored },
	{ "UNTOUCHED", "part of MANAGED never written", true,
	  text_untouched, key_untouched },
	{ "POOL", "RAM holding STORED, with all overhead", true, text_pool,
	  key_pool },
	{ "DISK", "part of STORED in the swap file", true, text_disk,
	  key_disk },
	{ "SAVED", "STORED - POOL", true, text_saved, key_saved },
	{ "RATIO", "(STORED - DISK) / POOL", true, text_ratio, key_ratio },
	{ "FAULT/s", "page faults answered per second", true, text_faults,
	  key_faults },
	{ "P99", "99 of 100 faults were answered within", true, text_p99,
	  key_p99 },
	{ "CPU%", "of one processor, used by the library's threads", true,
	  text_cpu, key_cpu },
	{ "LIMIT", "the memory limit that binds", true, text_limit,
	  key_limit },
	{ "USAGE", "what counts against LIMIT now", true, text_usage,
	  key_usage },
	{ "UP", "time since compression began", true, text_up, key_up },
	{ "ENGINE", "how pages leave: move or wp", false, text_engine, NULL },
	{ "STATE", "dormant active paused off degraded child", false,
	  text_state, NULL },
};

const size_t column_nr = ARRAY_SIZE(column_table);

_Static_assert(ARRAY_SIZE(column_table) <= COLUMN_MAX, "a line holds all");

/* What COUNTER gained, per second of NS; 0 when it began anew. */
static double per_second(const struct snapshot *old,
			 const struct snapshot *new,
			 enum uzswap_counter counter)
{
	uint64_t before = old->s.counters[counter];
	uint64_t now = new->s.counters[counter];

	if (now <= before || new->s.updated_ns <= old->s.updated_ns)
		return 0;
	return (double)(now - before) * 1e9 /
	       (double)(new->s.updated_ns - old->s.updated_ns);
}

void column_measure(struct column_row *row, const struct snapshot *older)
{
	const struct snapshot *now = &row->client->snap;
	double cpu_ns;

	/* no update in between: nothing new to tell */
	if (now->s.updated_ns == older->s.updated_ns)
		return;
	row->faults_per_second = per_second(older, now, UZSWAP_COUNT_faults);
	cpu_ns = per_second(older, now, UZSWAP_COUNT_server_cpu_ns) +
		 per_second(older, now, UZSWAP_COUNT_worker_cpu_ns);
	row->cpu_percent = cpu_ns / 1e7;
}

const struct column *column_find(const char *name)
{
	const char *names[COLUMN_MAX];
	char upper[32];
	size_t n = 0;

	for (size_t i = 0; i < column_nr; i++) {
		if (strcasecmp(column_table[i].name, name) == 0)
			return &column_table[i];
		names[i] = column_table[i].name;
	}
	for (; name[n] && n < sizeof(upper) - 1; n++)
		upper[n] = name[n] >= 'a' && name[n] <= 'z' ?
			   (char)(name[n] - 'a' + 'A') : name[n];
	upper[n] = 0;

	const char *near = zctl_suggest(upper, names, column_nr);

	if (near)
		zctl_error("unknown column '%s', did you mean '%s'?", name,
			   near);
	else
		zctl_error("unknown column '%s', see 'zctl list --help'",
			   name);
	return NULL;
}

size_t column_parse(const struct column **columns, const char *words)
{
	char name[32];
	size_t nr = 0;

	if (*words == '+') {
		nr = column_parse(columns, COLUMN_DEFAULT);
		words++;
	}
	for (;;) {
		size_t len = strcspn(words, ",");

		if (nr == COLUMN_MAX) {
			zctl_error("more than %d columns", COLUMN_MAX);
			return 0;
		}
		snprintf(name, sizeof(name), "%.*s", (int)len, words);
		columns[nr] = column_find(name);
		if (!columns[nr++])
			return 0;
		if (!words[len])
			return nr;
		words += len + 1;
	}
}

static int compare(const struct column *column, const struct column_row *a,
		   const struct column_row *b)
{
	char text[2][COLUMN_TEXT];

	if (column->key) {
		double x = column->key(a);
		double y = column->key(b);

		return (x > y) - (x < y);
	}
	column->text(text[0], sizeof(text[0]), a);
	column->text(text[1], sizeof(text[1]), b);
	return strcmp(text[0], text[1]);
}

/* By insertion: stable, and there are few processes. */
void column_sort(struct column_row *rows, size_t nr,
		 const struct column *column, bool reverse)
{
	for (size_t i = 1; i < nr; i++) {
		struct column_row row = rows[i];
		size_t j = i;

		while (j > 0) {
			int order = compare(column, &rows[j - 1], &row);

			if ((reverse ? -order : order) <= 0)
				break;
			rows[j] = rows[j - 1];
			j--;
		}
		rows[j] = row;
	}
}
