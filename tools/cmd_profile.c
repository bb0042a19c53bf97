/* SPDX-License-Identifier: MIT */
/*
 * zctl profile: which memory, and whose, is cold.
 *
 *	zctl profile PID          record a running process, then show
 *	zctl profile run -- PROG  start a program, record it to its end
 *	zctl profile FILE         show a recording
 *
 * A program that is run is a child of ours, started by `zctl run` itself, so
 * that everything is checked and said as it is there; its exit status is
 * ours.  Nothing of us is in the process but the library.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "profile_export.h"
#include "profile_record.h"
#include "profile_text.h"
#include "target.h"
#include "units.h"

#define NS_PER_MS	1000000u
#define DURATION_MS	60000u
#define COLD_MS		10000u
#define LOOK_NS		(500 * NS_PER_MS)
#define TOP		20
#define ENDED		(1 << 30) /* in a wait status: it was waited for */

struct options {
	struct target_choice choice;
	const char *file;	/* a recording to show */
	const char *output;	/* where to write the recording */
	const char *base;
	const char *root;	/* symbolize anew, with files below it */
	const char *format;
	const char *view;
	bool run;		/* what follows is a program to run */
	char **program;
	uint64_t duration_ms;	/* UINT64_MAX: as long as the process lives */
	bool has_duration;
	bool force;
	struct profile_text text;
};

enum { KEY_VIEW = 512, KEY_FORMAT, KEY_COLD, KEY_BASE, KEY_TOP, KEY_STACKS,
       KEY_ROOT };

static const struct argp_option argp_options[] = {
	{ "duration", 'd', "TIME", 0, "record that long (default 60s; a "
	  "program that is run: to its end); 0 shows what is there", 0 },
	{ "output", 'o', "FILE", 0, "also write the recording to FILE", 0 },
	{ "force", 'f', NULL, 0, "overwrite FILE", 0 },
	{ "view", KEY_VIEW, "VIEW", 0, "sites, ages, heat, faults or vmas", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text, json, pprof, folded, html "
	  "or gnuplot, on standard output", 0 },
	{ "cold", KEY_COLD, "TIME", 0, "memory counts as cold when it was not "
	  "used for TIME (default 10s)", 0 },
	{ "top", KEY_TOP, "N", 0, "lines of a table (default 20; 0 all)", 0 },
	{ "stacks", KEY_STACKS, NULL, 0, "whole call stacks", 0 },
	{ "base", KEY_BASE, "FILE", 0, "subtract this recording", 0 },
	{ "sysroot", KEY_ROOT, "DIR", 0, "find functions anew, in the files "
	  "below DIR", 0 },
	{ 0 }
};

static uint64_t parse_time(const char *arg, const char *option,
			   struct argp_state *state)
{
	uint64_t ms;

	if (units_parse_time(&ms, arg, NS_PER_MS) < 0)
		argp_error(state, "--%s=%s: a time like 30s or 5m", option,
			   arg);
	return ms;
}

static void parse_word(const char **out, const char *arg, const char *option,
		       const char *words, struct argp_state *state)
{
	const char *at = strstr(words, arg);
	size_t len = strlen(arg);

	if (!len || strpbrk(arg, " ") || !at ||
	    (at != words && at[-1] != ' ') || (at[len] && at[len] != ' '))
		argp_error(state, "--%s=%s: one of %s", option, arg, words);
	*out = arg;
}

