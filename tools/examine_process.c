/* SPDX-License-Identifier: MIT */
/*
 * What zctl doctor looks at in a program's file and in a running process:
 * see examine.h.
 *
 * A process that is not under uzswap is asked why: was it never preloaded,
 * or did ld.so ignore it?
 */
#define _GNU_SOURCE
#include "examine.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mappings.h"
#include "preflight.h"
#include "record.h"
#include "setting.h"
#include "units.h"

#define BAD_VARIABLES	8	/* of the environment, that are named */

static void add_preflight(struct findings *f, const struct preflight *p)
{
	switch (p->verdict) {
	case PREFLIGHT_GOOD:
		finding_add(f, FINDING_OK, "program", "%.200s can be preloaded",
			    p->subject);
		break;
	case PREFLIGHT_TEXT:
	case PREFLIGHT_UNCHECKED:
		finding_add(f, FINDING_WARN, "program", "%.200s: %s",
			    p->subject, p->reason);
		break;
	case PREFLIGHT_NO_PRELOAD:
	case PREFLIGHT_NOT_EXEC:
	case PREFLIGHT_NOT_FOUND:
		finding_add(f, FINDING_FAIL, "program", "%.200s: %s",
			    p->subject, p->reason);
		break;
	}
}

/* What could be done about it: by the words of preflight.c. */
static void add_fix(struct findings *f, const struct preflight *p)
{
	static const char *const fixes[][2] = {
		{ "statically", "link it dynamically (Go: CGO_ENABLED=1; "
		  "Rust: a -gnu target)" },
		{ "32-bit", "use its 64-bit build" },
		{ "musl", "use a glibc image (debian:12-slim), there is no "
		  "library for musl" },
		{ "set-user-id", "start it as its owner, without the bit" },
		{ "set-group-id", "start it with that group, without the "
		  "bit" },
		{ "capabilities", "setcap -r FILE, and AmbientCapabilities= "
		  "in its systemd unit" },
	};
	struct finding *last;

	if (p->verdict != PREFLIGHT_NO_PRELOAD || !f->nr)
		return;
	last = &f->all[f->nr - 1];
	for (size_t i = 0; i < ARRAY_SIZE(fixes) && !last->fix[0]; i++)
		if (strstr(p->reason, fixes[i][0]))
			snprintf(last->fix, sizeof(last->fix), "%s",
				 fixes[i][1]);
}

void examine_program(struct findings *f, const char *program)
{
	static struct preflight preflight;

	preflight_check(&preflight, program);
	add_preflight(f, &preflight);
	add_fix(f, &preflight);
}

/* The value of NAME in the environment it was started with; free it. */
static char *start_environment(pid_t pid, const char *name)
{
	char path[64];
	char *entry = NULL;
	char *value = NULL;
	size_t cap = 0;
	size_t len = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && !value && getdelim(&entry, &cap, 0, file) >= 0)
		if (strncmp(entry, name, len) == 0 && entry[len] == '=')
			value = strdup(entry + len + 1);
	free(entry);
	if (file)
		fclose(file);
	if (value)
		snapshot_clean_text(value, strlen(value) + 1);
	return value;
}

/* The row of the variable NAME; NULL: none, and NEAR is what was meant. */
static const struct uzswap_option_row *variable_row(const char *name,
						    const char **near)
{
	const char *names[UZSWAP_NR_OPTIONS];

	for (size_t i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		names[i] = setting_row_at(i)->env;
		if (strcmp(names[i], name) == 0)
			return setting_row_at(i);
	}
	*near = zctl_suggest(name, names, UZSWAP_NR_OPTIONS);
	return NULL;
}

/* "NAME:VALUE,..." of UZSWAP_CONF: how many the library had no use for. */
static unsigned look_at_conf(struct findings *f, char *list)
{
	struct setting setting;
	char why[SETTING_WHY];
	unsigned bad = 0;
	char *rest = NULL;

	for (char *item = strtok_r(list, ",", &rest);
	     item && bad < BAD_VARIABLES; item = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(item, ':');

		if (value)
			*value++ = '\0';
		else
			snprintf(why, sizeof(why), "it has no value");
		if (value && !setting_parse(&setting, item, value, why,
					    sizeof(why)))
			continue;
		finding_add(f, FINDING_WARN, UZSWAP_ENV_CONF,
			    "%.60s is ignored: %s", item, why);
		bad++;
	}
	return bad;
}

/* "NAME=VALUE" of the environment: how much the library had no use for. */
static unsigned look_at_variable(struct findings *f, char *name)
{
	char *value = strchr(name, '=');
	const struct uzswap_option_row *row;
	const char *near = NULL;
	struct setting setting;
	char why[SETTING_WHY];

	if (!value)
		return 0;
	*value++ = '\0';
	if (strcmp(name, UZSWAP_ENV_CONF) == 0)
		return look_at_conf(f, value);
	row = variable_row(name, &near);
	if (!row)
		snprintf(why, sizeof(why), "there is no such option%s%s%s",
			 near ? ", did you mean " : "", near ? near : "",
			 near ? "?" : "");
	else if (!setting_parse(&setting, row->name, value, why, sizeof(why)))
		return 0;
	finding_add(f, FINDING_WARN, name, "ignored: %s", why);
	return 1;
}

