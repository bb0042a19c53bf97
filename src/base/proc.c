/* SPDX-License-Identifier: MIT */
/*
 * Short files of /proc and the stream of lines; the parser of mappings is
 * proc_maps.c.
 *
 * The stream keeps unread bytes at the front of the caller's buffer: when
 * no complete line is left in it, they are moved down and the rest is
 * filled.  A line longer than the buffer is given cut, and what follows up
 * to its newline is passed over.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/sys.h"
#include "base/text.h"

#define SHORT_FILE	4096	/* statm, stat; meminfo's first lines */

void proc_lines_start(struct proc_lines *l, int fd, void *buf, size_t len)
{
	*l = (struct proc_lines){ .fd = fd, .buf = buf, .size = len };
}

int proc_lines_open(struct proc_lines *l, const char *path, void *buf,
		    size_t len)
{
	const long fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

	proc_lines_start(l, sys_failed(fd) ? -1 : (int)fd, buf, len);
	if (sys_failed(fd))
		l->err = (int)fd;
	return l->err;
}

/* One read behind what is there; false at the end or on error. */
static bool fill(struct proc_lines *l)
{
	long n;

	memmove(l->buf, l->buf + l->at, l->end - l->at);
	l->end -= l->at;
	l->at = 0;
	/* a byte stays free for the zero of a line without newline */
	do {
		n = sys_read(l->fd, l->buf + l->end, l->size - 1 - l->end);
	} while (n == -EINTR);
	if (n <= 0) {
		l->err = (int)n;
		return false;
	}
	l->end += (size_t)n;
	return true;
}

char *proc_lines_next(struct proc_lines *l)
{
	if (l->fd < 0 || l->size < 2)
		return NULL;
	for (;;) {
		char *line = l->buf + l->at;
		const size_t len = l->end - l->at;
		char *newline = memchr(line, '\n', len);
		const bool skip = l->skip;

		if (newline) {
			*newline = '\0';
			l->at += (size_t)(newline - line) + 1;
			l->skip = false;
		} else if (len == l->size - 1) {
			line[len] = '\0';
			l->at = l->end;
			l->skip = true;
		} else if (fill(l)) {
			continue;
		} else {
			/* the last line, if it has no newline */
			line = l->buf;
			line[len] = '\0';
			l->at = l->end;
			return len && !skip && !l->err ? line : NULL;
		}
		if (!skip)
			return line;
	}
}

void proc_lines_close(struct proc_lines *l)
{
	if (l->fd >= 0)
		sys_close(l->fd);
	l->fd = -1;
}

long proc_pread(int fd, char *buf, size_t len)
{
	size_t at = 0;

	if (!len)
		return -EINVAL;
	buf[0] = '\0';
	while (at < len - 1) {
		const long n = sys_pread(fd, buf + at, len - 1 - at,
					 (off_t)at);

		if (n == -EINTR)
			continue;
		if (n < 0) {
			buf[0] = '\0';
			return n;
		}
		if (!n)
			break;
		at += (size_t)n;
	}
	buf[at] = '\0';
	return (long)at;
}

static long read_and_close(long fd, char *buf, size_t len)
{
	long n;

	if (sys_failed(fd)) {
		if (len)
			buf[0] = '\0';
		return fd;
	}
	n = proc_pread((int)fd, buf, len);
	sys_close((int)fd);
	return n;
}

long proc_read(const char *path, char *buf, size_t len)
{
	const long fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

	return read_and_close(fd, buf, len);
}

long proc_open_self(const char *name)
{
	static const char dirs[][19] = { "/proc/thread-self/", "/proc/self/" };
	long fd = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[64];
		char *end = path;

		text_append(&end, path + sizeof(path), dirs[i]);
		text_append(&end, path + sizeof(path), name);
		fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
		if (!sys_failed(fd))
			break;
	}
	return fd;
}

long proc_read_self(const char *name, char *buf, size_t len)
{
	return read_and_close(proc_open_self(name), buf, len);
}

static const char *skip_spaces(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

bool proc_key(const char *text, const char *key, uint64_t *out)
{
	const size_t len = strlen(key);

	*out = 0;
	while (*text) {
		if (!strncmp(text, key, len) && text[len] &&
		    strchr(": \t", text[len])) {
			const char *p = skip_spaces(text + len + 1);

			if (*p < '0' || *p > '9')
				return false;
			*out = text_take_u64(&p);
			if (text_starts(p, " kB") &&
			    __builtin_mul_overflow(*out, 1024, out))
				*out = UINT64_MAX;
			return true;
		}
		text = strchr(text, '\n');
		if (!text)
			break;
		text++;
	}
	return false;
}

int proc_statm_parse(struct proc_statm *out, const char *text)
{
	uint64_t *fields[] = { &out->size, &out->resident, &out->shared };

	*out = (struct proc_statm){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		text = skip_spaces(text);
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(text_take_u64(&text), PAGE_SIZE,
					   fields[i]))
			return -ERANGE;
	}
	return 0;
}

