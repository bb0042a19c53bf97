/* SPDX-License-Identifier: MIT */
/*
 * zctl top: all processes under uzswap, live.
 *
 *   live.c     look at all processes again and again
 *   panel.c    draw the screen; or listing.c: batch mode, as zctl list
 *   (here)     options, order, keys
 *
 * Batch mode is also taken where there is no screen: output to a file, or a
 * terminal that cannot move its cursor.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "listing.h"
#include "live.h"
#include "panel.h"
#include "steer.h"
#include "units.h"

#define NS_PER_S	1000000000ull
#define DELAY_NS	(2 * NS_PER_S)
#define DELAY_MIN_NS	(NS_PER_S / 10)	/* pages are not renewed faster */
#define DELAY_MAX_NS	(3600 * NS_PER_S)
#define FIRST_NS	(NS_PER_S / 5)		/* until there are rates */

struct top {
	struct target_choice choice;
	struct live live;
	struct listing listing;
	struct panel panel;
	struct column_row *rows;	/* filtered, sorted */
	uint64_t delay_ns;
	uint64_t iterations;		/* 0: no end */
	bool batch;
	char filter[32];
	char message[STEER_TEXT];
	pid_t selected;			/* stays selected when rows move */
};

enum {
	KEY_SORT = 512,
	KEY_BATCH = 'b',
	KEY_DELAY = 'd',
	KEY_ITERATIONS = 'n',	/* as top(1); elsewhere it is --name */
	KEY_ONCE = '1'
};

static const struct argp_option options[] = {
	{ "batch", KEY_BATCH, NULL, 0,
	  "print tables as zctl list does, without a screen", 0 },
	{ "delay", KEY_DELAY, "SEC", 0, "between two looks (default 2)", 0 },
	{ "iterations", KEY_ITERATIONS, "N", 0, "end after N looks", 0 },
	{ "once", KEY_ONCE, NULL, 0, "same as --batch --iterations=1", 0 },
	{ "output", 'o', "COLUMNS", 0, "with --batch: print these columns", 0 },
	{ "sort", KEY_SORT, "COLUMN", 0,
	  "sort by this; -COLUMN for the largest first (default -SAVED)", 0 },
	{ 0 }
};

static void set_delay(struct top *top, const char *arg,
		      struct argp_state *state)
{
	if (units_parse_seconds(&top->delay_ns, arg) < 0 ||
	    top->delay_ns < DELAY_MIN_NS || top->delay_ns > DELAY_MAX_NS)
		argp_error(state, "--delay=%s: a time from 0.1 to 3600 "
			   "seconds", arg);
}

