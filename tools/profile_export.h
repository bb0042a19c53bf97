/* SPDX-License-Identifier: MIT */
/*
 * A profile in the formats of other tools, on standard output.
 *
 *	folded    a line per call stack, as flame graph tools read
 *	pprof     profile.proto, gzip'd: go tool pprof
 *	gnuplot   time, address, heat: a line per watched page and row
 *	html      one file with everything (profile_html.c)
 *	json      sums, not the recording: uzswap.profile-summary.v1
 */
#ifndef UZ_TOOLS_PROFILE_EXPORT_H
#define UZ_TOOLS_PROFILE_EXPORT_H

#include <stdio.h>

#include "profile_sum.h"

enum zctl_status profile_export(const struct profile *p,
				const struct profile_sum *sum,
				const char *format, uint64_t cold_ms);

/* What P has more than the recording PATH, by call stack. */
enum zctl_status profile_subtract(struct profile *p, const char *path);

/* profile_pprof.c: the message, malloc'd; NULL without memory. */
uint8_t *profile_pprof(const struct profile *p, const struct profile_sum *sum,
		       size_t *len);

/* profile_html.c */
enum zctl_status profile_html(const struct profile *p,
			      const struct profile_sum *sum,
			      uint64_t cold_ms);

/* The sums, also for the report; a reference is given. */
struct json_t;
struct json_t *profile_summary(const struct profile *p,
			       const struct profile_sum *sum,
			       uint64_t cold_ms);

#endif
