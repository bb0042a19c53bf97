/* SPDX-License-Identifier: MIT */
/*
 * Processes in the text formats of Prometheus and OpenMetrics.
 *
 * Names end in their unit, counters in _total; there are no time stamps.
 * Help texts come from the tables that all else is made of, so a new counter
 * of the library is a new metric without a line here.
 */
#ifndef UZ_TOOLS_METRICS_H
#define UZ_TOOLS_METRICS_H

#include <stdio.h>

#include "target.h"

struct metrics_format {
	bool openmetrics;	/* else the text format of Prometheus */
	bool by_name;		/* one sum for each label, no pid */
};

/* The Content-Type of a format. */
const char *metrics_type(const struct metrics_format *format);

/* Print all of LIST. */
void metrics_print(FILE *out, const struct target_list *list,
		   const struct metrics_format *format);

#endif