static void set_sort(struct top *top, const char *arg)
{
	top->panel.reverse = *arg == '-';
	top->panel.sort = column_find(arg + top->panel.reverse);
	if (!top->panel.sort)
		exit(ZCTL_USAGE);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &top->choice;
		return 0;
	case KEY_BATCH:
		top->batch = true;
		return 0;
	case KEY_DELAY:
		set_delay(top, arg, state);
		return 0;
	case KEY_ITERATIONS:
		if (units_parse_u64(&top->iterations, arg) < 0 ||
		    !top->iterations)
			argp_error(state, "--iterations=%s: a number from 1",
				   arg);
		return 0;
	case KEY_ONCE:
		top->batch = true;
		top->iterations = 1;
		return 0;
	case 'o':
		top->listing.nr_columns =
			column_parse(top->listing.columns, arg);
		if (!top->listing.nr_columns)
			exit(ZCTL_USAGE);
		return 0;
	case KEY_SORT:
		set_sort(top, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[PID]",
	.doc = "Show all processes under uzswap, again and again.",
	.children = target_filter_children,
};

static bool passes(const struct top *top, const struct column_row *row)
{
	const struct client *client = row->client;

	return !top->filter[0] || strcasestr(client->comm, top->filter) ||
	       strcasestr(client->user, top->filter) ||
	       (client->kind == CLIENT_PAGE &&
		strcasestr(client->snap.s.name, top->filter));
}

/* The rows of the screen out of what was seen; keeps the selected one. */
static void arrange(struct top *top)
{
	struct panel *panel = &top->panel;
	size_t nr = 0;

	top->rows = reallocarray(top->rows, top->live.list.nr + 1,
				 sizeof(top->rows[0]));
	if (!top->rows) {
		panel_close();
		zctl_error("out of memory");
		exit(ZCTL_FAILED);
	}
	for (size_t i = 0; i < top->live.list.nr; i++)
		if (passes(top, &top->live.rows[i]))
			top->rows[nr++] = top->live.rows[i];
	column_sort(top->rows, nr, panel->sort, panel->reverse);
	panel->rows = top->rows;
	panel->nr = nr;
	panel->live = &top->live;
	panel->filter = top->filter;
	panel->message = top->message;
	for (size_t i = 0; i < nr; i++)
		if (top->rows[i].client->pid == top->selected)
			panel->selected = i;
	if (panel->selected >= nr)
		panel->selected = nr ? nr - 1 : 0;
	if (nr)
		top->selected = top->rows[panel->selected].client->pid;
}

static void choose(struct top *top, long by)
{
	struct panel *panel = &top->panel;
	long at = (long)panel->selected + by;

	if (at >= (long)panel->nr)
		at = (long)panel->nr - 1;
	if (at < 0)
		at = 0;
	panel->selected = (size_t)at;
	if (panel->nr)
		top->selected = panel->rows[at].client->pid;
}

/* Sort by the column BY further in the table of all. */
static void turn_sort(struct top *top, size_t by)
{
	size_t at = (size_t)(top->panel.sort - column_table);

	top->panel.sort = &column_table[(at + by) % column_nr];
	snprintf(top->message, sizeof(top->message), "sorted by %s%s",
		 top->panel.reverse ? "-" : "", top->panel.sort->name);
}

static void change_delay(struct top *top, bool longer)
{
	uint64_t ns = longer ? top->delay_ns * 2 : top->delay_ns / 2;
	char text[UNITS_BUF];

	if (ns >= DELAY_MIN_NS && ns <= DELAY_MAX_NS)
		top->delay_ns = ns;
	snprintf(top->message, sizeof(top->message), "looking every %s",
		 units_duration(text, sizeof(text), top->delay_ns));
}

/* How far the process is, while the screen stands still. */
static void show_progress(void *ctx, const struct ask_answer *a)
{
	struct top *top = ctx;
	char text[2][UNITS_BUF];

	if (!a->total)
		return;
	snprintf(top->message, sizeof(top->message), "%s of %s ...",
		 units_size(text[0], UNITS_BUF, a->done, false),
		 units_size(text[1], UNITS_BUF, a->total, false));
	panel_draw(&top->panel);
}

/* Keys that change something in the selected process. */
static void steer(struct top *top, int key)
{
	const struct panel *panel = &top->panel;
	const struct client *client;
	char amount[16] = "";

	if (!panel->nr)
		return;
	client = panel->rows[panel->selected].client;
	if (key == 'p') {
		steer_pause(client, top->message);
	} else if (key == 'o') {
		steer_off(client, show_progress, top, top->message);
	} else {
		panel_ask("reclaim how much (512M, 50%, all)", amount,
			  sizeof(amount));
		if (amount[0])
			steer_reclaim(client, amount, show_progress, top,
				      top->message);
	}
}

enum after_key { KEY_GO_ON, KEY_LOOK_NOW, KEY_QUIT };

static enum after_key act(struct top *top, int key)
{
	top->message[0] = 0;
	switch (key) {
	case 'q':
	case 27:	/* Esc leaves the help, then the filter */
		if (key == 'q')
			return KEY_QUIT;
		if (!top->panel.help)
			top->filter[0] = 0;
		top->panel.help = false;
		break;
	case 'h':
	case '?':
		top->panel.help = !top->panel.help;
		break;
	case 's':
		turn_sort(top, 1);
		break;
	case 'S':
		turn_sort(top, column_nr - 1);
		break;
	case 'R':
		top->panel.reverse = !top->panel.reverse;
		break;
	case 'f':
	case '/':
		panel_ask("filter", top->filter, sizeof(top->filter));
		break;
	case '\n':
	case KEY_ENTER:
		top->panel.detail = !top->panel.detail;
		break;
	case 'b':
		zctl_options.bytes = !zctl_options.bytes;
		break;
	case '+':
	case '-':
		change_delay(top, key == '+');
		break;
	case KEY_UP:
	case KEY_DOWN:
		choose(top, key == KEY_UP ? -1 : 1);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		choose(top, key == KEY_PPAGE ? -10 : 10);
		break;
	case 'r':
	case 'p':
	case 'o':
		steer(top, key);
		break;
	case ' ':
		return KEY_LOOK_NOW;
	default:
		break;
	}
	return KEY_GO_ON;
}

/* Has the terminal gone? */
static bool is_hung_up(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&fd, 1, 0) < 0)
		return false;
	return (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ||
	       ((fd.revents & POLLIN) && read(STDIN_FILENO, &c, 0) < 0);
}

