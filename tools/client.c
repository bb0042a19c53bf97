/* SPDX-License-Identifier: MIT */
/*
 * Find processes under uzswap: see client.h.
 *
 * Everything under /proc/PID can change or vanish between two looks, and
 * the process may be hostile.  So a file is opened with O_PATH first,
 * checked (a regular file with the right name), and only then opened for
 * reading through /proc/self/fd: a descriptor exchanged for a device or a
 * pipe in between is never opened.
 */
#define _GNU_SOURCE
#include "client.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units.h"

#define MEMFD		"/memfd:"
#define LIBRARY		"libuzswap.so"
#define PATH_LEN	128		/* any /proc path built here */

/* Helpers come first in the search; all of ours have this prefix. */
#define HELPER_PREFIX	"uz"

/* Is LINK the page NAME, with or without the kernel's " (deleted)"? */
static bool is_page_link(const char *link, const char *name)
{
	size_t head = strlen(MEMFD);
	size_t len = strlen(name);

	if (strncmp(link, MEMFD, head) != 0 ||
	    strncmp(link + head, name, len) != 0)
		return false;
	link += head + len;
	return link[0] == 0 || strcmp(link, " (deleted)") == 0;
}

static bool link_is_page(const char *path, const char *name)
{
	char link[PATH_MAX];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = 0;
	return is_page_link(link, name);
}

/* Open the page at PATH for reading, or -errno; -ENOENT: it is another. */
static int open_page(const char *path, const char *name)
{
	char self[PATH_LEN];
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);
	int ret = -ENOENT;

	if (fd < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    link_is_page(self, name)) {
		ret = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (ret < 0)
			ret = -errno;
	}
	close(fd);
	return ret;
}

/* Copy the first line (or LEN - 1 bytes) of a small file; 0 or -errno. */
static int read_file(char *buf, size_t len, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf[0] = 0;
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	if (n < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	close(fd);
	buf[n] = 0;
	return 0;
}

/* State letter and start time out of /proc/PID/stat. */
static int read_stat(struct client *client)
{
	char path[PATH_LEN];
	char buf[1024];
	unsigned long long start;
	char state;
	int threads;

	snprintf(path, sizeof(path), "/proc/%d/stat", client->pid);

	int ret = read_file(buf, sizeof(buf), path);

	if (ret < 0)
		return ret == -ENOENT ? -ESRCH : ret;

	/* the command in parentheses may hold anything, also ')' */
	const char *rest = strrchr(buf, ')');

	if (!rest || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u "
			    "%*u %*u %*u %*u %*d %*d %*d %*d %d %*d %llu",
			    &state, &threads, &start) != 3)
		return -EIO;
	client->start_ticks = start;
	client->stopped = state == 'T' || state == 't';
	/* the first thread of several may end before the others */
	client->ended = (state == 'Z' && threads <= 1) || state == 'X';
	return 0;
}

/* The last number on the line of /proc/PID/status that starts with KEY. */
static bool status_last(const char *status, const char *key, long *out)
{
	const char *line = strstr(status, key);

	if (!line)
		return false;

	size_t len = strcspn(line, "\n");

	while (len && isdigit((unsigned char)line[len - 1]))
		len--;
	return sscanf(line + len, "%ld", out) == 1;
}

static int read_status(struct client *client)
{
	char path[PATH_LEN];
	char buf[4096];
	long number;
	unsigned uid;

	snprintf(path, sizeof(path), "/proc/%d/status", client->pid);

	int ret = read_file(buf, sizeof(buf), path);

	if (ret < 0)
		return ret == -ENOENT ? -ESRCH : ret;
	client->inner_pid = client->pid;
	if (status_last(buf, "\nNSpid:", &number))
		client->inner_pid = (pid_t)number;

	const char *line = strstr(buf, "\nUid:");

	if (!line || sscanf(line, "\nUid: %*u %u", &uid) != 1)
		return -EIO;
	client->uid = uid;
	return 0;
}

static void read_names(struct client *client)
{
	char path[PATH_LEN];
	const struct passwd *pw = getpwuid(client->uid);

	if (pw)
		snprintf(client->user, sizeof(client->user), "%s",
			 pw->pw_name);
	else
		snprintf(client->user, sizeof(client->user), "%u",
			 client->uid);
	snapshot_clean_text(client->user, sizeof(client->user));
	snprintf(path, sizeof(path), "/proc/%d/comm", client->pid);
	if (read_file(client->comm, sizeof(client->comm), path) < 0)
		snprintf(client->comm, sizeof(client->comm), "?");
	client->comm[strcspn(client->comm, "\n")] = 0;
	snapshot_clean_text(client->comm, sizeof(client->comm));
}

/* Is the last component of the path in a maps line our library? */
static bool is_library_line(const char *line)
{
	const char *name = strrchr(line, '/');

	return name && strncmp(name + 1, LIBRARY, strlen(LIBRARY)) == 0;
}

/*
 * What is mapped: the library, the page NAME (RANGE is where, as map_files
 * spells it).  0 or -errno.
 */
static int read_maps(pid_t pid, const char *page, bool *library, char *range,
		     size_t range_len)
{
	char path[PATH_LEN];
	char *line = NULL;
	size_t cap = 0;

	*library = false;
	range[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);

	FILE *maps = fopen(path, "re");

	if (!maps)
		return -errno;
	errno = 0;
	while (!range[0] && getline(&line, &cap, maps) >= 0) {
		const char *name = strchr(line, '/');

		line[strcspn(line, "\n")] = 0;
		if (!name)
			continue;
		if (is_library_line(line))
			*library = true;
		if (is_page_link(name, page))
			snprintf(range, range_len, "%.*s",
				 (int)strcspn(line, " "), line);
	}

	int err = ferror(maps) ? errno : 0;

	free(line);
	fclose(maps);
	return -err;
}