/* What the library was given at its start, and could not use. */
static void look_at_environment(struct findings *f, pid_t pid)
{
	unsigned bad = 0;
	char path[64];
	char *entry = NULL;
	size_t cap = 0;
	ssize_t len;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && bad < BAD_VARIABLES &&
	       (len = getdelim(&entry, &cap, 0, file)) >= 0) {
		if (strncmp(entry, UZSWAP_ENV_PREFIX,
			    strlen(UZSWAP_ENV_PREFIX)) != 0)
			continue;
		snapshot_clean_text(entry, (size_t)len + 1);
		bad += look_at_variable(f, entry);
	}
	free(entry);
	if (file)
		fclose(file);
}

/* Without the library: not asked to, or ignored by ld.so. */
static void explain_absence(struct findings *f, const struct client *client)
{
	char *preload = start_environment(client->pid, "LD_PRELOAD");
	struct finding *one;
	char exe[64];

	if (preload && strstr(preload, "libuzswap")) {
		one = finding_add(f, FINDING_FAIL, "library", "was in "
				  "LD_PRELOAD, but is not loaded");
		snprintf(exe, sizeof(exe), "/proc/%d/exe", client->pid);
		examine_program(f, exe);
	} else {
		one = finding_add(f, FINDING_FAIL, "library", "is not loaded, "
				  "and cannot be in a running process");
		snprintf(one->fix, sizeof(one->fix),
			 "start it by zctl run -- %s", client->comm);
	}
	free(preload);
}

static void look_at_state(struct findings *f, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;
	enum finding_level level = FINDING_OK;
	struct finding *one;

	if (s->state == UZSWAP_PAUSED || s->state == UZSWAP_DEGRADED)
		level = FINDING_WARN;
	if (s->state == UZSWAP_OFF)
		level = FINDING_FAIL;
	one = finding_add(f, level, "state", "%s%s%s%s", record_state(client),
			  client->stopped ? " (stopped)" : "",
			  s->note[0] ? ": " : "", s->note);
	if (s->state == UZSWAP_OFF || s->state == UZSWAP_PAUSED)
		snprintf(one->fix, sizeof(one->fix), "zctl on %d",
			 client->pid);
	if (strcmp(s->library_version, PACKAGE_VERSION) != 0)
		finding_add(f, FINDING_WARN, "library", "version %s, zctl "
			    PACKAGE_VERSION, s->library_version);
	else
		finding_add(f, FINDING_OK, "library", "version %s, engine %s, "
			    "%s", s->library_version, s->engine,
			    s->compressor);
}

static void look_at_limit(struct findings *f, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;
	char text[2][UNITS_BUF];

	if (!s->limit) {
		finding_add(f, FINDING_NOTE, "limit", "none");
		return;
	}
	finding_add(f, s->counters[UZSWAP_COUNT_exceeded] ? FINDING_WARN :
		    FINDING_OK, "limit", "%s (%s), used %s%s",
		    units_size(text[0], UNITS_BUF, s->limit, false),
		    s->limit_source,
		    units_size(text[1], UNITS_BUF, s->usage, false),
		    s->counters[UZSWAP_COUNT_exceeded] ?
		    "; it could not be kept at times" : "");
}

/* The counters that should be zero, and the pages that do not pay. */
static void look_at_trouble(struct findings *f, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;
	const uint64_t *n = s->counters;
	char text[UNITS_BUF];

	if (n[UZSWAP_COUNT_damaged] || n[UZSWAP_COUNT_lost_copies])
		finding_add(f, FINDING_FAIL, "integrity", "%" PRIu64
			    " damaged objects, %" PRIu64 " copies lost",
			    n[UZSWAP_COUNT_damaged],
			    n[UZSWAP_COUNT_lost_copies]);
	if (s->refused > s->stored)
		finding_add(f, FINDING_WARN, "incompressible", "%s resident do "
			    "not pay", units_size(text, sizeof(text),
						  s->refused, false));
	if (client->snap.torn || client->snap.adjusted)
		finding_add(f, FINDING_WARN, "statistics", "its page is "
			    "damaged or was caught in an update");
}

static void look_at_mappings(struct findings *f, const struct client *client)
{
	struct mappings mappings;
	char skipped[160];
	size_t nr;
	int ret = mappings_read(&mappings, client->pid);

	if (ret < 0) {
		finding_add(f, FINDING_NOTE, "mappings", "cannot be read: %s",
			    strerror(-ret));
		return;
	}
	nr = mappings_skipped(skipped, sizeof(skipped), &mappings);
	if (nr)
		finding_add(f, FINDING_NOTE, "mappings", "%zu never "
			    "compressed: %s", nr, skipped);
	else
		finding_add(f, FINDING_OK, "mappings", "none is left out");
	mappings_free(&mappings);
}

void examine_process(struct findings *f, const struct client *client)
{
	char *name;

	switch (client->kind) {
	case CLIENT_NONE:
		explain_absence(f, client);
		return;
	case CLIENT_DORMANT:
		name = start_environment(client->pid, "UZSWAP_ENABLE");
		finding_add(f, FINDING_OK, "library", "loaded");
		finding_add(f, FINDING_OK, "state", "dormant: less private "
			    "memory than min_managed%s%s",
			    name ? ", UZSWAP_ENABLE=" : "", name ? name : "");
		free(name);
		break;
	case CLIENT_CHILD:
		finding_add(f, FINDING_OK, "state",
			    "a forked child, not yet taken over");
		break;
	case CLIENT_PAGE:
		look_at_state(f, client);
		look_at_limit(f, client);
		look_at_trouble(f, client);
		break;
	}
	look_at_environment(f, client->pid);
	look_at_mappings(f, client);
}
