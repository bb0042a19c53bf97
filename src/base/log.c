/* SPDX-License-Identifier: MIT */
/*
 * One write(2) per line, so that lines of several threads do not mix.  The
 * program's stderr is reached through /proc/self/fd/2, which names the
 * descriptor of the thread group leader, whatever table we ourselves have;
 * if that can't be opened (a socket, no /proc), our own fd 2 is tried.
 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "base/sys.h"

#define LINE_MAX_LEN	512

static _Atomic bool is_quiet;

void log_set_quiet(bool quiet)
{
	is_quiet = quiet;
}

static void put_line(const char *line, size_t len)
{
	long fd = sys_open("/proc/self/fd/2",
			   O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC |
			   O_NONBLOCK, 0);

	if (fd < 0) {
		sys_write(2, line, len);
		return;
	}
	sys_write((int)fd, line, len);
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