/* Search the descriptors of thread TID for the page. */
static int open_in_thread(pid_t pid, const char *tid, const char *name)
{
	char path[PATH_LEN];
	struct dirent *entry;
	int ret = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/fd", pid, tid);

	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while (ret < 0 && (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/fd/%.16s",
			 pid, tid, entry->d_name);
		if (link_is_page(path, name))
			ret = open_page(path, name);
	}
	closedir(dir);
	return ret;
}

static bool is_helper(pid_t pid, const char *tid)
{
	char path[PATH_LEN];
	char comm[32];

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", pid, tid);
	return read_file(comm, sizeof(comm), path) == 0 &&
	       strncmp(comm, HELPER_PREFIX, strlen(HELPER_PREFIX)) == 0;
}

/* Search all threads that are HELPERS, or all that are not. */
static int open_in_threads(pid_t pid, bool helpers, const char *name)
{
	char path[PATH_LEN];
	struct dirent *entry;
	int found = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);

	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while (found < 0 && (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    is_helper(pid, entry->d_name) != helpers)
			continue;

		int ret = open_in_thread(pid, entry->d_name, name);

		if (ret >= 0 || ret == -EACCES)
			found = ret;
	}
	closedir(dir);
	return found;
}

/*
 * map_files names exactly what is mapped, but only the privileged may use
 * it.  A descriptor found in a thread may also be the parent's page; the
 * pid in it tells.
 */
static int open_any(pid_t pid, const char *range, const char *name)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid, range);

	int fd = open_page(path, name);

	if (fd < 0)
		fd = open_in_threads(pid, true, name);
	if (fd < 0)
		fd = open_in_threads(pid, false, name);
	return fd;
}

static int fail(char *why, size_t len, int err, const char *what)
{
	snprintf(why, len, "%s: %s", what, strerror(-err));
	return err == -ENOENT ? -ESRCH : err;
}

static int identify(struct client *client, char *why, size_t why_len)
{
	int ret = read_stat(client);

	if (ret == 0)
		ret = read_status(client);
	if (ret == -ESRCH) {
		snprintf(why, why_len, "no such process");
		return ret;
	}
	if (ret < 0)
		return fail(why, why_len, ret, "cannot read its status");
	read_names(client);
	return 0;
}

static int read_page(struct client *client, char *why, size_t why_len)
{
	const struct uzswap_stats *s = &client->snap.s;
	int ret = snapshot_read(&client->snap, client->fd, why, why_len);

	if (ret < 0)
		return ret;
	if (s->pid != client->inner_pid ||
	    s->start_time_ticks != client->start_ticks) {
		/* the parent's numbers are not this one's */
		memset(&client->snap, 0, sizeof(client->snap));
		client->kind = CLIENT_CHILD;
	} else {
		client->kind = CLIENT_PAGE;
	}
	return 0;
}

int client_open(struct client *client, pid_t pid, char *why, size_t why_len)
{
	char range[64];
	bool library;

	memset(client, 0, sizeof(*client));
	client->pid = pid;
	client->fd = -1;

	int ret = identify(client, why, why_len);

	if (ret < 0)
		return ret;
	ret = read_maps(pid, UZSWAP_STATS_NAME, &library, range,
			sizeof(range));
	if (ret < 0)
		return fail(why, why_len, ret, "cannot read its maps");
	if (!range[0]) {
		client->kind = library ? CLIENT_DORMANT : CLIENT_NONE;
		return 0;
	}
	client->fd = open_any(pid, range, UZSWAP_STATS_NAME);
	if (client->fd == -ENOENT) {
		/* mapped, but no thread holds it: inherited by fork */
		client->kind = CLIENT_CHILD;
		client->fd = -1;
		return 0;
	}
	if (client->fd < 0) {
		ret = fail(why, why_len, client->fd,
			   "cannot open its statistics page");
		client->fd = -1;
		return ret;
	}
	ret = read_page(client, why, why_len);
	if (ret < 0)
		client_close(client);
	return ret;
}

int client_open_page(const struct client *client, const char *name)
{
	char range[64];
	bool library;
	int ret = read_maps(client->pid, name, &library, range,
			    sizeof(range));

	if (ret < 0)
		return ret;
	return range[0] ? open_any(client->pid, range, name) : -ENOENT;
}

int client_refresh(struct client *client, char *why, size_t why_len)
{
	uint64_t start = client->start_ticks;
	int ret = read_stat(client);

	if (ret == 0 && client->start_ticks != start)
		ret = -ESRCH;
	if (ret < 0) {
		snprintf(why, why_len, "the process has ended");
		return ret;
	}
	if (client->kind == CLIENT_PAGE)
		return read_page(client, why, why_len);
	/* it may have woken up, or be a child with a page of its own by now */
	client_close(client);
	return client_open(client, client->pid, why, why_len);
}

int client_is_alive(const struct client *client, bool *stopped)
{
	struct client now = { .pid = client->pid };
	int ret = read_stat(&now);

	*stopped = now.stopped;
	if (ret == 0 && (now.ended || now.start_ticks != client->start_ticks))
		ret = -ESRCH;
	return ret;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}
