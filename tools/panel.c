/* SPDX-License-Identifier: MIT */
/*
 * The screen of zctl top: see panel.h.
 */
#define _GNU_SOURCE
#include "panel.h"

#include <inttypes.h>
#include <langinfo.h>
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "panel_detail.h"
#include "record.h"
#include "screen.h"
#include "units.h"

#define HEAD_LINES	3
#define BAR_MIN		10
#define BAR_MAX		50
#define MIN_WIDTH	40
#define MIN_HEIGHT	8
#define COMMAND_WIDTH	12

/* Columns to the right of the bar, the first to go last. */
static const struct {
	const char *name;
	const char *title;
	int width;
} right_columns[] = {
	{ "SAVED", "SAVED", 7 },
	{ "RATIO", "RATIO", 6 },
	{ "FAULT/s", "FLT/s", 7 },
	{ "P99", "P99", 6 },
	{ "CPU%", "CPU%", 5 },
};

/* What fits on a line. */
struct layout {
	size_t nr_right;
	int bar;
};

static bool is_open;

int panel_open(void)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen) {
		zctl_error("cannot use this terminal, try zctl top --batch");
		return -1;
	}
	is_open = true;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(50);
	if (zctl_options.color == COLOR_NEVER || getenv("NO_COLOR") ||
	    !has_colors())
		return 0;
	start_color();
	use_default_colors();
	init_pair(PANEL_RESIDENT, COLOR_BLUE, -1);
	init_pair(PANEL_POOL, COLOR_YELLOW, -1);
	init_pair(PANEL_SAVED, COLORS > 8 ? 8 : COLOR_WHITE, -1);
	init_pair(PANEL_OTHER, COLOR_CYAN, -1);
	init_pair(PANEL_ALARM, COLOR_RED, -1);
	return 0;
}

void panel_close(void)
{
	if (is_open)
		endwin();
	is_open = false;
}

static void put_cells(chtype c, int pair, size_t nr)
{
	attron(COLOR_PAIR(pair));
	for (size_t i = 0; i < nr; i++)
		addch(c);
	attroff(COLOR_PAIR(pair));
}

