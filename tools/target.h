/* SPDX-License-Identifier: MIT */
/*
 * Which processes a command is about: all there are, or the one named on
 * the command line by its pid, its command or its label.
 *
 * Everything here complains itself, in the words of zctl(1), and returns
 * an exit status; client.h underneath returns -errno and reasons.
 */
#ifndef UZ_TOOLS_TARGET_H
#define UZ_TOOLS_TARGET_H

#include "client.h"

/* Every process we can see. */
struct target_list {
	struct client *clients;	/* active ones and children, by rising pid */
	size_t nr;
	size_t nr_dormant;
	size_t nr_denied;	/* we may not look into them */
	size_t nr_failed;	/* complained about */
};

/* Look at all processes; dormant ones are only counted unless DORMANT. */
MUST_USE enum zctl_status target_list_open(struct target_list *list,
					   bool dormant);

void target_list_close(struct target_list *list);

/*
 * Open the process meant by WORD: a pid or, with BY_NAME, the command or
 * label of exactly one process.  ZCTL_DONE: client->kind is not CLIENT_NONE.
 */
MUST_USE enum zctl_status target_open(struct client *client,
				      const char *word, bool by_name);

/* The exit status for an error of client_open() or client_refresh(). */
enum zctl_status target_status(int err);

#endif
