/* SPDX-License-Identifier: MIT */
/*
 * zctl run: start a program under uzswap.
 *
 *   parse          options -> environment settings, all checked at once
 *   conf.c         settings of the configuration files, where nobody said
 *   preflight.c    can the program be preloaded?
 *   library.c      is the library there?
 *   device.c       may it have a userfaultfd?
 *   start          environment, inherited descriptor, exec
 *
 * zctl is gone after the exec: signals, exit status, job control are the
 * program's own.  What stands in the way of compression is said in one block
 * on stderr; then the program runs untouched, or with --require not at all.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "conf.h"
#include "device.h"
#include "library.h"
#include "preflight.h"
#include "setting.h"
#include "units.h"

#define MAX_SETTINGS	64	/* more than there are options */
#define PATH_LEN	4096

struct plan {
	struct setting settings[MAX_SETTINGS];
	size_t nr_settings;
	const char *config;	/* the only file to read, NULL: all */
	bool require;
	bool dry_run;
	char **program;		/* its argv */

	struct preflight preflight;
	struct device device;
	char library[PATH_LEN];
	const char *obstacle;	/* why it cannot work, NULL if it can */
	const char *subject;	/* file the obstacle is about, or NULL */
	bool wanted;		/* the user asked for the obstacle */
};

enum {
	KEY_POOL_MAX = 512,
	KEY_SET,
	KEY_FOLLOW,
	KEY_NAME,
	KEY_REQUIRE,
	KEY_TORTURE,
	KEY_DRY_RUN,
	KEY_CONFIG
};

static const struct argp_option options[] = {
	{ "limit", 'm', "SIZE|PCT", 0, "keep resident memory, pool and "
	  "overhead together at or below this: 4G, 50%", 0 },
	{ "min-age", 'a', "TIME", 0, "store what was not used for so long, "
	  "also without a limit: 30s, 10m", 0 },
	{ "compressor", 'c', "NAME", 0,
	  "how pages are packed: lz4, zstd:3, lz4+lz4:3 (the default) ...", 0 },
	{ "pool-max", KEY_POOL_MAX, "SIZE|PCT", 0,
	  "cap of the compressed pool", 0 },
	{ "set", KEY_SET, "KEY=VALUE", 0,
	  "any other option, see uzswap-options(7)", 0 },
	{ "follow", KEY_FOLLOW, "exec|none", 0,
	  "also for programs it executes, or not", 0 },
	{ "name", KEY_NAME, "LABEL", 0,
	  "label for list and stats (default: the command)", 0 },
	{ "require", KEY_REQUIRE, NULL, 0,
	  "exit with 125 instead of running without compression", 0 },
	{ "torture", KEY_TORTURE, "SEED", OPTION_ARG_OPTIONAL,
	  "for tests: evict all the time, fail and delay at random", 0 },
	{ "config", KEY_CONFIG, "FILE", 0,
	  "read only this configuration file, see uzswap.conf(5)", 0 },
	{ "dry-run", KEY_DRY_RUN, NULL, 0,
	  "print checks and environment, start nothing", 0 },
	{ 0 }
};

/* Which setting an option of the command line stands for. */
static const struct {
	int key;
	const char *option;
	const char *setting;
} shorthands[] = {
	{ 'm', "--limit", "limit" },
	{ 'c', "--compressor", "compressor" },
	{ KEY_POOL_MAX, "--pool-max", "pool_max" },
	{ KEY_FOLLOW, "--follow", "follow" },
	{ KEY_NAME, "--name", "name" },
};

/* Check and note OPTION=VALUE; a later one replaces an earlier. */
static void add_setting(struct plan *plan, const char *option,
			const char *key, const char *value)
{
	char why[SETTING_WHY];
	struct setting setting;

	if (setting_parse(&setting, key, value, why, sizeof(why)) < 0) {
		zctl_error("%s: %s", option, why);
		exit(ZCTL_RUN_FAILED);
	}
	if (setting.row == setting_row("uffd_fd")) {
		zctl_error("%s: uffd_fd is set by zctl itself", option);
		exit(ZCTL_RUN_FAILED);
	}
	if (setting.row == setting_row("require"))
		plan->require = strcmp(setting.value, "1") == 0;
	for (size_t i = 0; i < plan->nr_settings; i++) {
		if (plan->settings[i].row == setting.row) {
			plan->settings[i] = setting;
			return;
		}
	}
	plan->settings[plan->nr_settings++] = setting;
}

