/* SPDX-License-Identifier: MIT */
/*
 * zctl off: restore everything and let go, or store nothing new.
 *
 * Like swapoff, it never pushes the machine out of memory unless told to:
 * the process says what restoring takes and what there is, refuses if that
 * does not fit, and stops when it runs short on the way.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "progress.h"
#include "record.h"
#include "target.h"
#include "units.h"

struct off_options {
	struct target_choice choice;
	bool keep;
	bool restore;
	bool force;
};

enum { KEY_KEEP = 512, KEY_RESTORE, KEY_FORCE };

static const struct argp_option options[] = {
	{ "keep", KEY_KEEP, NULL, 0,
	  "store nothing new; what is stored comes back when it is touched",
	  0 },
	{ "restore", KEY_RESTORE, NULL, 0,
	  "restore everything and unregister all memory (default)", 0 },
	{ "force", KEY_FORCE, NULL, 0,
	  "restore even if it may not fit into memory", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct off_options *off = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &off->choice;
		return 0;
	case KEY_KEEP:
		off->keep = true;
		return 0;
	case KEY_RESTORE:
		off->restore = true;
		return 0;
	case KEY_FORCE:
		off->force = true;
		return 0;
	case ARGP_KEY_END:
		if (off->keep && (off->restore || off->force))
			argp_error(state, "--keep restores nothing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID",
	.doc = "Restore everything that is stored and let go of all memory, "
	       "or only store nothing new.  Refused if it does not fit into "
	       "memory.",
	.children = target_children,
};

static enum zctl_status refused(const struct client *client,
				const struct ask_answer *answer)
{
	const uint64_t *n = answer->numbers;
	char text[3][UNITS_BUF];
	const char *who = client->comm;
	int pid = client->pid;

	switch (-answer->err) {
	case ENOSPC:
		zctl_error("%s (pid %d): restoring %s needs %s more memory, "
			   "%s available: refused (use --keep or --force)",
			   who, pid,
			   zctl_size(text[0], n[UZSWAP_OFF_STORED]),
			   zctl_size(text[1], n[UZSWAP_OFF_NEEDED]),
			   zctl_size(text[2], n[UZSWAP_OFF_AVAILABLE]));
		break;
	case ENOMEM:
		zctl_error("%s (pid %d): memory ran short when %s of %s were "
			   "restored: it goes on as before (use --keep or "
			   "--force)", who, pid,
			   zctl_size(text[0], answer->done),
			   zctl_size(text[1], answer->total));
		return ZCTL_PARTIAL;
	case ECANCELED:
		zctl_error("%s (pid %d): given up when %s of %s were "
			   "restored: it goes on as before", who, pid,
			   zctl_size(text[0], answer->done),
			   zctl_size(text[1], answer->total));
		return ZCTL_PARTIAL;
	case EALREADY:
		zctl_error("%s (pid %d): it is off, and nothing stored", who,
			   pid);
		break;
	default:
		zctl_error("%s (pid %d): not everything could be restored: "
			   "%s", who, pid, strerror(-answer->err));
		return ZCTL_PARTIAL;
	}
	return ZCTL_FAILED;
}

static void print_text(const struct client *client,
		       const struct off_options *off,
		       const struct ask_answer *answer)
{
	char text[UNITS_BUF];
	char time[UNITS_BUF];

	if (zctl_options.quiet)
		return;
	if (off->keep)
		printf("%s (%d): eviction stopped; %s stay stored and are "
		       "restored when touched\n", client->comm, client->pid,
		       zctl_size(text, client->snap.s.stored));
	else
		printf("%s (%d): restored %s in %s; uzswap is idle in this "
		       "process (safe for gdb, gcore, criu)\n", client->comm,
		       client->pid,
		       zctl_size(text, answer->numbers[UZSWAP_OFF_STORED]),
		       units_duration(time, sizeof(time),
				      answer->numbers[UZSWAP_OFF_NS]));
}

static enum zctl_status print_json(const struct client *client,
				   const struct off_options *off,
				   const struct ask_answer *answer)
{
	const uint64_t *n = answer->numbers;
	json_t *document = record_document("uzswap.off.v1");

	record_add_process(document, client);
	json_object_set_new(document, "done", json_boolean(!answer->err));
	if (!off->keep)
		json_object_set_new(document, "restore", json_pack(
			"{sI sI sI sI}",
			"stored_bytes", (json_int_t)n[UZSWAP_OFF_STORED],
			"needed_bytes", (json_int_t)n[UZSWAP_OFF_NEEDED],
			"available_bytes", (json_int_t)n[UZSWAP_OFF_AVAILABLE],
			"time_ns", (json_int_t)n[UZSWAP_OFF_NS]));
	return record_print(document, false);
}

static enum zctl_status off_one(struct client *client, void *ctx)
{
	const struct off_options *off = ctx;
	const struct ask request = {
		.kind = off->keep ? UZSWAP_CTL_keep : UZSWAP_CTL_off,
		.args = { off->force },
		.progress = progress_show,
		.ctx = (char[]){ "restoring" },
	};
	struct ask_answer answer;
	enum zctl_status status = ask_for(client, &request, &answer);
	char why[160];

	progress_end();
	if (status != ZCTL_DONE)
		return status;
	if (client_refresh(client, why, sizeof(why)) < 0) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
		return ZCTL_NO_PROCESS;
	}
	if (answer.err)
		status = refused(client, &answer);
	if (zctl_options.json)
		status = target_worse(status,
				      print_json(client, off, &answer));
	else if (!answer.err)
		print_text(client, off, &answer);
	return status;
}

enum zctl_status cmd_off(int argc, char **argv)
{
	struct off_options off = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &off);
	ask_catch_signals();
	return target_each(&off.choice, off_one, &off);
}
