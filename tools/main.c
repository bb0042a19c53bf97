/* SPDX-License-Identifier: MIT */
/*
 * The command of uzswap: from main() to the subcommand.
 *
 * main() reads the global options, finds the subcommand in one table, and
 * calls it.  argp runs with ARGP_IN_ORDER here, so that everything after
 * the subcommand's name stays with the subcommand.
 */
#include "zctl.h"

#include <argp.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "library.h"
#include "setting.h"

const char *argp_program_version = "zctl (uzswap) " PACKAGE_VERSION;

struct command {
	const char *name;
	enum zctl_status (*run)(int argc, char **argv);
	const char *args;
	const char *help;
};

static enum zctl_status cmd_help(int argc, char **argv);

static const struct command commands[] = {
#define X(name, args, help) { #name, cmd_##name, args, help },
	ZCTL_COMMANDS(X)
#undef X
	{ "help", cmd_help, "[COMMAND]", "explain a command" },
};

static const struct command *find_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands)];

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
		names[i] = commands[i].name;
	}

	const char *near = zctl_suggest(name, names, ARRAY_SIZE(names));

	if (near)
		zctl_error("unknown command '%s', did you mean '%s'?",
			   name, near);
	else
		zctl_error("unknown command '%s', see 'zctl help'", name);
	return NULL;
}

static enum zctl_status print_library(void)
{
	char path[4096];
	const char *reason;

	if (library_find(path, sizeof(path), &reason) < 0) {
		zctl_error("%s: %s", path, reason);
		return ZCTL_FAILED;
	}
	puts(path);
	return ZCTL_DONE;
}

/* For scripts and packages, as pkg-config does it. */
static enum zctl_status print_fact(const char *what)
{
	static const char *const facts[][2] = {
		{ "libdir", UZSWAP_LIBDIR },
		{ "confdir", UZSWAP_CONFDIR },
		{ "uffd-group", UZSWAP_GROUP },
	};

	if (strcmp(what, "preload") == 0)
		return print_library();
	if (strcmp(what, "options") == 0) {
		for (size_t i = 0; i < UZSWAP_NR_OPTIONS; i++)
			puts(setting_row_at(i)->name);
		return ZCTL_DONE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (strcmp(what, facts[i][0]) == 0) {
			puts(facts[i][1]);
			return ZCTL_DONE;
		}
	}
	zctl_error("--print=%s: one of preload, libdir, confdir, uffd-group, "
		   "options", what);
	return ZCTL_USAGE;
}

enum { KEY_PRINT = 512 };

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	int *first = state->input;

	switch (key) {
	case KEY_PRINT:
		exit((int)print_fact(arg));
	case ARGP_KEY_ARG:
		*first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option top_options[] = {
	{ "print", KEY_PRINT, "WHAT", 0,
	  "print preload (the library's path), libdir, confdir, uffd-group or "
	  "options", 0 },
	{ 0 }
};

static const struct argp_child top_children[] = {
	{ &zctl_output_argp, 0, "Also after the command:", 10 },
	{ 0 }
};

static const char top_doc[] =
	"Compress the cold memory of unmodified programs, and see what it "
	"saves.\v"
	"Exit status: 0 done, 1 failed, 2 bad usage, 3 partly done, 4 no such "
	"process or not under uzswap, 5 permission denied; of run: 125, 126, "
	"127 or that of the program.";

static void print_commands(FILE *out)
{
	fprintf(out, "Commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", commands[i].name,
			 commands[i].args);
		fprintf(out, "  %-26s %s\n", usage, commands[i].help);
	}
	putc('\n', out);
}

static char *help_filter(int key, const char *text, void *input)
{
	(void)input;
	return zctl_help(key, text, print_commands);
}

static const struct argp top_argp = {
	.options = top_options,
	.parser = parse_top,
	.args_doc = "COMMAND [ARG]...",
	.doc = top_doc,
	.children = top_children,
	.help_filter = help_filter,
};

static enum zctl_status call(const struct command *command, int argc,
			     char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "zctl %s", command->name);
	argv[0] = name;
	return command->run(argc, argv);
}

static enum zctl_status cmd_help(int argc, char **argv)
{
	char *help_argv[] = { NULL, (char[]){ "--help" }, NULL };

	if (argc < 2) {
		argp_help(&top_argp, stdout, ARGP_HELP_STD_HELP & ~
			  (unsigned)ARGP_HELP_EXIT_OK, (char[]){ "zctl" });
		return ZCTL_DONE;
	}

	const struct command *command = find_command(argv[1]);

	if (!command)
		return ZCTL_USAGE;
	return command->run == cmd_help ? cmd_help(1, argv)
					: call(command, 2, help_argv);
}

int main(int argc, char **argv)
{
	int first = 0;
	char *name = (char[]){ "zctl" };

	/* characters for column widths; numbers stay in the C locale */
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = ZCTL_USAGE;
	if (argc < 1)
		return ZCTL_USAGE;
	argv[0] = name;
	if (argp_parse(&top_argp, argc, argv, ARGP_IN_ORDER, NULL, &first))
		return ZCTL_FAILED;

	const struct command *command = find_command(argv[first]);

	if (!command)
		return ZCTL_USAGE;

	enum zctl_status status = call(command, argc - first, argv + first);

	if (fflush(stdout) || ferror(stdout)) {
		zctl_error("standard output: write failed");
		if (status == ZCTL_DONE)
			status = ZCTL_FAILED;
	}
	return (int)status;
}
