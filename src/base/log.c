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

#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"

#define LINE_MAX_LEN	512
#define FILE_MAX_LEN	256

static _Atomic uint32_t wanted = LOG_WARN;

/* The file; "" for none.  Who reads it while it is changed gets a mixture,
   which at worst names another file of the user's own. */
static char file[FILE_MAX_LEN];
static uint64_t file_since_s;	/* when it was set, for %t */

void log_set(enum log_level most, const char *name)
{
	if (!text_equal(file, name)) {
		text_copy(file, sizeof(file), name);
		file_since_s = sys_clock_ns(CLOCK_REALTIME) / NS_PER_S;
	}
	wanted = most;
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

/* "2026-11-22T02:30:11Z 4711 " */
static char *put_head(char *at, const char *limit)
{
	char text[TEXT_NUM];
	uint64_t now_s = sys_clock_ns(CLOCK_REALTIME) / NS_PER_S;

	text_append(&at, limit, text_time(text, sizeof(text), now_s));
	text_append(&at, limit, " ");
	text_append(&at, limit, text_u64(text, sizeof(text),
					 (uint64_t)sys_getpid()));
	text_append(&at, limit, " ");
	return at;
}

/* False if there is no file, or it cannot be written. */
static bool put_in_file(const char *text, size_t len)
{
	char path[FILE_MAX_LEN];
	char line[LINE_MAX_LEN + 64];
	char *at = put_head(line, line + sizeof(line));
	long fd;

	if (!*file)
		return false;
	memcpy(at, text, len);
	proc_expand(path, sizeof(path), file, file_since_s);
	fd = sys_open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY |
		      O_CLOEXEC | O_NONBLOCK, 0644);
	if (sys_failed(fd))
		return false;
	sys_write((int)fd, line, (size_t)(at - line) + len);
	sys_close((int)fd);
	return true;
}

static void put_on_stderr(const char *line, size_t len)
{
	static const struct timespec at_once;
	const long fd = open_stderr();
	struct pollfd can = { .fd = fd < 0 ? 2 : (int)fd, .events = POLLOUT };

	if (sys_poll(&can, 1, &at_once) > 0 && can.revents & POLLOUT)
		sys_write(can.fd, line, len);
	if (fd >= 0)
		sys_close((int)fd);
}

void log_at(enum log_level level, const char *piece, ...)
{
	static const char who[] = "uzswap: ";
	const size_t who_len = sizeof(who) - 1;
	char line[LINE_MAX_LEN];
	size_t len = who_len;
	va_list ap;

	if (likely(level > wanted))
		return;
	memcpy(line, who, who_len);
	va_start(ap, piece);
	for (const char *p = piece; p; p = va_arg(ap, const char *)) {
		size_t n = min_size(strlen(p), sizeof(line) - 1 - len);

		memcpy(line + len, p, n);
		len += n;
	}
	va_end(ap);
	line[len++] = '\n';
	if (!put_in_file(line + who_len, len - who_len))
		put_on_stderr(line, len);
}

void die(const char *why)
{
	/* whoever looks at the terminal has to see it, too */
	file[0] = 0;
	log_at(LOG_OFF, "fatal: ", why, NULL);
	sys_abort();
}
