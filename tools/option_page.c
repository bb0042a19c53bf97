/* SPDX-License-Identifier: MIT */
/*
 * The options of a process: see option_page.h.  They change only when
 * somebody sets them, so that two equal copies one after the other are one.
 */
#include "option_page.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "setting.h"
#include "snapshot.h"

#define TRIES	10

static const char *const origins[] = {
	[UZSWAP_BY_DEFAULT] = "default",
	[UZSWAP_BY_CONF] = "conf",
	[UZSWAP_BY_ENV] = "env",
	[UZSWAP_BY_CONTROL] = "zctl",
};

_Static_assert(ARRAY_SIZE(origins) == UZSWAP_NR_ORIGINS, "a word for each");

static int read_twice(struct uzswap_ctl_options *out, int fd)
{
	struct uzswap_ctl_options again;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < TRIES; i++) {
		if (pread(fd, &again, sizeof(again), UZSWAP_OPTIONS_AT) !=
		    sizeof(again))
			return -EBADMSG;
		if (memcmp(&again, out, sizeof(again)) == 0)
			return 0;
		*out = again;
	}
	return 0;
}

int option_page_read(struct option_page *out, int fd)
{
	struct uzswap_ctl_options raw;

	memset(out, 0, sizeof(*out));
	if (read_twice(&raw, fd) < 0 || raw.size != sizeof(raw.rows[0]) ||
	    !raw.nr || raw.nr > UZSWAP_CTL_OPTIONS)
		return -EBADMSG;
	out->nr = raw.nr;
	for (size_t i = 0; i < out->nr; i++) {
		struct uzswap_ctl_option *row = &out->rows[i];

		*row = raw.rows[i];
		snapshot_clean_text(row->name, sizeof(row->name));
		snapshot_clean_text(row->value, sizeof(row->value));
		if (row->origin >= UZSWAP_NR_ORIGINS)
			row->origin = UZSWAP_BY_DEFAULT;
		if (row->when > UZSWAP_NOW)
			row->when = UZSWAP_AT_START;
	}
	return 0;
}

const struct uzswap_ctl_option *option_page_find(const struct option_page *p,
						 const char *key)
{
	for (size_t i = 0; i < p->nr; i++)
		if (setting_same_key(p->rows[i].name, key))
			return &p->rows[i];
	return NULL;
}

const char *option_page_origin(const struct uzswap_ctl_option *row)
{
	return origins[row->origin];
}

void option_page_changes(char *buf, size_t len, const struct option_page *p)
{
	size_t at = 0;

	*buf = 0;
	for (size_t i = 0; i < p->nr && at < len; i++) {
		const struct uzswap_ctl_option *row = &p->rows[i];
		int n;

		/* what zctl run passes on is nobody's wish */
		if (row->origin == UZSWAP_BY_DEFAULT ||
		    strcmp(row->name, "uffd_fd") == 0)
			continue;
		n = snprintf(buf + at, len - at, "%s%s=%s (%s)",
			     at ? ", " : "", row->name, row->value,
			     option_page_origin(row));
		at += n > 0 ? (size_t)n : 0;
	}
}

json_t *option_page_json(const struct option_page *p, const char *key)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->nr; i++) {
		const struct uzswap_ctl_option *row = &p->rows[i];
		const struct uzswap_option_row *known = setting_row(row->name);

		if (key && !setting_same_key(row->name, key))
			continue;
		json_array_append_new(all, json_pack("{ss ss ss* ss ss}",
			"key", row->name, "value", row->value,
			"default", known ? known->initial : NULL,
			"origin", option_page_origin(row),
			"when", row->when == UZSWAP_NOW ? "now" : "start"));
	}
	return all;
}