/* Is option ROW in UZSWAP_CONF, "name:value,name:value"? */
static bool is_in_conf_variable(const struct uzswap_option_row *row)
{
	const char *conf = getenv(UZSWAP_ENV_CONF);
	size_t len = strlen(row->name);

	while (conf && *conf) {
		if (strncmp(conf, row->name, len) == 0 && conf[len] == ':')
			return true;
		conf = strchr(conf, ',');
		conf = conf ? conf + 1 : NULL;
	}
	return false;
}

/* A setting of a file: environment and command line win over it. */
static void take_conf(void *arg, const struct setting *setting,
		      const char *where)
{
	struct plan *plan = arg;

	(void)where;
	if (getenv(setting->row->env) || is_in_conf_variable(setting->row))
		return;
	if (setting->row == setting_row("require") && !plan->require)
		plan->require = strcmp(setting->value, "1") == 0;
	for (size_t i = 0; i < plan->nr_settings; i++) {
		struct setting *old = &plan->settings[i];

		if (old->row != setting->row)
			continue;
		if (!old->given) {	/* of a file before */
			*old = *setting;
			old->given = NULL;
		}
		return;
	}
	plan->settings[plan->nr_settings] = *setting;
	plan->settings[plan->nr_settings++].given = NULL;
}

static void complain_conf(void *arg, const char *sentence)
{
	(void)arg;
	zctl_warn("%s", sentence);
}

static void read_conf(struct plan *plan)
{
	const struct conf_reader reader = {
		.exe = { plan->preflight.path, plan->preflight.subject },
		.take = take_conf,
		.complain = complain_conf,
		.arg = plan,
	};
	int ret;

	if (!plan->config) {
		conf_read(&reader, conf_dirs());
		return;
	}
	ret = conf_read_file(&reader, plan->config);
	if (ret < 0) {
		zctl_error("%s: %s", plan->config, strerror(-ret));
		exit(ZCTL_RUN_FAILED);
	}
}

/* What the library will see for option KEY, in its environment. */
static const char *effective(const struct plan *plan, const char *key)
{
	const struct uzswap_option_row *row = setting_row(key);
	const char *value;

	for (size_t i = 0; i < plan->nr_settings; i++)
		if (plan->settings[i].row == row)
			return plan->settings[i].value;
	value = getenv(row->env);
	return value ? value : row->initial;
}

static void parse_set(struct plan *plan, const char *arg)
{
	const char *equal = strchr(arg, '=');
	char key[64];
	char option[80];

	if (!equal || (size_t)(equal - arg) >= sizeof(key)) {
		zctl_error("--set: '%s' is not KEY=VALUE", arg);
		exit(ZCTL_RUN_FAILED);
	}
	snprintf(key, sizeof(key), "%.*s", (int)(equal - arg), arg);
	snprintf(option, sizeof(option), "--set %s", key);
	add_setting(plan, option, key, equal + 1);
}

