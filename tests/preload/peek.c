/* SPDX-License-Identifier: MIT */
/*
 * peek SECONDS LIBRARY PROGRAM [ARG...] - run a program under the library,
 * watch its statistics page from the outside, and say what really happened.
 *
 * The page is mapped as soon as it is there; it outlives the process, so the
 * last figures are read after the end.  Written to fd 3, in one line:
 *
 *	evicted=N restored=N forks=N damaged=N repacked=N shared=N clean=N
 *	open=N state=N engine=NAME
 *
 * or "none" if there never was a page.  OPEN: pages evicted that are neither
 * restored nor dropped, nor stored at that moment; what threads have in hand.  LIBRARY "" runs it plain.  The
 * status is the program's, 124 after SECONDS (what each thread waits for is
 * shown on stderr then), 128 + N after signal N.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "uzswap/stats.h"

#define PAGE		4096
#define POLL_NS		5000000L	/* 5 ms */

static struct uzswap_stats *map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		return NULL;
	p = mmap(NULL, sizeof(struct uzswap_stats), PROT_READ, MAP_SHARED, fd,
		 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* Through /proc/PID/map_files, which names each file mapping. */
static struct uzswap_stats *find_page(pid_t pid)
{
	char path[300];
	char line[256];
	FILE *maps;
	struct uzswap_stats *s = NULL;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && !s && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "/memfd:" UZSWAP_STATS_NAME))
			continue;
		line[strcspn(line, " ")] = '\0';
		snprintf(path, sizeof(path), "/proc/%d/map_files/%s",
			 (int)pid, line);
		s = map_file(path);
	}
	if (maps)
		fclose(maps);
	if (s && s->pid != (int)pid) {	/* a child's copy of the parent's */
		munmap(s, sizeof(*s));
		s = NULL;
	}
	return s;
}

static void show_file(pid_t pid, const char *tid, const char *name)
{
	char path[512];
	char text[2048];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", (int)pid, tid,
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (len > 0)
		fprintf(stderr, "  %s: %.*s\n", name,
			(int)(len - (text[len - 1] == '\n')), text);
	if (fd >= 0)
		close(fd);
}

/* It hangs: where? */
static void show_threads(pid_t pid)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		fprintf(stderr, "thread %s\n", d->d_name);
		show_file(pid, d->d_name, "comm");
		show_file(pid, d->d_name, "syscall");
		show_file(pid, d->d_name, "stack");
	}
	if (dir)
		closedir(dir);
}

static pid_t start(const char *library, char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	if (*library)
		setenv("LD_PRELOAD", library, 1);
	execv(argv[0], argv);
	_exit(99);
}

static void report(const struct uzswap_stats *s)
{
	if (!s) {
		dprintf(3, "none\n");
		return;
	}
#define N(name) (unsigned long long)s->counters[UZSWAP_COUNT_##name]
	dprintf(3, "evicted=%llu restored=%llu forks=%llu damaged=%llu "
		"repacked=%llu shared=%llu clean=%llu open=%lld state=%u "
		"engine=%.15s\n",
		N(evicted), N(restored), N(forks), N(damaged), N(repacked),
		N(shared), N(evicted_clean),
		(long long)(N(evicted) - N(restored) - N(dropped) -
			    N(overtaken) - s->stored / PAGE),
		s->state, s->engine);
#undef N
}

int main(int argc, char **argv)
{
	struct timespec pause = { 0, POLL_NS };
	struct uzswap_stats *s = NULL;
	time_t end;
	int status;
	pid_t pid;

	if (argc < 4)
		return 99;
	end = time(NULL) + atol(argv[1]);
	pid = start(argv[2], argv + 3);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!s && *argv[2])
			s = find_page(pid);
		nanosleep(&pause, NULL);
		if (time(NULL) < end)
			continue;
		show_threads(pid);
		report(s);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return 124;
	}
	report(s);
	kill(-pid, SIGKILL);	/* whatever it left behind */
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
