/* SPDX-License-Identifier: MIT */
/*
 * The lower part of the screen of zctl top: see panel_detail.h.
 */
#define _GNU_SOURCE
#include "panel_detail.h"

#include <inttypes.h>
#include <langinfo.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "units.h"

#define CURVE_SHORT	16	/* columns on the line about one process */
#define MANY_LINES	9	/* with a note one more */

static const char *const *curve_steps(size_t *nr)
{
	static const char *const ascii[] = { " ", "_", ".", ":", "|" };
	static const char *const blocks[] = {
		" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585",
		"\u2586", "\u2587", "\u2588"
	};
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	*nr = utf8 ? ARRAY_SIZE(blocks) : ARRAY_SIZE(ascii);
	return utf8 ? blocks : ascii;
}

/* The last WIDTH samples, scaled to the largest of them; returns that. */
static double put_curve(const struct live_history *h, size_t width)
{
	size_t nr_steps;
	const char *const *steps = curve_steps(&nr_steps);
	size_t nr = h->nr < width ? h->nr : width;
	const double *at = h->faults + h->nr - nr;
	double most = 0;

	for (size_t i = 0; i < nr; i++)
		if (at[i] > most)
			most = at[i];
	for (size_t i = nr; i < width; i++)
		addch(' ');
	attron(COLOR_PAIR(PANEL_OTHER));
	for (size_t i = 0; i < nr; i++) {
		double part = most > 0 ? at[i] / most : 0;
		size_t step = (size_t)(part * (double)(nr_steps - 1) + 0.5);

		/* a little is not nothing */
		addstr(steps[!step && at[i] > 0 ? 1 : step]);
	}
	attroff(COLOR_PAIR(PANEL_OTHER));
	return most;
}

static uint64_t gained(const struct live_history *h, enum uzswap_counter i)
{
	uint64_t before = h->older.s.counters[i];
	uint64_t now = h->newest.s.counters[i];

	return now > before ? now - before : 0;
}

static double seconds(const struct live_history *h)
{
	double s = (double)(h->newest.taken_ns - h->older.taken_ns) / 1e9;

	return s > 0 ? s : 1;
}

static const char *rate(char *buf, const struct live_history *h,
			enum uzswap_counter i)
{
	double pages = (double)gained(h, i) / seconds(h);

	return zctl_size(buf, (uint64_t)(pages * (double)getpagesize()));
}

static const char *refault_share(char *buf, const struct live_history *h)
{
	uint64_t evicted = gained(h, UZSWAP_COUNT_evicted);
	uint64_t again = gained(h, UZSWAP_COUNT_refaults);

	if (evicted)
		snprintf(buf, UNITS_BUF, "%.0f%%",
			 100 * (double)again / (double)evicted);
	else
		snprintf(buf, UNITS_BUF, "-");
	return buf;
}

static void draw_line(const struct column_row *row, int y)
{
	const struct live_history *h = row->history;
	const struct uzswap_stats *s = &row->client->snap.s;
	char text[3][UNITS_BUF];

	mvprintw(y, 0, " %d %.15s  flt/s ", row->client->pid,
		 record_name(row->client));
	put_curve(h, CURVE_SHORT);
	printw("  refault %s  evict %s/s", refault_share(text[0], h),
	       rate(text[1], h, UZSWAP_COUNT_evicted));
	if (s->limit)
		printw("  limit %s", zctl_size(text[2], s->limit));
}

static void draw_sizes(const struct column_row *row, int y)
{
	const struct snapshot *snap = &row->client->snap;
	const struct uzswap_stats *s = &snap->s;
	char text[4][UNITS_BUF];

	mvprintw(y, 1, "memory   %s managed = %s resident + %s stored + %s "
		 "untouched", zctl_size(text[0], s->managed),
		 zctl_size(text[1], s->resident),
		 zctl_size(text[2], s->stored),
		 zctl_size(text[3], s->untouched));
	mvprintw(y + 1, 1, "stored   %s in a %s pool, %s on disk, saved %s",
		 zctl_size(text[0], s->stored), zctl_size(text[1], s->pool),
		 zctl_size(text[2], s->disk),
		 units_signed_size(text[3], UNITS_BUF, snapshot_saved(snap),
				   zctl_options.bytes));
	if (s->limit)
		mvprintw(y + 2, 1, "limit    %s (%s), used %s, most %s",
			 zctl_size(text[0], s->limit), s->limit_source,
			 zctl_size(text[1], s->usage),
			 zctl_size(text[2], s->usage_max));
	else
		mvprintw(y + 2, 1, "limit    none");
}

