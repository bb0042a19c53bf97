/* SPDX-License-Identifier: MIT */
/*
 * The lower part of the screen of zctl top: one line about the selected
 * process with its faults as a small curve, or many; and the help.
 */
#ifndef UZ_TOOLS_PANEL_DETAIL_H
#define UZ_TOOLS_PANEL_DETAIL_H

#include "live.h"

/* Pairs of colours; the characters beside them say the same. */
enum {
	PANEL_RESIDENT = 1,
	PANEL_POOL,
	PANEL_SAVED,
	PANEL_OTHER,
	PANEL_ALARM
};

#define PANEL_KEYS	" h help  s sort  f filter  Enter detail  " \
			"r reclaim  p pause  o off  q quit"

/* Lines that panel_detail_draw() would like to have. */
int panel_detail_lines(const struct column_row *row, bool much);

/* Draw on the lines Y .. Y + NR - 1. */
void panel_detail_draw(const struct column_row *row, int y, int nr,
		       bool much);

void panel_detail_help(int y);

#endif