static void put_bar(const struct screen_cells *c, bool other)
{
	addch('[');
	put_cells('#', PANEL_RESIDENT, c->resident);
	put_cells('=', PANEL_POOL, c->pool);
	put_cells(other ? '~' : '.', other ? PANEL_OTHER : PANEL_SAVED,
		  c->saved);
	put_cells(' ', 0, c->rest);
	addch(']');
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* The machine's memory: ours and others'. */
static void draw_ram(const struct live *live, uint64_t resident,
		     uint64_t pool)
{
	uint64_t used = live->total - live->available;
	int width = COLS - 57;
	char text[UNITS_BUF];
	struct screen_cells c;

	if (width < BAR_MIN)
		width = BAR_MIN;
	c = screen_cells((size_t)width, resident, pool,
			 minus(minus(used, resident), pool), live->total);
	move(1, 0);
	printw(" RAM %s ", units_size(text, UNITS_BUF, live->total, false));
	put_bar(&c, true);
	if (COLS > width + 50)
		printw("  # resident  = pool  ~ other");
}

static void draw_head(const struct panel *panel)
{
	const struct target_list *list = &panel->live->list;
	uint64_t managed = 0, stored = 0, resident = 0, pool = 0;
	char text[4][UNITS_BUF];
	time_t now = time(NULL);
	double cpu = 0;
	char clock[16];
	struct tm tm;

	for (size_t i = 0; i < list->nr; i++) {
		const struct uzswap_stats *s = &list->clients[i].snap.s;

		managed = snapshot_add(managed, s->managed);
		resident = snapshot_add(resident, s->resident);
		stored = snapshot_add(stored, s->stored);
		pool = snapshot_add(pool, s->pool);
		cpu += panel->live->rows[i].cpu_percent;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	mvprintw(0, 0, "uzswap  %s  %zu proc%s  managed %s  "
		 "stored %s in %s  saved %s", clock, list->nr,
		 list->nr == 1 ? "" : "s",
		 units_size(text[0], UNITS_BUF, managed, false),
		 units_size(text[1], UNITS_BUF, stored, false),
		 units_size(text[2], UNITS_BUF, pool, false),
		 units_signed_size(text[3], UNITS_BUF,
				   (int64_t)(stored - pool), false));
	draw_ram(panel->live, resident, pool);
	printw("  CPU %.1f%%", cpu);
}

static struct layout lay_out(void)
{
	struct layout layout = { .nr_right = ARRAY_SIZE(right_columns) };
	int width;

	do {
		/* PID, COMMAND, MANAGED, the brackets and the blanks */
		width = COLS - 7 - 1 - COMMAND_WIDTH - 9 - 3;
		for (size_t i = 0; i < layout.nr_right; i++)
			width -= right_columns[i].width;
	} while (width < BAR_MIN && --layout.nr_right > 0);
	if (width < 1)
		width = 1;
	layout.bar = width < BAR_MAX ? width : BAR_MAX;
	return layout;
}

static void draw_titles(const struct panel *panel,
			const struct layout *layout)
{
	static const char bar[] = "# resident = pool . saved";

	attron(A_REVERSE);
	mvhline(HEAD_LINES, 0, ' ', COLS);
	mvprintw(HEAD_LINES, 0, "%7s %-*s %8s [%-*.*s]", "PID", COMMAND_WIDTH,
		 "COMMAND", "MANAGED", layout->bar, layout->bar, bar);
	for (size_t i = 0; i < layout->nr_right; i++) {
		bool sorted = panel->sort &&
			strcmp(panel->sort->name, right_columns[i].name) == 0;

		if (sorted)
			attron(A_BOLD | A_UNDERLINE);
		printw("%*s", right_columns[i].width, right_columns[i].title);
		if (sorted)
			attroff(A_BOLD | A_UNDERLINE);
	}
	attroff(A_REVERSE);
}

static void draw_row(const struct column_row *row, int y, bool selected,
		     const struct layout *layout)
{
	const struct uzswap_stats *s = &row->client->snap.s;
	uint64_t pool = s->pool < s->stored ? s->pool : s->stored;
	struct screen_cells c = screen_cells((size_t)layout->bar, s->resident,
					     pool, s->stored - pool,
					     s->managed);
	char text[COLUMN_TEXT];

	if (selected)
		attron(A_BOLD);
	column_find("MANAGED")->text(text, sizeof(text), row);
	mvprintw(y, 0, "%7d %-*.*s %8s ", row->client->pid, COMMAND_WIDTH,
		 COMMAND_WIDTH, record_name(row->client), text);
	if (row->client->kind == CLIENT_PAGE)
		put_bar(&c, false);
	else
		printw("%-*s", layout->bar + 2, record_state(row->client));
	for (size_t i = 0; i < layout->nr_right; i++) {
		column_find(right_columns[i].name)->text(text, sizeof(text),
							 row);
		printw("%*.*s", right_columns[i].width,
		       right_columns[i].width, text);
	}
	if (selected) {
		attroff(A_BOLD);
		mvchgat(y, 0, 7, A_REVERSE, 0, NULL);
	}
}

static void draw_table(struct panel *panel, int height)
{
	struct layout layout = lay_out();

	draw_titles(panel, &layout);
	if (height < 1)
		return;
	if (panel->selected < panel->first)
		panel->first = panel->selected;
	if (panel->selected >= panel->first + (size_t)height)
		panel->first = panel->selected - (size_t)height + 1;
	for (int i = 0; i < height; i++) {
		size_t at = panel->first + (size_t)i;

		if (at >= panel->nr)
			break;
		draw_row(&panel->rows[at], HEAD_LINES + 1 + i,
			 at == panel->selected, &layout);
	}
	if (!panel->nr)
		mvprintw(HEAD_LINES + 2, 2, *panel->filter ?
			 "nothing matches '%s'" : "no process under uzswap%s",
			 panel->filter);
}

static void draw_keys(const struct panel *panel)
{
	static const char keys[] = PANEL_KEYS;

	move(LINES - 1, 0);
	clrtoeol();
	if (*panel->message) {
		attron(A_BOLD);
		printw(" %s", panel->message);
		attroff(A_BOLD);
		return;
	}
	addnstr(keys, COLS - 1);
	if (*panel->filter && COLS > (int)sizeof(keys) + 12)
		printw("  [%.*s]", COLS - (int)sizeof(keys) - 6,
		       panel->filter);
}

void panel_draw(struct panel *panel)
{
	const struct column_row *row = panel->nr ?
		&panel->rows[panel->selected] : NULL;
	int detail;

	erase();
	if (COLS < MIN_WIDTH || LINES < MIN_HEIGHT) {
		mvaddnstr(0, 0, "too small", COLS);
		refresh();
		return;
	}
	draw_head(panel);
	if (panel->help) {
		panel_detail_help(HEAD_LINES);
		draw_keys(panel);
		refresh();
		return;
	}
	detail = row ? panel_detail_lines(row, panel->detail) : 0;
	if (detail > LINES - HEAD_LINES - 5)
		detail = LINES - HEAD_LINES - 5;
	draw_table(panel, LINES - HEAD_LINES - 2 - detail);
	if (detail > 0)
		panel_detail_draw(row, LINES - 1 - detail, detail,
				  panel->detail);
	draw_keys(panel);
	refresh();
}

void panel_ask(const char *prompt, char *text, size_t len)
{
	move(LINES - 1, 0);
	clrtoeol();
	printw(" %s: ", prompt);
	echo();
	curs_set(1);
	timeout(-1);
	if (getnstr(text, (int)len - 1) == ERR)
		text[0] = 0;
	curs_set(0);
	noecho();
	snapshot_clean_text(text, len);
}