static void draw_events(const struct column_row *row, int y)
{
	const struct live_history *h = row->history;
	const struct snapshot *snap = &row->client->snap;
	const uint64_t *n = snap->s.counters;
	char text[3][UNITS_BUF];

	mvprintw(y, 1, "evicted  %s/s, restored %s/s, refault %s",
		 rate(text[0], h, UZSWAP_COUNT_evicted),
		 rate(text[1], h, UZSWAP_COUNT_restored),
		 refault_share(text[2], h));
	mvprintw(y + 1, 1, "faults   %.0f/s, %" PRIu64 " in all: pool %" PRIu64
		 ", probation %" PRIu64 ", new %" PRIu64,
		 row->faults_per_second, n[UZSWAP_COUNT_faults],
		 n[UZSWAP_COUNT_faults_stored], n[UZSWAP_COUNT_faults_leaving],
		 n[UZSWAP_COUNT_faults_fresh]);
	if (snapshot_nr_timed(snap))
		mvprintw(y + 2, 1, "latency  p50 %s  p99 %s  max below %s",
			 units_latency(text[0], UNITS_BUF,
				       snapshot_fault_us(snap, .5)),
			 units_latency(text[1], UNITS_BUF,
				       snapshot_fault_us(snap, .99)),
			 units_latency(text[2], UNITS_BUF,
				       snapshot_fault_us(snap, 1)));
}

static void draw_curve(const struct live_history *h, int y)
{
	double most;

	mvaddstr(y, 1, "faults/s ");
	most = put_curve(h, (size_t)(COLS > 32 ? COLS - 32 : 8));
	printw("  most %.0f", most);
}

static const char *note(const struct column_row *row)
{
	return row->client->snap.s.note;
}

int panel_detail_lines(const struct column_row *row, bool much)
{
	if (!row->history)
		return 1;
	return much ? MANY_LINES + (note(row)[0] != 0) : 1;
}

void panel_detail_draw(const struct column_row *row, int y, int nr,
		       bool much)
{
	char text[UNITS_BUF];

	if (!row->history) {
		mvprintw(y, 0, " %d %s  %s", row->client->pid,
			 record_name(row->client), record_state(row->client));
		return;
	}
	if (!much || nr < MANY_LINES) {
		draw_line(row, y);
		return;
	}
	mvhline(y, 0, '-', COLS);
	mvprintw(y + 1, 1, "%s (pid %d, user %s)  %s%s, up %s, engine %s",
		 record_name(row->client), row->client->pid,
		 row->client->user, record_state(row->client),
		 row->client->stopped ? " (stopped)" : "",
		 units_duration(text, UNITS_BUF, row->client->snap.taken_ns -
				row->client->snap.s.started_ns),
		 row->client->snap.s.engine);
	draw_sizes(row, y + 2);
	draw_events(row, y + 5);
	draw_curve(row->history, y + 8);
	if (note(row)[0] && nr > MANY_LINES) {
		attron(COLOR_PAIR(PANEL_ALARM));
		mvprintw(y + 9, 1, "note     %s", note(row));
		attroff(COLOR_PAIR(PANEL_ALARM));
	}
}

void panel_detail_help(int y)
{
	static const char *const lines[] = {
		"up down PgUp PgDn   choose a process",
		"Enter               more about it, or less",
		"s  S                sort by the next, the previous column",
		"R                   the other way round",
		"f                   show only what has this in command, label "
		"or user",
		"r                   have it compress memory now",
		"p                   store nothing new there, or go on",
		"o                   restore all and let go, or go on",
		"+ -                 look less, more often",
		"b                   exact bytes",
		"space               look now",
		"q                   quit",
		"",
		"MANAGED = RESIDENT + STORED + UNTOUCHED     "
		"SAVED = STORED - POOL",
		"the bar is MANAGED: # resident  = pool  . saved   "
		"blank untouched",
		"RATIO (STORED - DISK) / POOL    CPU% of one processor",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (y + 1 + (int)i < LINES - 1)
			mvaddnstr(y + 1 + (int)i, 2, lines[i], COLS - 2);
}
