/* SPDX-License-Identifier: MIT */
/*
 * Find processes under uzswap and open their statistics pages.
 *
 * A process under uzswap has "/memfd:uzswap:ctl" in its maps; one that is
 * still dormant has only the library there.  The page is opened through
 * /proc/PID/map_files (privileged) or the descriptor table of one of the
 * threads (the library's helpers hold it); the kernel decides whether we
 * may.  Nothing wakes or stops the process.
 *
 * A page may name another process: a forked child keeps its parent's
 * mapping until it has its own.  Such a one is reported as a child, without
 * numbers.  The process is identified by pid and start time.
 */
#ifndef UZ_TOOLS_CLIENT_H
#define UZ_TOOLS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot.h"
#include "zctl.h"

enum client_kind {
	CLIENT_NONE,		/* not under uzswap */
	CLIENT_DORMANT,		/* the library is there, no page yet */
	CLIENT_CHILD,		/* forked, not yet taken over */
	CLIENT_PAGE		/* SNAP is valid */
};

struct client {
	pid_t pid;		/* as we see it */
	pid_t inner_pid;	/* in the process's own pid namespace */
	uid_t uid;		/* effective */
	char comm[32];		/* clean */
	char user[32];		/* name, or the number; clean */
	bool stopped;		/* SIGSTOP or a debugger */
	bool ended;		/* only waited for */
	uint64_t start_ticks;	/* field 22 of /proc/PID/stat */
	enum client_kind kind;
	int fd;			/* the page; -1 unless CLIENT_PAGE */
	struct snapshot snap;
};

/*
 * Look at process PID: fills all of CLIENT, whatever is returned.
 *
 * why      out: what went wrong, in words, for people
 *
 * Returns  0         see kind; CLIENT_NONE is no error
 *          -ESRCH    there is no such process
 *          -EACCES   we may not look into it
 *          -EBADMSG  it has a page that cannot be used
 *          -errno    anything else
 */
MUST_USE int client_open(struct client *client, pid_t pid,
			 char *why, size_t why_len);

/* Read the page again; -ESRCH when the process has gone. */
MUST_USE int client_refresh(struct client *client, char *why, size_t why_len);

/*
 * Is it there yet?  STOPPED: by a signal or a debugger.  -ESRCH: it has
 * ended, or is only waited for.
 */
MUST_USE int client_is_alive(const struct client *client, bool *stopped);

/*
 * A descriptor of another page of this process, by the name of its memfd:
 * whose page it really is, its content must tell.  Or -errno; -ENOENT: there
 * is none.  It stays readable when the process has ended.
 */
MUST_USE int client_open_page(const struct client *client, const char *name);

void client_close(struct client *client);

#endif