/* The time of an option is in seconds, that of a setting as its name says. */
static void add_min_age(struct plan *plan, const char *arg)
{
	char ms[UNITS_BUF];
	uint64_t ns;

	if (units_parse_seconds(&ns, arg) < 0) {
		add_setting(plan, "--min-age", "min_age", arg);
		return;
	}
	snprintf(ms, sizeof(ms), "%" PRIu64 "ms", ns / 1000000);
	add_setting(plan, "--min-age", "min_age", ms);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	for (size_t i = 0; i < ARRAY_SIZE(shorthands); i++) {
		if (key == shorthands[i].key) {
			add_setting(plan, shorthands[i].option,
				    shorthands[i].setting, arg);
			return 0;
		}
	}
	switch (key) {
	case 'a':
		add_min_age(plan, arg);
		return 0;
	case KEY_SET:
		parse_set(plan, arg);
		return 0;
	case KEY_REQUIRE:
		plan->require = true;
		return 0;
	case KEY_TORTURE:
		add_setting(plan, "--torture", "torture", arg ? arg : "1");
		return 0;
	case KEY_CONFIG:
		plan->config = arg;
		return 0;
	case KEY_DRY_RUN:
		plan->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		plan->program = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!plan->program)
			argp_error(state, "no program given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &zctl_talk_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG]...",
	.doc = "Start PROGRAM with its cold memory compressed when memory is "
	       "short.\v"
	       "The exit status is that of the program; 125 if zctl itself "
	       "failed, 126 if the program cannot be executed, 127 if it was "
	       "not found.",
	.children = children,
};

/* Find what stands in the way, in the order of what to tell first. */
static void check(struct plan *plan)
{
	const char *reason;
	bool enable;

	plan->device.fd = -1;
	preflight_check(&plan->preflight, plan->program[0]);
	read_conf(plan);
	if (units_parse_bool(&enable, effective(plan, "enable")) == 0 &&
	    !enable) {
		plan->obstacle = getenv("UZSWAP_ENABLE") ?
				 "switched off by UZSWAP_ENABLE" :
				 "switched off by configuration";
		plan->wanted = true;
		return;
	}
	if (plan->preflight.verdict == PREFLIGHT_NO_PRELOAD) {
		plan->obstacle = plan->preflight.reason;
		plan->subject = plan->preflight.subject;
		return;
	}
	if (library_find(plan->library, sizeof(plan->library), &reason) < 0) {
		plan->obstacle = reason;
		plan->subject = plan->library;
		return;
	}
	device_probe(&plan->device, effective(plan, "uffd"),
		     effective(plan, "uffd_socket"));
	if (!plan->device.source)
		plan->obstacle = "no userfaultfd that sees kernel faults";
}

/* "zctl: warning: running WITHOUT compression: ..." and all that was tried */
static void print_obstacle(const struct plan *plan)
{
	const struct device *device = &plan->device;
	const char *colon = plan->subject ? ": " : "";
	const char *subject = plan->subject ? plan->subject : "";

	zctl_error("%s%s%s%s", plan->require ? "" :
		   "warning: running WITHOUT compression: ", subject, colon,
		   plan->obstacle);
	for (size_t i = 0; i < device->nr_tries; i++)
		fprintf(stderr, "zctl:   %-22s %s\n", device->tries[i].way,
			device->tries[i].result);
	if (device->fix[0])
		fprintf(stderr, "zctl: fix: %s\n", device->fix);
}

static bool must_tell(const struct plan *plan)
{
	if (plan->require || zctl_options.verbose)
		return true;
	return !plan->wanted && !zctl_options.quiet;
}

static void out_of_memory(void)
{
	zctl_error("out of memory");
	exit(ZCTL_RUN_FAILED);
}

static void put_env(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		out_of_memory();
}

static void set_environment(const struct plan *plan)
{
	char *preload = library_preload(plan->library, getenv("LD_PRELOAD"));
	char number[16];

	if (!preload)
		out_of_memory();
	put_env("LD_PRELOAD", preload);
	free(preload);
	for (size_t i = 0; i < plan->nr_settings; i++)
		put_env(plan->settings[i].row->env, plan->settings[i].value);
	if (plan->require)
		put_env("UZSWAP_REQUIRE", "1");
	if (plan->device.fd >= 0) {
		snprintf(number, sizeof(number), "%d", plan->device.fd);
		put_env(DEVICE_FD_ENV, number);
	} else {
		unsetenv(DEVICE_FD_ENV);
	}
}

static enum zctl_status dry_run(const struct plan *plan)
{
	const struct preflight *preflight = &plan->preflight;
	const struct device *device = &plan->device;

	printf("program   %s%s%s\n", preflight->path,
	       preflight->reason[0] ? ": " : "", preflight->reason);
	if (plan->library[0])
		printf("library   %s\n", plan->library);
	for (size_t i = 0; i < device->nr_tries; i++)
		printf("device    %-22s %s\n", device->tries[i].way,
		       device->tries[i].result);
	if (plan->obstacle)
		printf("compress  no: %s\n", plan->obstacle);
	else
		printf("compress  yes\n");
	for (char **env = environ; *env && !plan->obstacle; env++)
		if (strncmp(*env, "UZSWAP_", 7) == 0 ||
		    strncmp(*env, "LD_PRELOAD=", 11) == 0)
			printf("env       %s\n", *env);
	if (!plan->obstacle)
		return ZCTL_DONE;
	return plan->require ? ZCTL_RUN_FAILED : ZCTL_PARTIAL;
}

/* "zctl: java (pid 41207): limit=4G, userfaultfd from /dev/userfaultfd" */
static void print_setup(const struct plan *plan)
{
	const char *slash = strrchr(plan->program[0], '/');

	fprintf(stderr, "zctl: %s (pid %d): ",
		slash ? slash + 1 : plan->program[0], getpid());
	for (size_t i = 0; i < plan->nr_settings; i++)
		fprintf(stderr, "%s %s, ", plan->settings[i].row->name,
			plan->settings[i].given ? plan->settings[i].given
						: plan->settings[i].value);
	fprintf(stderr, "userfaultfd from %s\n", plan->device.source);
	fprintf(stderr, "zctl: watch: zctl stats --watch %d\n", getpid());
}

/*
 * Never returns but with the exit status of a failed exec.  As execvp() does,
 * a text without #! goes to the shell; but a damaged binary does not: it
 * could do anything there.
 */
static enum zctl_status start(struct plan *plan)
{
	const char *path = plan->preflight.path;
	int err;

	execv(path, plan->program);
	err = errno;
	if (err == ENOEXEC && plan->preflight.verdict == PREFLIGHT_TEXT) {
		execvp(plan->program[0], plan->program);
		err = errno;
	}
	zctl_error("%s: %s", path, strerror(err));
	return err == ENOENT || err == ENOTDIR ? ZCTL_RUN_NOT_FOUND
					       : ZCTL_RUN_NOT_EXEC;
}

/* The program cannot be executed at all: the status, else ZCTL_DONE. */
static enum zctl_status check_startable(const struct plan *plan)
{
	const struct preflight *preflight = &plan->preflight;

	if (preflight->verdict != PREFLIGHT_NOT_FOUND &&
	    preflight->verdict != PREFLIGHT_NOT_EXEC)
		return ZCTL_DONE;
	if (strcmp(preflight->path, preflight->subject) == 0)
		zctl_error("%s: %s", preflight->path, preflight->reason);
	else
		zctl_error("%s: its interpreter %s: %s", preflight->path,
			   preflight->subject, preflight->reason);
	return preflight->verdict == PREFLIGHT_NOT_FOUND ?
	       ZCTL_RUN_NOT_FOUND : ZCTL_RUN_NOT_EXEC;
}

enum zctl_status cmd_run(int argc, char **argv)
{
	/* static: two paths of PATH_MAX, and the exec leaves it behind */
	static struct plan plan;
	enum zctl_status status;

	argp_err_exit_status = ZCTL_RUN_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &plan);
	check(&plan);
	status = check_startable(&plan);
	if (status != ZCTL_DONE)
		return status;
	if (plan.obstacle && !plan.dry_run && must_tell(&plan))
		print_obstacle(&plan);
	if (!plan.obstacle)
		set_environment(&plan);
	if (plan.dry_run)
		return dry_run(&plan);
	if (plan.obstacle && plan.require)
		return ZCTL_RUN_FAILED;
	if (!plan.obstacle && zctl_options.verbose)
		print_setup(&plan);
	return start(&plan);
}
