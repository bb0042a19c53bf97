/* SPDX-License-Identifier: MIT */
/*
 * Sizes, times and shares as people write and read them.
 *
 * Sizes are 1024-based like util-linux: "512", "4K", "1.5G", "2GiB"; times
 * are "250ms", "30s", "2m", "1h30m".  Parsers take exactly the whole string
 * and return 0, -EINVAL (malformed) or -ERANGE (does not fit).  Formatters
 * write at most LEN bytes and return BUF.  No locale is involved.
 */
#ifndef UZ_TOOLS_UNITS_H
#define UZ_TOOLS_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zctl.h"

#define UNITS_BUF	32	/* enough for any formatted number */

MUST_USE int units_parse_u64(uint64_t *out, const char *s);
MUST_USE int units_parse_size(uint64_t *out, const char *s);

/* "50%": 0..100, digits only before the sign. */
MUST_USE int units_parse_percent(uint64_t *out, const char *s);

/* A bare number is in units of UNIT_NS; the result is in UNIT_NS too. */
MUST_USE int units_parse_time(uint64_t *out, const char *s, uint64_t unit_ns);

/* In ns; a bare number, also one with a fraction, is in seconds. */
MUST_USE int units_parse_seconds(uint64_t *out, const char *s);

MUST_USE int units_parse_bool(bool *out, const char *s);

/* "0B", "512B", "4.0K", "12.0G"; or all digits when EXACT. */
char *units_size(char *buf, size_t len, uint64_t bytes, bool exact);

/* The same with a sign: SAVED may be negative. */
char *units_signed_size(char *buf, size_t len, int64_t bytes, bool exact);

/* "9us", "1.3ms", "2.1s" */
char *units_latency(char *buf, size_t len, double us);

/* "250ms", "30s", "2h14m", "3d4h" */
char *units_duration(char *buf, size_t len, uint64_t ns);

#endif
