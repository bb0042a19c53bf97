/* SPDX-License-Identifier: MIT */
/*
 * One option of the library, as given to zctl: KEY=VALUE, checked.
 *
 * What there is, its unit and its bounds come from the table in
 * include/uzswap/options.h that the library itself uses, so that a bad value
 * is refused before a program is started with it.  The value handed over in
 * the environment is in the base unit of the option and needs no suffix.
 */
#ifndef UZ_TOOLS_SETTING_H
#define UZ_TOOLS_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include <uzswap/options.h>

#include "zctl.h"

#define SETTING_VALUE	256	/* bytes of a value; lists of globs */
#define SETTING_WHY	256

struct setting {
	const struct uzswap_option_row *row;
	const char *given;	/* as on the command line, not kept */
	char value[SETTING_VALUE];
};

/*
 * Check KEY=VALUE.  '-' and '_' in KEY are the same.
 *
 * why      out: what is wrong with it, for people
 *
 * Returns  0, -ENOENT (no such option), -EINVAL, -ERANGE
 */
MUST_USE int setting_parse(struct setting *out, const char *key,
			   const char *value, char *why, size_t why_len);

/* Is KEY the option NAME?  '-' and '_' are the same in it. */
bool setting_same_key(const char *name, const char *key);

/* The row of option KEY, or NULL. */
const struct uzswap_option_row *setting_row(const char *key);

/* Row I of the table, I < UZSWAP_NR_OPTIONS. */
const struct uzswap_option_row *setting_row_at(size_t i);

#endif
