/* SPDX-License-Identifier: MIT */
/*
 * zctl on: after zctl off, all of it again.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "record.h"
#include "target.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "PID",
	.doc = "Switch on again what zctl off has switched off.",
	.children = target_children,
};

static enum zctl_status on_one(struct client *client, void *ctx)
{
	const struct ask request = { .kind = UZSWAP_CTL_on };
	struct ask_answer answer;
	enum zctl_status status = ask_for(client, &request, &answer);
	char why[160];
	json_t *document;

	(void)ctx;
	if (status != ZCTL_DONE)
		return status;
	if (answer.err) {
		zctl_error("%s (pid %d): cannot be switched on: %s",
			   client->comm, client->pid, strerror(-answer.err));
		return ZCTL_FAILED;
	}
	if (!zctl_options.json) {
		if (!zctl_options.quiet)
			printf("%s (%d): on\n", client->comm, client->pid);
		return ZCTL_DONE;
	}
	if (client_refresh(client, why, sizeof(why)) < 0)
		return ZCTL_NO_PROCESS;
	document = record_document("uzswap.on.v1");
	record_add_process(document, client);
	return record_print(document, false);
}

enum zctl_status cmd_on(int argc, char **argv)
{
	struct target_choice choice = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &choice);
	return target_each(&choice, on_one, NULL);
}
