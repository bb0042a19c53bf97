/* SPDX-License-Identifier: MIT */
/*
 * The text screen of zctl stats: one process, what it has, what it cost.
 */
#ifndef UZ_TOOLS_REPORT_H
#define UZ_TOOLS_REPORT_H

#include "client.h"

/*
 * Print CLIENT on stdout.  OLDER is an earlier copy of the same page: the
 * difference fills the column "last N s".  SKIPPED tells which mappings are
 * left out, "" when none is.
 */
void report_print(const struct client *client, const struct snapshot *older,
		  const char *skipped);

#endif
