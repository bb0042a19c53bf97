/* SPDX-License-Identifier: MIT */
/*
 * How far a request is: see progress.h.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "units.h"

static bool has_line(void)
{
	return !zctl_options.quiet && !zctl_options.json &&
	       isatty(STDERR_FILENO);
}

void progress_show(void *ctx, const struct ask_answer *so_far)
{
	const char *what = ctx;
	char done[UNITS_BUF];
	char total[UNITS_BUF];

	if (!has_line() || !so_far->total)
		return;
	fprintf(stderr, "\r%s: %s of %s (%u%%)\033[K", what,
		units_size(done, sizeof(done), so_far->done, false),
		units_size(total, sizeof(total), so_far->total, false),
		(unsigned)(100.0 * (double)so_far->done /
			   (double)so_far->total));
}

void progress_end(void)
{
	if (has_line())
		fputs("\r\033[K", stderr);
}
