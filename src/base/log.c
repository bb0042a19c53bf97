/* SPDX-License-Identifier: MIT */
/*
 * One write(2) per line, so that lines of several threads do not mix.  The
 * program's stderr is that of the thread group leader, whatever table we
 * ourselves have: by pidfd_getfd (Linux 5.6), or opened through /proc/self,
 * which fails for a socket or the pipe of another user.  Our own fd 2 is
 * tried last.  No line is worth waiting for: a full pipe gets none.
 */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "base/sys.h"

#define LINE_MAX_LEN	512

static _Atomic bool is_quiet;

void log_set_quiet(bool quiet)
{
	is_quiet = quiet;
}

/* A descriptor of the program's stderr, to be closed; or -errno. */
static long open_stderr(void)
{
	const long self = sys_pidfd_open((pid_t)sys_getpid());
	long fd = self;

	if (!sys_failed(self)) {
		fd = sys_pidfd_getfd((int)self, 2);
		sys_close((int)self);
	}
	if (sys_failed(fd))
		fd = sys_open("/proc/self/fd/2", O_WRONLY | O_APPEND |
			      O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0);
	return fd;
}

static void put_line(const char *line, size_t len)
{
	static const struct timespec at_once;
	const long fd = open_stderr();
	struct pollfd can = { .fd = fd < 0 ? 2 : (int)fd, .events = POLLOUT };

	if (sys_poll(&can, 1, &at_once) > 0 && can.revents & POLLOUT)
		sys_write(can.fd, line, len);
	if (fd >= 0)
		sys_close((int)fd);
}

void log_line(const char *piece, ...)
{
	char line[LINE_MAX_LEN];
	size_t len = 0;
	const char *p = "uzswap: ";
	va_list ap;

	if (is_quiet)
		return;
	va_start(ap, piece);
	for (const char *next = piece; p; p = next,
	     next = next ? va_arg(ap, const char *) : NULL) {
		size_t n = min_size(strlen(p), sizeof(line) - 1 - len);

		memcpy(line + len, p, n);
		len += n;
	}
	va_end(ap);
	line[len++] = '\n';
	put_line(line, len);
}

void die(const char *why)
{
	is_quiet = false;
	log_line("fatal: ", why, NULL);
	sys_abort();
}
