/* SPDX-License-Identifier: MIT */
/*
 * Options from the environment: UZSWAP_CONF first, then the variables of
 * their own, which win.  Whatever cannot be used is told, once, with what is
 * used in its place; a program must never fail to start for it.
 *
 * Strings of the environment are copied before they are changed, since they
 * belong to the program.
 */
#include "watch/config.h"

#include <string.h>

#include "base/text.h"

#define CONF_ITEM	320	/* "name:value", the longest text and more */

/* Where the environment's problems go. */
struct reader {
	struct config *config;
	config_report *report;
	void *arg;
};

/* Put up to three pieces into OUT, of CONFIG_REASON bytes. */
static void compose(char *out, const char *a, const char *b, const char *c)
{
	char *end = out;

	*end = '\0';
	text_append(&end, out + CONFIG_REASON, a);
	text_append(&end, out + CONFIG_REASON, b);
	text_append(&end, out + CONFIG_REASON, c);
}

/* Tell that OPTION stays as it is; OPTION may be UZSWAP_NR_OPTIONS. */
static void complain(struct reader *r, enum uzswap_option option,
		     struct config_problem problem)
{
	static const char origins[][24] = {
		[CONFIG_DEFAULT] = " (default)",
		[CONFIG_CONF] = " (from UZSWAP_CONF)",
		[CONFIG_ENV] = " (set before)",
		[CONFIG_CONTROL] = " (set before)",
	};
	char value[CONFIG_REASON];
	char used[CONFIG_REASON] = "";

	if (!r->report)
		return;
	text_copy(value, sizeof(value), problem.value);
	problem.value = value;
	if (option < UZSWAP_NR_OPTIONS) {
		char *end;

		config_format(r->config, option, used, sizeof(used));
		if (!*used)
			text_copy(used, sizeof(used), "nothing");
		end = used + strlen(used);
		text_append(&end, used + sizeof(used),
			    origins[r->config->all[option].origin]);
	}
	problem.used = used;
	r->report(r->arg, &problem);
}

/* The name nearest to NAME, if it can have been meant; else NULL. */
static const char *suggest(const char *name, bool env)
{
	const char *best = NULL;
	unsigned least = 1 + (unsigned)strlen(name) / 4;

	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct uzswap_option_row *row = config_row(i);
		const char *other = env ? row->env : row->name;
		unsigned distance = text_distance(name, other);

		/* the unit at the end is what is forgotten most easily */
		if (env && text_starts(other, name) &&
		    other[strlen(name)] == '_')
			distance = 0;
		if (distance < least) {
			least = distance;
			best = other;
		}
	}
	return best;
}

static void complain_unknown(struct reader *r, const char *name,
			     const char *where, const char *value)
{
	const char *meant = suggest(name, !*where);
	char full[CONFIG_REASON];
	char reason[CONFIG_REASON];

	compose(full, name, where, "");
	compose(reason, "is not an option", meant ? " (did you mean " : "",
		meant ? meant : "");
	if (meant) {
		char *end = reason + strlen(reason);

		text_append(&end, reason + sizeof(reason), "?)");
	}
	complain(r, UZSWAP_NR_OPTIONS, (struct config_problem){
		.name = full, .value = value, .reason = reason });
}

/* One NAME:VALUE of UZSWAP_CONF; ITEM is ours to write in. */
static void take_conf_item(struct reader *r, char *item)
{
	static const char where[] = " in " UZSWAP_ENV_CONF;
	char *value = strchr(item, ':');
	char reason[CONFIG_REASON];
	char name[CONFIG_REASON];
	enum uzswap_option option;

	if (!value) {
		complain(r, UZSWAP_NR_OPTIONS, (struct config_problem){
			.name = UZSWAP_ENV_CONF, .value = item,
			.reason = "is not of the form name:value" });
		return;
	}
	*value++ = '\0';
	option = config_find(item);
	if (option == UZSWAP_NR_OPTIONS) {
		complain_unknown(r, item, where, value);
		return;
	}
	compose(name, item, where, "");
	if (config_set(r->config, option, value, CONFIG_CONF, reason))
		complain(r, option, (struct config_problem){
			.name = name, .value = value, .reason = reason });
}

static void take_conf(struct reader *r, const char *text)
{
	char item[CONF_ITEM];

	for (;;) {
		const size_t len = strcspn(text, ",");

		text_copy(item, min_size(sizeof(item), len + 1), text);
		if (len >= sizeof(item))
			complain(r, UZSWAP_NR_OPTIONS, (struct config_problem){
				.name = UZSWAP_ENV_CONF, .value = item,
				.reason = "is too long" });
		else if (len)
			take_conf_item(r, item);
		if (!text[len])
			return;
		text += len + 1;
	}
}

/* The value if ENTRY is NAME=VALUE. */
static const char *value_of(const char *entry, const char *name)
{
	const size_t len = strlen(name);

	if (strncmp(entry, name, len) || entry[len] != '=')
		return NULL;
	return entry + len + 1;
}

static enum uzswap_option find_env(const char *name)
{
	unsigned i = 0;

	while (i < UZSWAP_NR_OPTIONS && !text_equal(config_row(i)->env, name))
		i++;
	return i;
}

/* One UZSWAP_... of the environment. */
static void take_variable(struct reader *r, const char *entry, uint64_t *seen)
{
	const char *value = strchr(entry, '=');
	char name[CONFIG_REASON];
	char reason[CONFIG_REASON];
	enum uzswap_option option;

	if (!value || value_of(entry, UZSWAP_ENV_CONF))
		return;
	text_copy(name, min_size(sizeof(name), (size_t)(value - entry) + 1),
		  entry);
	value++;
	option = find_env(name);
	if (option == UZSWAP_NR_OPTIONS) {
		complain_unknown(r, name, "", value);
		return;
	}
	if (*seen >> option & 1)
		return;
	*seen |= (uint64_t)1 << option;
	if (config_set(r->config, option, value, CONFIG_ENV, reason))
		complain(r, option, (struct config_problem){
			.name = name, .value = value, .reason = reason });
}

void config_from_env(struct config *c, char *const *environ,
		     config_report *report, void *arg)
{
	struct reader r = { .config = c, .report = report, .arg = arg };
	uint64_t seen = 0;

	_Static_assert(UZSWAP_NR_OPTIONS <= 64, "a bit of seen per option");
	if (!environ)
		return;
	for (char *const *entry = environ; *entry; entry++) {
		const char *conf = value_of(*entry, UZSWAP_ENV_CONF);

		if (conf) {
			take_conf(&r, conf);
			break;
		}
	}
	for (char *const *entry = environ; *entry; entry++)
		if (text_starts(*entry, UZSWAP_ENV_PREFIX))
			take_variable(&r, *entry, &seen);
}