int proc_statm(struct proc_statm *out)
{
	char text[128];
	const long n = proc_read_self("statm", text, sizeof(text));

	*out = (struct proc_statm){ 0 };
	return n < 0 ? (int)n : proc_statm_parse(out, text);
}

size_t proc_private_bytes(void)
{
	char buf[128];
	const char *p = buf;
	uint64_t pages = 0;

	if (proc_read_self("statm", buf, sizeof(buf)) <= 0)
		return 0;
	/* size resident shared text lib DATA dt */
	for (int i = 0; i < 6; i++) {
		pages = text_take_u64(&p);
		while (*p == ' ')
			p++;
	}
	return pages * PAGE_SIZE;
}

int proc_meminfo_parse(struct proc_meminfo *out, const char *text)
{
	const bool total = proc_key(text, "MemTotal", &out->total);
	const bool available = proc_key(text, "MemAvailable", &out->available);

	return total && available ? 0 : -EINVAL;
}

int proc_meminfo(struct proc_meminfo *out)
{
	char text[SHORT_FILE];
	const long n = proc_read("/proc/meminfo", text, sizeof(text));

	*out = (struct proc_meminfo){ 0 };
	return n < 0 ? (int)n : proc_meminfo_parse(out, text);
}

/*
 * The second field is the name in parentheses, and may itself hold spaces,
 * parentheses and newlines: count fields from the last ")".
 */
static int stat_field(uint64_t *out, const char *text, int nth)
{
	const char *p = strrchr(text, ')');

	*out = 0;
	if (!p)
		return -EINVAL;
	p++;
	for (int field = 3; field <= nth; field++) {
		if (*p != ' ')
			return -EINVAL;
		p++;
		if (field < nth)
			p += strcspn(p, " ");
	}
	if (*p < '0' || *p > '9')
		return -EINVAL;
	*out = text_take_u64(&p);
	return 0;
}

int proc_start_time_parse(uint64_t *out, const char *text)
{
	return stat_field(out, text, 22);
}

int proc_start_time_ticks(uint64_t *out)
{
	char text[1024];
	const long n = proc_read("/proc/self/stat", text, sizeof(text));

	*out = 0;
	return n < 0 ? (int)n : proc_start_time_parse(out, text);
}

int proc_threads(struct proc_threads *out)
{
	char text[1024];
	const long n = proc_read("/proc/self/stat", text, sizeof(text));
	const char *state;
	int ret;

	*out = (struct proc_threads){ 0 };
	if (n < 0)
		return (int)n;
	/* the command's name comes before it, and may have any character */
	state = strrchr(text, ')');
	out->first_ended = state && state[1] == ' ' && state[2] == 'Z';
	ret = stat_field(&out->nr, text, 20);
	return ret ? ret : stat_field(&out->status, text, 52);
}

int32_t proc_task_cpu(int32_t tid)
{
	char path[64] = "/proc/self/task/";
	char number[24];
	char text[1024];
	char *end = path + strlen(path);
	uint64_t cpu;
	long n;

	text_append(&end, path + sizeof(path),
		    text_u64(number, sizeof(number), (uint64_t)tid));
	text_append(&end, path + sizeof(path), "/stat");
	n = proc_read(path, text, sizeof(text));
	if (n >= 0)
		n = stat_field(&cpu, text, 39);
	return n < 0 ? (int32_t)n : (int32_t)cpu;
}

void proc_comm(char *buf, size_t len)
{
	const long n = proc_read("/proc/self/comm", buf, len);

	if (n > 0 && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
}

/* What %WHAT stands for. */
static void expand_one(char *buf, size_t len, char what, uint64_t since_s)
{
	long n;

	switch (what) {
	case 'p':
		text_u64(buf, len, (uint64_t)sys_getpid());
		break;
	case 'e':
		proc_comm(buf, len);
		break;
	case 'h':
		n = proc_read("/proc/sys/kernel/hostname", buf, len);
		if (n > 0 && buf[n - 1] == '\n')
			buf[n - 1] = '\0';
		break;
	case 't':
		text_u64(buf, len, since_s);
		break;
	default:
		text_copy(buf, len, "%");
	}
}

void proc_expand(char *path, size_t len, const char *pattern, uint64_t since_s)
{
	char *end = path;
	const char *limit = path + len;

	if (len)
		*path = 0;
	for (; *pattern; pattern++) {
		char text[65] = { *pattern, 0 };

		if (*pattern == '%')
			expand_one(text, sizeof(text), *++pattern, since_s);
		text_append(&end, limit, text);
		if (!*pattern)
			break;
	}
}
