/* SPDX-License-Identifier: MIT */
/*
 * The options of a process as they are now, read from its page
 * (include/uzswap/ctl.h) without disturbing it, and taken for hostile.
 *
 * They are what its library has, which need not be what this zctl has.
 */
#ifndef UZ_TOOLS_OPTION_PAGE_H
#define UZ_TOOLS_OPTION_PAGE_H

#include <jansson.h>
#include <uzswap/ctl.h>
#include <uzswap/options.h>

#include "zctl.h"

struct option_page {
	size_t nr;
	struct uzswap_ctl_option rows[UZSWAP_CTL_OPTIONS];
};

/*
 * From the page open at FD.  Texts are clean, origins and whens in range.
 * Returns  0 or -EBADMSG: there is nothing of the kind; out->nr is 0
 */
MUST_USE int option_page_read(struct option_page *out, int fd);

/* The row of option KEY ('-' and '_' are the same), or NULL. */
const struct uzswap_ctl_option *option_page_find(const struct option_page *p,
						 const char *key);

/* "default", "env", "conf", "zctl" */
const char *option_page_origin(const struct uzswap_ctl_option *row);

/* What is not as by default: "limit=3G (zctl), threads=2 (env)", cut. */
void option_page_changes(char *buf, size_t len, const struct option_page *p);

/* [{"key": ..., "value": ...}]: all, or only the one that is KEY. */
json_t *option_page_json(const struct option_page *p, const char *key);

#endif