/* A pid, or else a file. */
static void parse_arg(struct options *o, char *arg, struct argp_state *state)
{
	if (o->run) {
		o->program = state->argv + state->next - 1;
		state->next = state->argc;
		return;
	}
	if (o->file || target_is_chosen(&o->choice))
		argp_error(state, "one process or file only");
	if (strcmp(arg, "run") == 0) {
		o->run = true;
		return;
	}
	if (arg[strspn(arg, "0123456789")] == 0 &&
	    target_take_pid(&o->choice, arg))
		return;
	o->file = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t n;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->choice;
		return 0;
	case 'd':
		o->duration_ms = parse_time(arg, "duration", state);
		o->has_duration = true;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case KEY_VIEW:
		parse_word(&o->view, arg, "view",
			   "sites ages heat faults vmas", state);
		return 0;
	case KEY_FORMAT:
		parse_word(&o->format, arg, "format",
			   "text json pprof folded html gnuplot", state);
		return 0;
	case KEY_COLD:
		o->text.cold_ms = parse_time(arg, "cold", state);
		return 0;
	case KEY_TOP:
		if (units_parse_u64(&n, arg) < 0)
			argp_error(state, "--top=%s: a number", arg);
		o->text.top = (size_t)n;
		return 0;
	case KEY_STACKS:
		o->text.stacks = true;
		return 0;
	case KEY_BASE:
		o->base = arg;
		return 0;
	case KEY_ROOT:
		o->root = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_arg(o, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (o->run && !o->program)
			argp_error(state, "no program given");
		if (!o->file && !o->program && !target_is_chosen(&o->choice))
			argp_error(state, "no process or file given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &target_filter_argp, 0, NULL, 5 },
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse,
	.args_doc = "PID\nFILE\nrun [--] PROGRAM [ARG]...",
	.doc = "Show which memory of a program is cold, and which code "
	       "allocated it.",
	.children = children,
};

/* --- recording ----------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void pause_once(void)
{
	const struct timespec ts = { 0, LOOK_NS };

	nanosleep(&ts, NULL);
}

static bool is_over(const struct options *o, uint64_t start_ns)
{
	return interrupted || (o->duration_ms != UINT64_MAX &&
		(snapshot_now_ns() - start_ns) / NS_PER_MS >= o->duration_ms);
}

/* Until the time is over, the process ends, or somebody presses ^C. */
static void watch(struct profile_record *r, const struct options *o)
{
	const uint64_t start_ns = snapshot_now_ns();
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", r->pid);
	profile_record_look(r);
	while (!is_over(o, start_ns)) {
		pause_once();
		profile_record_look(r);
		if (access(path, F_OK))
			break;
	}
}

static void catch_interrupts(void)
{
	struct sigaction act = { .sa_handler = interrupt };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

static enum zctl_status record_pid(struct profile *p, struct options *o)
{
	struct client client = { .fd = -1 };
	enum zctl_status status = target_open(&client, &o->choice);
	struct profile_record r = { .fd = -1 };

	if (status == ZCTL_DONE)
		status = profile_record_open(&r, &client);
	if (status == ZCTL_DONE) {
		catch_interrupts();
		watch(&r, o);
		status = profile_record_finish(&r, p, client.comm);
	}
	profile_record_close(&r);
	client_close(&client);
	return status;
}

/* zctl run --set prof=1 -- PROGRAM, by this very zctl; never returns. */
static void become(char **program)
{
	char *head[] = {
		(char[]){ "zctl" }, (char[]){ "run" }, (char[]){ "--set" },
		(char[]){ "prof=1" }, (char[]){ "--" }, NULL
	};
	size_t nr = 0;
	char **args;

	while (program[nr])
		nr++;
	args = calloc(ARRAY_SIZE(head) + nr, sizeof(*args));
	if (args) {
		memcpy(args, head, sizeof(head));
		memcpy(args + ARRAY_SIZE(head) - 1, program,
		       nr * sizeof(*args));
		execv("/proc/self/exe", args);
	}
	zctl_error("cannot start 'zctl run': %s", strerror(errno));
	_exit(ZCTL_RUN_FAILED);
}

/* The page appears when the program has some memory; false if it ended. */
static bool wait_for_page(struct profile_record *r, pid_t pid,
			  struct client *client, int *status)
{
	char why[160];

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return false;
		if (client_open(client, pid, why, sizeof(why)) == 0 &&
		    client->kind != CLIENT_NONE) {
			r->fd = client_open_page(client, UZSWAP_PROFILE_NAME);
			if (r->fd >= 0)
				return true;
		}
		client_close(client);
		nanosleep(&(struct timespec){ 0, 20 * NS_PER_MS }, NULL);
	}
}

/* Look until the program ends; it is not ours to end. */
static void watch_child(struct profile_record *r, const struct options *o,
			pid_t pid, int *status)
{
	const uint64_t start_ns = snapshot_now_ns();

	do {
		profile_record_look(r);
		pause_once();
		if (waitpid(pid, status, WNOHANG) == pid) {
			*status |= ENDED;
			return;
		}
	} while (!is_over(o, start_ns));
}

static enum zctl_status end_status(int status)
{
	if (WIFSIGNALED(status & 0xffff))
		return 128 + WTERMSIG(status & 0xffff);
	return WEXITSTATUS(status & 0xffff);
}

static enum zctl_status record_program(struct profile *p, struct options *o,
				       enum zctl_status *program)
{
	struct client client = { .fd = -1 };
	struct profile_record r = { .fd = -1, .every_ms = 1000 };
	enum zctl_status done = ZCTL_DONE;
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		zctl_error("cannot start a process: %s", strerror(errno));
		return ZCTL_FAILED;
	}
	if (pid == 0)
		become(o->program);
	catch_interrupts();
	r.pid = pid;
	if (!wait_for_page(&r, pid, &client, &status)) {
		*program = end_status(status);
		if (*program < ZCTL_RUN_FAILED)
			zctl_error("%s: ended before it had 8M of memory to "
				   "look at", o->program[0]);
		return ZCTL_FAILED;
	}
	watch_child(&r, o, pid, &status);
	done = profile_record_finish(&r, p, client.comm);
	profile_record_close(&r);
	client_close(&client);
	if (!(status & ENDED))
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	*program = end_status(status);
	return done;
}

/* --- showing ------------------------------------------------------------- */

static enum zctl_status show_text(const struct profile *p,
				  const struct profile_sum *sum,
				  const struct options *o)
{
	const char *view = o->view ? o->view : "sites";

	profile_text_head(p);
	if (strcmp(view, "sites") == 0)
		profile_text_sites(p, sum, &o->text);
	else if (strcmp(view, "ages") == 0)
		profile_text_ages(p, sum);
	else if (strcmp(view, "heat") == 0)
		profile_text_heat(p);
	else if (strcmp(view, "faults") == 0)
		profile_text_faults(p, sum);
	else
		profile_text_vmas(p, sum, &o->text);
	return ZCTL_DONE;
}

static enum zctl_status show(struct profile *p, const struct options *o)
{
	const char *format = o->format ? o->format
			   : zctl_options.json ? "json" : "text";
	enum zctl_status status = ZCTL_FAILED;
	struct profile_sum sum;

	if (profile_sum_make(&sum, p, o->text.cold_ms)) {
		zctl_error("out of memory");
		return ZCTL_FAILED;
	}
	if (strcmp(format, "text") == 0)
		status = show_text(p, &sum, o);
	else
		status = profile_export(p, &sum, format, o->text.cold_ms);
	profile_sum_free(&sum);
	return status;
}

static enum zctl_status resymbolize(struct profile *p, const char *root)
{
	for (size_t i = 0; i < p->nr_frames; i++)
		p->frames[i].nr_symbols = 0;
	if (profile_symbolize(p, root) == 0)
		return ZCTL_DONE;
	zctl_error("out of memory");
	return ZCTL_FAILED;
}

static enum zctl_status use(struct profile *p, struct options *o)
{
	enum zctl_status status = ZCTL_DONE;

	if (o->root)
		status = resymbolize(p, o->root);
	if (status == ZCTL_DONE && o->output)
		status = profile_save(p, o->output, o->force);
	if (status == ZCTL_DONE && o->base)
		status = profile_subtract(p, o->base);
	if (status == ZCTL_DONE)
		status = show(p, o);
	profile_free(p);
	return status;
}

enum zctl_status cmd_profile(int argc, char **argv)
{
	struct options o = {
		.duration_ms = DURATION_MS,
		.text = { .cold_ms = COLD_MS, .top = TOP },
	};
	enum zctl_status program = ZCTL_DONE;
	enum zctl_status status;
	struct profile p = { 0 };

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
	if (o.program && !o.has_duration)
		o.duration_ms = UINT64_MAX;
	if (o.file)
		status = profile_load(&p, o.file);
	else if (o.program)
		status = record_program(&p, &o, &program);
	else
		status = record_pid(&p, &o);
	if (status == ZCTL_DONE)
		status = use(&p, &o);
	return program != ZCTL_DONE ? program : status;
}
