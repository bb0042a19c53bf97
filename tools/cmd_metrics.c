/* SPDX-License-Identifier: MIT */
/*
 * zctl metrics: all processes under uzswap, for Prometheus.
 *
 *   metrics.c    the text
 *   (here)       on stdout, into a file, or ...
 *   serve.c      ... by HTTP
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "metrics.h"
#include "serve.h"

struct metrics_options {
	struct target_choice choice;
	struct metrics_format format;
	const char *file;	/* NULL: stdout */
	const char *listen;	/* NULL: do not serve */
};

enum {
	KEY_OPENMETRICS = 512,
	KEY_BY,
	KEY_LISTEN
};

static const struct argp_option options[] = {
	{ "openmetrics", KEY_OPENMETRICS, NULL, 0,
	  "print the OpenMetrics format", 0 },
	{ "by", KEY_BY, "name|pid", 0,
	  "one series for each label, or each process (default pid)", 0 },
	{ "output", 'o', "FILE", 0,
	  "replace FILE at once, for node_exporter's text files", 0 },
	{ "listen", KEY_LISTEN, "ADDRESS", OPTION_ARG_OPTIONAL,
	  "serve http://ADDRESS/metrics: HOST:PORT or unix:PATH (default "
	  SERVE_DEFAULT ")", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct metrics_options *metrics = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &metrics->choice;
		return 0;
	case KEY_OPENMETRICS:
		metrics->format.openmetrics = true;
		return 0;
	case KEY_BY:
		if (strcmp(arg, "name") != 0 && strcmp(arg, "pid") != 0)
			argp_error(state, "--by=%s: one of name, pid", arg);
		metrics->format.by_name = *arg == 'n';
		return 0;
	case 'o':
		metrics->file = arg;
		return 0;
	case KEY_LISTEN:
		metrics->listen = arg ? arg : SERVE_DEFAULT;
		return 0;
	case ARGP_KEY_END:
		if (metrics->file && metrics->listen)
			argp_error(state, "either --output or --listen");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &target_filter_argp, 0, NULL, 5 },
	{ &zctl_talk_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[PID]",
	.doc = "Print or serve statistics of all processes under uzswap for "
	       "Prometheus.",
	.children = children,
};

static enum zctl_status print_all(FILE *out,
				  const struct metrics_options *metrics,
				  const struct metrics_format *format)
{
	struct target_list list;
	enum zctl_status status = target_list_open(&list, &metrics->choice,
						   false);

	if (status != ZCTL_DONE && status != ZCTL_PARTIAL)
		return status;
	metrics_print(out, &list, format);
	target_list_close(&list);
	return status;
}

/* Write beside FILE, then rename: a reader sees the old or the new one. */
static enum zctl_status write_file(const struct metrics_options *metrics)
{
	enum zctl_status status = ZCTL_FAILED;
	mode_t mask = umask(0);
	char *name = NULL;
	FILE *out = NULL;
	int fd;

	umask(mask);
	if (asprintf(&name, "%s.XXXXXX", metrics->file) < 0) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	fd = mkstemp(name);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		zctl_error("%s: %s", name, strerror(errno));
		free(name);
		return ZCTL_FAILED;
	}
	status = print_all(out, metrics, &metrics->format);
	if (fflush(out) || fchmod(fd, 0666 & ~mask) < 0 || fclose(out)) {
		zctl_error("%s: %s", name, strerror(errno));
		status = ZCTL_FAILED;
	}
	if (status == ZCTL_DONE || status == ZCTL_PARTIAL) {
		if (rename(name, metrics->file) < 0) {
			zctl_error("%s: %s", metrics->file, strerror(errno));
			status = ZCTL_FAILED;
		}
	}
	if (status != ZCTL_DONE && status != ZCTL_PARTIAL)
		unlink(name);
	free(name);
	return status;
}

static char *answer(void *arg, const char *accept, const char **type,
		    size_t *len)
{
	const struct metrics_options *metrics = arg;
	struct metrics_format format = metrics->format;
	enum zctl_status status;
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	if (strstr(accept, "application/openmetrics-text"))
		format.openmetrics = true;
	*type = metrics_type(&format);
	status = print_all(out, metrics, &format);
	if (fclose(out) || (status != ZCTL_DONE && status != ZCTL_PARTIAL)) {
		free(text);
		return NULL;
	}
	return text;
}

static enum zctl_status serve(struct metrics_options *metrics)
{
	int fd = serve_open(metrics->listen);
	enum zctl_status status;

	if (fd < 0)
		return ZCTL_FAILED;
	/* once per scrape is too often; the metric "unreadable" tells */
	zctl_options.quiet = true;
	status = serve_run(fd, "/metrics", answer, metrics);
	if (strncmp(metrics->listen, "unix:", 5) == 0)
		unlink(metrics->listen + 5);
	return status;
}

enum zctl_status cmd_metrics(int argc, char **argv)
{
	struct metrics_options metrics = { .choice.optional = true };

	argp_parse(&argp, argc, argv, 0, NULL, &metrics);
	if (metrics.listen)
		return serve(&metrics);
	if (metrics.file)
		return write_file(&metrics);
	return print_all(stdout, &metrics, &metrics.format);
}
