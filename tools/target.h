/* SPDX-License-Identifier: MIT */
/*
 * Which processes a command is about: all there are, or those chosen on the
 * command line by pid, name, user or unit.
 *
 * Everything here complains itself, in the words of zctl(1), and returns
 * an exit status; client.h underneath returns -errno and reasons.
 *
 * A command takes the options, and the argument PID, by having
 * target_children, with a struct target_choice as input of the first:
 *
 *	case ARGP_KEY_INIT:
 *		state->child_inputs[0] = &mine->choice;
 *		return 0;
 *
 * One that has other arguments takes them while target_is_chosen(), and leaves
 * the first to it by ARGP_ERR_UNKNOWN.
 *
 * argp gives arguments after all options, so "NAME -n java 2G" works.
 */
#ifndef UZ_TOOLS_TARGET_H
#define UZ_TOOLS_TARGET_H

#include <argp.h>

#include "client.h"

/* What the command line said; all that is not NULL must fit. */
struct target_choice {
	const char *pid;	/* the argument PID */
	const char *name;	/* command or label */
	const char *user;	/* name or number */
	const char *unit;	/* a cgroup's name or path, a glob */
	bool all;
	bool optional;		/* none at all is no error */
};

extern const struct argp target_filter_argp;	/* -n, -u, --unit */

/* Of a command about some processes: those and --all, how it is printed. */
extern const struct argp_child target_children[];
extern const struct argp_child target_filter_children[];	/* no --all */

/* Is ARG the PID, since nothing else has chosen?  Then it is kept. */
bool target_take_pid(struct target_choice *choice, char *arg);

bool target_is_chosen(const struct target_choice *choice);

/* Some processes. */
struct target_list {
	struct client *clients;	/* by rising pid */
	size_t nr;
	size_t nr_dormant;
	size_t nr_denied;	/* we may not look into them */
	size_t nr_failed;	/* complained about */
};

/*
 * Open the processes chosen by CHOICE (NULL: all there are, which may be
 * none).  Dormant ones are only counted unless DORMANT or chosen by pid.
 *
 * Returns  ZCTL_DONE, or ZCTL_PARTIAL: some could not be read; LIST is valid
 *          else: complained, LIST is empty
 */
MUST_USE enum zctl_status target_list_open(struct target_list *list,
					   const struct target_choice *choice,
					   bool dormant);

void target_list_close(struct target_list *list);

/*
 * Open the one process that is chosen; more than one is bad usage.
 * ZCTL_DONE: client->kind is not CLIENT_NONE.
 */
MUST_USE enum zctl_status target_open(struct client *client,
				      const struct target_choice *choice);

/*
 * Call FN for each of the processes chosen by CHOICE.  The status is the
 * worst of all; FN complains itself.
 */
MUST_USE enum zctl_status
target_each(const struct target_choice *choice,
	    enum zctl_status (*fn)(struct client *client, void *ctx),
	    void *ctx);

/* The one of two outcomes that is told: the first failure, if any. */
enum zctl_status target_worse(enum zctl_status a, enum zctl_status b);

/* The exit status for an error of client_open() or client_refresh(). */
enum zctl_status target_status(int err);

#endif
