/* SPDX-License-Identifier: MIT */
/*
 * What all of zctl shares: messages, the options every subcommand takes,
 * and a guess at what a misspelt word was meant to be.
 */
#include "zctl.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

#define NS_PER_MS	1000000u

struct zctl_options zctl_options;

static void vmessage(const char *format, va_list args)
{
	fflush(stdout);
	fputs("zctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void zctl_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vmessage(format, args);
	va_end(args);
}

void zctl_warn(const char *format, ...)
{
	va_list args;

	if (zctl_options.quiet)
		return;
	va_start(args, format);
	vmessage(format, args);
	va_end(args);
}

char *zctl_help(int key, const char *text, void (*print)(FILE *out))
{
	char *help = NULL;
	size_t len;
	FILE *out;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &len);
	if (!out)
		return (char *)text;
	print(out);
	if (text)
		fputs(text, out);
	fclose(out);
	return help;
}

/* Edit distance of two words, given up beyond words of 31 letters. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32];
	size_t len = strlen(b);

	if (len >= ARRAY_SIZE(row))
		return len;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t best = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[len];
}

const char *zctl_size(char *buf, uint64_t bytes)
{
	return units_size(buf, UNITS_BUF, bytes, zctl_options.bytes);
}

uint64_t zctl_parse_ms(const char *arg, const char *option,
		       struct argp_state *state)
{
	uint64_t ns;

	if (units_parse_seconds(&ns, arg) < 0)
		argp_error(state, "--%s=%s: a time like 30s or 5m", option,
			   arg);
	return ns / NS_PER_MS;
}

const char *zctl_suggest(const char *word, const char *const *names,
			 size_t nr)
{
	const char *best = NULL;
	size_t least = 3;

	for (size_t i = 0; i < nr; i++) {
		size_t far = distance(word, names[i]);

		/* a word of three letters is not two away from anything */
		if (far < least && 2 * far < strlen(names[i]) + 1) {
			least = far;
			best = names[i];
		}
	}
	return best;
}

enum {
	KEY_COLOR = 256,
	KEY_JSON,
	KEY_BYTES
};

static int set_color(const char *when)
{
	if (strcmp(when, "auto") == 0)
		zctl_options.color = COLOR_AUTO;
	else if (strcmp(when, "always") == 0)
		zctl_options.color = COLOR_ALWAYS;
	else if (strcmp(when, "never") == 0)
		zctl_options.color = COLOR_NEVER;
	else
		return -1;
	return 0;
}

static error_t parse_talk(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	switch (key) {
	case 'q':
		zctl_options.quiet = true;
		return 0;
	case 'v':
		zctl_options.verbose++;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option talk_options[] = {
	{ "quiet", 'q', NULL, 0, "no warnings", 11 },
	{ "verbose", 'v', NULL, 0, "say more on stderr", 11 },
	{ 0 }
};

const struct argp zctl_talk_argp = {
	.options = talk_options,
	.parser = parse_talk,
};

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_COLOR:
		if (set_color(arg) < 0)
			argp_error(state, "--color=%s: one of auto, always, "
				   "never", arg);
		return 0;
	case KEY_JSON:
		zctl_options.json = true;
		return 0;
	case KEY_BYTES:
		zctl_options.bytes = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option output_options[] = {
	{ "color", KEY_COLOR, "WHEN", 0, "auto, always or never", 10 },
	{ "json", KEY_JSON, NULL, 0, "print JSON, sizes in bytes", 10 },
	{ "bytes", KEY_BYTES, NULL, 0, "print exact sizes", 10 },
	{ 0 }
};

static const struct argp_child output_children[] = {
	{ &zctl_talk_argp, 0, NULL, 11 },
	{ 0 }
};

const struct argp zctl_output_argp = {
	.options = output_options,
	.parser = parse_output,
	.children = output_children,
};
