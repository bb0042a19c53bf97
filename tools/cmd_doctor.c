/* SPDX-License-Identifier: MIT */
/*
 * zctl doctor: would compression work here, and if not, why not?
 *
 *   examine_machine.c   permission, kernel, library, surroundings
 *   examine_process.c   a program's file, or a running process
 *   finding.c           what was found, as lines or JSON
 */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "examine.h"
#include "target.h"
#include "units.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char **subject = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (*subject)
		argp_error(state, "one program or process only");
	*subject = arg;
	return 0;
}

static const struct argp_child children[] = {
	{ &zctl_output_argp, 0, NULL, 10 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[PID|PROGRAM]",
	.doc = "Check whether memory can be compressed here, in PROGRAM, or in "
	       "the running process PID.\v"
	       "The exit status is 0 if it works, 3 if it works with warnings, "
	       "1 if it does not.",
	.children = children,
};

static enum zctl_status examine_pid(struct findings *f, char *subject,
				    size_t len, pid_t pid)
{
	struct client client;
	char why[160];
	int ret = client_open(&client, pid, why, sizeof(why));

	if (ret == -ESRCH || ret == -EACCES || ret == -EPERM) {
		zctl_error("%d: %s", pid, why);
		return target_status(ret);
	}
	snprintf(subject, len, "%s (pid %d)", client.comm, pid);
	if (ret < 0)
		finding_add(f, FINDING_FAIL, "statistics", "%s", why);
	else
		examine_process(f, &client);
	client_close(&client);
	return ZCTL_DONE;
}

enum zctl_status cmd_doctor(int argc, char **argv)
{
	static struct findings findings;
	const struct passwd *pw = getpwuid(geteuid());
	enum zctl_status status = ZCTL_DONE;
	char *what = NULL;
	char subject[PATH_MAX];
	char title[256];
	uint64_t pid;

	argp_parse(&argp, argc, argv, 0, NULL, &what);
	snprintf(subject, sizeof(subject), "%s",
		 what ? what : pw ? pw->pw_name : "this user");
	examine_title(title, sizeof(title));
	/* a file called 17 is ./17 */
	if (what && units_parse_u64(&pid, what) == 0 && pid <= INT_MAX) {
		status = examine_pid(&findings, subject, sizeof(subject),
				     (pid_t)pid);
	} else {
		if (what)
			examine_program(&findings, what);
		examine_machine(&findings);
	}
	if (status != ZCTL_DONE)
		return status;
	return finding_print(&findings, title, subject);
}