/* Draw and take keys until it is time for the next look. */
static enum after_key show(struct top *top, uint64_t ns)
{
	uint64_t end = snapshot_now_ns() + ns;
	enum after_key after = KEY_GO_ON;

	while (after == KEY_GO_ON) {
		uint64_t now = snapshot_now_ns();
		int key;

		arrange(top);
		panel_draw(&top->panel);
		if (now >= end)
			return KEY_LOOK_NOW;
		timeout((int)((end - now) / 1000000) + 1);
		key = getch();
		if (key != ERR)
			after = act(top, key);
		else if (is_hung_up())
			after = KEY_QUIT;
	}
	return after;
}

static enum zctl_status run_screen(struct top *top)
{
	enum zctl_status status = ZCTL_DONE;
	uint64_t nr = 0;

	/* a message would land in the middle of the screen */
	zctl_options.quiet = true;
	if (panel_open() < 0)
		return ZCTL_FAILED;
	do {
		uint64_t ns = nr ? top->delay_ns : FIRST_NS;

		status = live_look(&top->live);
		if (status != ZCTL_DONE && status != ZCTL_PARTIAL)
			break;
		if (show(top, ns) == KEY_QUIT)
			break;
		nr++;
	} while (!top->iterations || nr <= top->iterations);
	panel_close();
	return status;
}

static void pause_ns(uint64_t ns)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	nanosleep(&pause, NULL);
}

static enum zctl_status run_batch(struct top *top)
{
	enum zctl_status status = live_look(&top->live);
	uint64_t nr = 0;

	pause_ns(FIRST_NS);
	while (status == ZCTL_DONE || status == ZCTL_PARTIAL) {
		enum zctl_status printed;

		status = live_look(&top->live);
		if (status != ZCTL_DONE && status != ZCTL_PARTIAL)
			break;
		arrange(top);
		if (nr && !zctl_options.json)
			putchar('\n');
		printed = listing_print(&top->listing, &top->live.list,
					top->rows);
		if (printed != ZCTL_DONE || fflush(stdout) == EOF)
			return ZCTL_FAILED;
		if (++nr == top->iterations)
			break;
		pause_ns(top->delay_ns);
	}
	return status;
}

static bool has_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term &&
	       *term && strcmp(term, "dumb") != 0;
}

enum zctl_status cmd_top(int argc, char **argv)
{
	/* static: only pointers and small things, but many */
	static struct top top = { .delay_ns = DELAY_NS };
	enum zctl_status status;

	set_sort(&top, "-SAVED");
	top.choice.optional = true;
	top.live.choice = &top.choice;
	top.listing.nr_columns = column_parse(top.listing.columns,
					      COLUMN_DEFAULT ",CPU%");
	argp_parse(&argp, argc, argv, 0, NULL, &top);
	if (top.batch || zctl_options.json || !has_screen())
		status = run_batch(&top);
	else
		status = run_screen(&top);
	live_close(&top.live);
	free(top.rows);
	return status;
}
