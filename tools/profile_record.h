/* SPDX-License-Identifier: MIT */
/*
 * Recording: watch the profile page of a process for a while, then make a
 * struct profile of it.
 *
 * Its memfd is held open, so that what was recorded is there even if the
 * process ends; what is mapped is looked at again and again, as that is not.
 * A program gives its memory back before it ends: so copies of all tables are
 * kept, and of a process that has ended what it was some seconds before is
 * shown.
 */
#ifndef UZ_TOOLS_PROFILE_RECORD_H
#define UZ_TOOLS_PROFILE_RECORD_H

#include "client.h"
#include "profile.h"

struct profile_record {
	pid_t pid;
	int fd;			/* the page */
	struct profile maps;	/* modules and maps only, as last seen */
	struct profile_heat *rows;
	size_t nr_rows;
	uint64_t every_ms;	/* between rows; doubles when there are many */
	struct profile_page full[2]; /* all tables: some seconds ago, lately */
};

/*
 * Open the page of CLIENT.
 *
 * Returns  0, -ENOENT: it is not recording (any more), or -errno
 */
MUST_USE int profile_record_open(struct profile_record *r,
				 const struct client *client);

/* Take a row of heat, and have a look at the maps.  0, or -errno. */
int profile_record_look(struct profile_record *r);

/* All of it, symbolized; COMMAND is kept in it. */
MUST_USE enum zctl_status profile_record_finish(struct profile_record *r,
						struct profile *p,
						const char *command);
void profile_record_close(struct profile_record *r);

#endif
