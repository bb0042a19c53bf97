/* SPDX-License-Identifier: MIT */
/*
 * The environment: any strings at all, one variable per line of the input.
 * Options stay within what the table allows, texts have an end, and what a
 * value is written as can be read back to the same value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz_main.h"
#include "watch/config.h"

#define MAX_VARS	64

const char *const fuzz_seeds[] = {
	"UZSWAP_LIMIT_BYTES=1.5G\nUZSWAP_MIN_MANAGED_BYTES=8M\n"
	"UZSWAP_THREADS=2\nUZSWAP_NAME=abc\nUZSWAP_ENGINE=wp\nUZSWAP_UFFD_FD=7\n",
	"UZSWAP_CONF=limit:50%,min_managed:8M,exclude:a*:b?,name:x,include:y\n"
	"UZSWAP_POOL_MAX_BYTES=25%\n",
	"UZSWAP_LIMIT=1\nUZSWAP_=\nUZSWAP_X\n=\nUZSWAP_CONF=:,::,limit\n"
	"UZSWAP_INCLUDE=*,a:b\nUZSWAP_EXCLUDE=**a*\nUZSWAP_REQUIRE=yes\n",
	NULL,
};

const char *const fuzz_words[] = {
	"UZSWAP_", "UZSWAP_CONF=", "UZSWAP_LIMIT_BYTES=", "UZSWAP_NAME=",
	"UZSWAP_INCLUDE=", "limit:", "include:", "name:", "exclude:", ",",
	"999999T", "18446744073709551615", "18446744073709551616", "-1", "%",
	"1.0000000000000000001G", "128T", "auto", "none", "\n",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	NULL,
};

static void fail(const char *what)
{
	fprintf(stderr, "fuzz_config: broken: %s\n", what);
	abort();
}

static void take_report(void *arg, const struct config_problem *problem)
{
	char line[512];
	unsigned *nr = arg;

	(*nr)++;
	if (!*problem->reason)
		fail("no reason");
	config_problem_text(problem, line, sizeof(line));
	if (strlen(line) >= sizeof(line))
		fail("line has no end");
}

static bool is_text(enum uzswap_option_type type)
{
	return type == UZSWAP_TEXT || type == UZSWAP_CODECS;
}

static void check(const struct config *c)
{
	static struct config copy;
	char text[512];
	char reason[CONFIG_REASON];

	if (c->texts_len > sizeof(c->texts))
		fail("texts");
	for (unsigned i = 0; i < UZSWAP_NR_OPTIONS; i++) {
		const struct config_value *v = &c->all[i];

		config_defaults(&copy);
		config_format(c, i, text, sizeof(text));
		if (config_set(&copy, i, text, CONFIG_ENV, reason))
			fail("what is written cannot be read");
		if (copy.all[i].num != v->num || copy.all[i].pct != v->pct)
			fail("what is written is something else");
		if (is_text(config_row(i)->type) &&
		    strcmp(config_text(&copy, &copy.all[i]),
			   config_text(c, v)))
			fail("text");
	}
	config_wants(c, "abc");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c;
	char *vars[MAX_VARS + 1] = { NULL };
	char *text = malloc(size + 1);
	unsigned nr_reports = 0;
	unsigned nr = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *line = text; line && nr < MAX_VARS; nr++) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		vars[nr] = line;
		line = end;
	}
	config_defaults(&c);
	config_from_env(&c, vars, take_report, &nr_reports);
	config_from_env(&c, vars, NULL, NULL);
	check(&c);
	free(text);
	return 0;
}
