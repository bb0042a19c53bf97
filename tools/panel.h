/* SPDX-License-Identifier: MIT */
/*
 * The screen of zctl top, drawn with ncurses: what is where, and colours.
 *
 *	uzswap  14:02:11  4 procs  managed ...	   head
 *	 RAM 23.5G [####====~~~~        ]  # resident ...	   head
 *
 *	  PID COMMAND      MANAGED [###===....   ]  SAVED ...   table
 *
 *	 41207 java  faults/s _.:|  refault 9% ...	       detail
 *	 h help  s sort ...				   keys
 *
 * The bar takes what columns leave; on narrow screens columns go first.
 * It only draws: keys are cmd_top.c's.
 */
#ifndef UZ_TOOLS_PANEL_H
#define UZ_TOOLS_PANEL_H

#include "live.h"

struct panel {
	const struct column_row *rows;	/* filtered and sorted */
	size_t nr;
	size_t selected;		/* index of the row in reverse */
	size_t first;			/* index of the row on top */
	const struct live *live;
	const struct column *sort;
	bool reverse;
	bool detail;			/* much about the selected one */
	bool help;
	const char *filter;		/* "" for none */
	const char *message;		/* instead of the keys, "" for none */
};

/* Take over the terminal; -1 after complaining: it cannot be done. */
MUST_USE int panel_open(void);

/* Give it back; may be called twice. */
void panel_close(void);

/* Draw; keeps SELECTED on the screen by changing FIRST. */
void panel_draw(struct panel *panel);

/* Ask for a line of text with PROMPT, starting with what is in TEXT. */
void panel_ask(const char *prompt, char *text, size_t len);

#endif
