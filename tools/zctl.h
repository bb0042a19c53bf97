/* SPDX-License-Identifier: MIT */
/*
 * What all of zctl shares: exit status, global options, the subcommands.
 *
 * zctl includes nothing of the library but include/uzswap: it reads the
 * statistics page of other processes and sets up the environment of new
 * ones.  Every subcommand is one file cmd_NOUN.c with one entry function and
 * one row in commands.h.
 *
 * Messages: "zctl: what: reason" on stderr, lower case, no full stop.
 */
#ifndef UZ_TOOLS_ZCTL_H
#define UZ_TOOLS_ZCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION	"0.0.0"
#endif

#define MUST_USE	__attribute__((warn_unused_result))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit status of every subcommand; the table is in zctl(1). */
enum zctl_status {
	ZCTL_DONE = 0,
	ZCTL_FAILED = 1,
	ZCTL_USAGE = 2,
	ZCTL_PARTIAL = 3,	/* something could not be read or reached */
	ZCTL_NO_PROCESS = 4,	/* no such process, or not under uzswap */
	ZCTL_DENIED = 5,
	ZCTL_RUN_FAILED = 125,	/* run: zctl itself failed */
	ZCTL_RUN_NOT_EXEC = 126,
	ZCTL_RUN_NOT_FOUND = 127
};

/* Options that mean the same before and after the name of a subcommand. */
struct zctl_options {
	bool json;		/* one JSON document on stdout */
	bool bytes;		/* exact numbers instead of 1.5G */
	bool quiet;		/* no warnings */
	int verbose;		/* more on stderr, as often as -v was given */
	enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color;
};

extern struct zctl_options zctl_options;

struct argp;
extern const struct argp zctl_talk_argp;	/* quiet, verbose */
extern const struct argp zctl_output_argp;	/* those and the others */

/* "zctl: " + message + newline on stderr; zctl_warn not when quiet. */
void zctl_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void zctl_warn(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * For the help filter of argp: what PRINT writes goes behind the options, and
 * TEXT after it.  argp frees it.
 */
char *zctl_help(int key, const char *text, void (*print)(FILE *out));

/* BYTES for people, or exactly with --bytes; BUF has UNITS_BUF bytes. */
const char *zctl_size(char *buf, uint64_t bytes);

struct argp_state;

/* ARG of --OPTION, a time (bare: seconds), in ms; what is not one is said. */
uint64_t zctl_parse_ms(const char *arg, const char *option,
		       struct argp_state *state);

/*
 * The one of NAMES (NR of them) that WORD may have meant, or NULL: at most
 * two letters inserted, left out, or changed.
 */
const char *zctl_suggest(const char *word, const char *const *names,
			 size_t nr);

#endif
