/* SPDX-License-Identifier: MIT */
/*
 * Two small parsers and a comparison of paths.
 *
 * The line of /proc/self/cgroup is ID:CONTROLLERS:PATH, v2 has ID 0 and no
 * controllers.  A line of mountinfo is
 *
 *	36 35 98:0 ROOT MOUNTPOINT OPTIONS [TAG]... - TYPE SOURCE SUPEROPTIONS
 *
 * with blanks in paths written as \040.
 */
#include "base/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"

/* False if it does not fit. */
static bool join(char *out, size_t size, const char *a, const char *b)
{
	char *end = out;

	if (strlen(a) + strlen(b) >= size)
		return false;
	*out = '\0';
	text_append(&end, out + size, a);
	text_append(&end, out + size, b);
	return true;
}

static long open_below(const char *prefix, const char *path)
{
	char full[CGROUP_PATH];

	if (!join(full, sizeof(full), prefix, path))
		return -ENAMETOOLONG;
	return sys_open(full, O_RDONLY | O_CLOEXEC, 0);
}

/* Is WORD one of the comma-separated words of LIST, which ends at a STOP? */
static bool has_word(const char *list, char stop, const char *word)
{
	const size_t len = strlen(word);

	while (*list && *list != stop) {
		const char *end = list;

		while (*end && *end != stop && *end != ',')
			end++;
		if ((size_t)(end - list) == len && !memcmp(list, word, len))
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* The path in a LINE of /proc/self/cgroup, NULL if of another hierarchy. */
static const char *group_of_line(const char *line, bool v2)
{
	const char *controllers = strchr(line, ':');
	const char *path;

	if (!controllers)
		return NULL;
	controllers++;
	path = strchr(controllers, ':');
	if (!path || path[1] != '/')
		return NULL;
	if (v2 ? line[0] != '0' || path != controllers :
		 !has_word(controllers, ':', "memory"))
		return NULL;
	return path + 1;
}

static void hash_text(uint64_t *hash, const char *s)
{
	/* FNV-1a; the closing zero counts too */
	do {
		*hash = (*hash ^ (unsigned char)*s) * 0x100000001b3ull;
	} while (*s++);
}

uint64_t cgroup_own_hash(const char *prefix, char *buf, size_t len)
{
	const long fd = open_below(prefix, "/proc/self/cgroup");
	uint64_t hash = 0xcbf29ce484222325ull;
	struct proc_lines lines;
	const char *line;

	if (sys_failed(fd))
		return 0;
	proc_lines_start(&lines, (int)fd, buf, len);
	for (;;) {
		line = proc_lines_next(&lines);
		if (!line)
			break;
		if (group_of_line(line, false) || group_of_line(line, true))
			hash_text(&hash, line);
	}
	proc_lines_close(&lines);
	if (lines.err)
		return 0;
	return hash ? hash : 1;
}

/* Fills W->group. */
static int find_group(struct cgroup_walk *w)
{
	const long fd = open_below(w->prefix, "/proc/self/cgroup");
	struct proc_lines lines;
	const char *group;
	const char *line;

	if (sys_failed(fd))
		return (int)fd;
	proc_lines_start(&lines, (int)fd, w->text, sizeof(w->text));
	do {
		line = proc_lines_next(&lines);
		group = line ? group_of_line(line, w->v2) : NULL;
	} while (line && !group);
	proc_lines_close(&lines);
	if (!group || strlen(group) >= sizeof(w->group))
		return -ENOENT;
	text_copy(w->group, sizeof(w->group), group);
	return 0;
}

/* Undo \ooo in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 |
					(s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* End the word at S with a zero and return the next; NULL if none. */
static char *next_word(char *s)
{
	s = strchr(s, ' ');
	if (!s)
		return NULL;
	*s = '\0';
	return s + 1;
}

/* Root and mount point of a mountinfo LINE of the wanted hierarchy. */
static bool parse_mount(char *line, bool v2, char **root, char **point)
{
	char *tail = strstr(line, " - ");
	const char *options;

	if (!tail)
		return false;
	*tail = '\0';
	tail += strlen(" - ");
	if (!text_starts(tail, v2 ? "cgroup2 " : "cgroup "))
		return false;
	options = strrchr(tail, ' ');
	if (!v2 && !has_word(options + 1, ' ', "memory"))
		return false;
	for (int skip = 0; line && skip < 3; skip++)
		line = next_word(line);
	if (!line)
		return false;
	*root = line;
	*point = next_word(line);
	if (!*point || **root != '/' || **point != '/')
		return false;
	next_word(*point);
	unescape(*root);
	unescape(*point);
	return true;
}

/* Length of the run of "/.." components that PATH begins with. */
static size_t dots_len(const char *path)
{
	size_t len = 0;

	while (text_starts(path + len, "/..") &&
	       (path[len + 3] == '/' || !path[len + 3]))
		len += 3;
	return len;
}

/*
 * The way from a mount's ROOT down to GROUP: "", "/a/b", or NULL when the
 * mount does not show GROUP, nor is known to show an ancestor.
 */
static const char *way_down(const char *root, const char *group)
{
	const size_t len = strcmp(root, "/") ? strlen(root) : 0;
	const size_t dots = dots_len(root);

	if (!strncmp(root, group, len) && (group[len] == '/' || !group[len])) {
		group += len;
		if (dots_len(group))
			return NULL;	/* beside the mount's root */
		return strcmp(group, "/") ? group : "";
	}
	/* nothing but dots, and more of them: above the namespace and us */
	if (dots && !root[dots] && dots > dots_len(group))
		return "";
	return NULL;
}

static bool is_directory(const char *path)
{
	const long fd = sys_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (sys_failed(fd))
		return false;
	sys_close((int)fd);
	return true;
}

/*
 * How good is a mount that shows WAY at POINT?  0: not at all.  Leaves the
 * directory in W->dir.
 */
static size_t rate_mount(struct cgroup_walk *w, const char *point,
			 const char *way)
{
	size_t rate = 1 + strlen(way);

	if (!join(w->dir, sizeof(w->dir), w->prefix,
		  strcmp(point, "/") ? point : ""))
		return 0;
	w->mount_len = strlen(w->dir);
	if (!is_directory(w->mount_len ? w->dir : "/"))
		return 0;
	if (w->mount_len + strlen(way) >= sizeof(w->dir))
		return 0;
	text_copy(w->dir + w->mount_len, sizeof(w->dir) - w->mount_len, way);
	if (is_directory(w->dir))
		rate += CGROUP_PATH;
	return rate;
}

static long open_mountinfo(const char *prefix)
{
	long fd = open_below(prefix, "/proc/thread-self/mountinfo");

	if (sys_failed(fd))
		fd = open_below(prefix, "/proc/self/mountinfo");
	return fd;
}

int cgroup_walk_begin(struct cgroup_walk *w, const char *prefix, bool v2)
{
	size_t best = 0;
	size_t best_mount_len = 0;
	struct proc_lines lines;
	char *line;
	long fd;

	w->prefix = prefix;
	w->v2 = v2;
	w->dir[0] = '\0';
	w->mount_len = 0;
	if (find_group(w))
		return -ENOENT;
	fd = open_mountinfo(prefix);
	if (sys_failed(fd))
		return -ENOENT;
	proc_lines_start(&lines, (int)fd, w->text, sizeof(w->text));
	for (;;) {
		char *root;
		char *point;
		const char *way;
		size_t rate;

		line = proc_lines_next(&lines);
		if (!line)
			break;
		if (!parse_mount(line, v2, &root, &point))
			continue;
		way = way_down(root, w->group);
		rate = way ? rate_mount(w, point, way) : 0;
		/* of equals the later one: it may cover the other */
		if (!rate || rate < best)
			continue;
		best = rate;
		best_mount_len = w->mount_len;
		text_copy(w->best, sizeof(w->best), w->dir);
	}
	proc_lines_close(&lines);
	if (!best)
		return -ENOENT;
	text_copy(w->dir, sizeof(w->dir), w->best);
	w->mount_len = best_mount_len;
	return 0;
}

bool cgroup_walk_up(struct cgroup_walk *w)
{
	char *slash;

	if (!w->dir[w->mount_len])
		return false;
	slash = strrchr(w->dir + w->mount_len, '/');
	w->dir[slash ? (size_t)(slash - w->dir) : w->mount_len] = '\0';
	return true;
}

long cgroup_open_as(struct cgroup_walk *w, const char *name, int flags)
{
	const size_t len = strlen(w->dir);
	long fd;

	if (len + 1 + strlen(name) >= sizeof(w->dir))
		return -ENAMETOOLONG;
	w->dir[len] = '/';
	text_copy(w->dir + len + 1, sizeof(w->dir) - len - 1, name);
	fd = sys_open(w->dir, flags | O_CLOEXEC, 0);
	w->dir[len] = '\0';
	return fd;
}

long cgroup_open(struct cgroup_walk *w, const char *name)
{
	return cgroup_open_as(w, name, O_RDONLY);
}

const char *cgroup_name(const struct cgroup_walk *w)
{
	return w->dir[w->mount_len] ? w->dir + w->mount_len : "/";
}
