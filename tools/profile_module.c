/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in a process: the files that code comes from, with their
 * build ids, so that addresses can be explained elsewhere and later; and its
 * private memory, with how much of it is resident.
 *
 * Files are looked at through /proc/PID/root: the process may be in a
 * container.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libelf.h>
#include <elfutils/libdwelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile.h"
#include "snapshot.h"

#define PATH_LEN	4352	/* /proc/PID/root and a path */

void profile_free(struct profile *p)
{
	for (size_t i = 0; i < p->nr_modules; i++)
		free(p->modules[i].path);
	profile_forget_symbols(p);
	for (size_t i = 0; i < p->nr_rows; i++)
		free(p->rows[i].heat);
	free(p->modules);
	free(p->frames);
	free(p->sites);
	free(p->stack);
	free(p->points);
	free(p->maps);
	free(p->rows);
	memset(p, 0, sizeof(*p));
}

static void read_build_id(char *hex, size_t len, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const void *id;
	ssize_t n = -1;
	Elf *elf;

	hex[0] = 0;
	if (fd < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf)
		n = dwelf_elf_gnu_build_id(elf, &id);
	for (ssize_t i = 0; i < n && (size_t)(2 * i) + 3 <= len; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)id)[i]);
	elf_end(elf);
	close(fd);
}

/* Another row of an array that grows by doubling; NULL without memory. */
static void *add_row(void **rows, size_t nr, size_t size)
{
	if ((nr & (nr - 1)) == 0) {
		void *more = realloc(*rows, (nr ? 2 * nr : 1) * size);

		if (!more)
			return NULL;
		*rows = more;
	}
	memset((char *)*rows + nr * size, 0, size);
	return (char *)*rows + nr * size;
}

static int add_module(struct profile *p, pid_t pid, uint64_t start,
		      uint64_t end, uint64_t offset, const char *path)
{
	struct profile_module *m;
	char real[PATH_LEN];

	if (p->nr_modules >= PROFILE_MODULES_MAX)
		return 0;
	m = add_row((void **)&p->modules, p->nr_modules, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->path = strdup(path);
	if (!m->path)
		return -ENOMEM;
	p->nr_modules++;
	m->start = start;
	m->end = end;
	m->offset = offset;
	snprintf(real, sizeof(real), "/proc/%d/root%s", pid, path);
	read_build_id(m->build_id, sizeof(m->build_id), real);
	snapshot_clean_text(m->path, strlen(m->path) + 1);
	return 0;
}

static int add_map(struct profile *p, uint64_t start, uint64_t end,
		   const char *name)
{
	struct profile_map *m;

	if (p->nr_maps >= PROFILE_MAPS_MAX)
		return 0;
	m = add_row((void **)&p->maps, p->nr_maps, sizeof(*m));
	if (!m)
		return -ENOMEM;
	p->nr_maps++;
	m->start = start;
	m->end = end;
	snprintf(m->name, sizeof(m->name), "%s", *name ? name : "anon");
	snapshot_clean_text(m->name, sizeof(m->name));
	return 0;
}

/* A line that begins a mapping; *MAP: its row if it is private memory. */
static int take_line(struct profile *p, pid_t pid, char *line, bool *map)
{
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	unsigned long inode;
	char mode[5];
	int at = 0;

	*map = false;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64
		   " %*x:%*x %lu %n", &start, &end, mode, &offset, &inode,
		   &at) < 5 || !at)
		return 0;
	line += at;
	line[strcspn(line, "\n")] = 0;
	if (mode[2] == 'x' && line[0] == '/')
		return add_module(p, pid, start, end, offset, line);
	if (mode[3] != 'p' || inode || strstr(line, "[v"))
		return 0;
	*map = true;
	return add_map(p, start, end, line);
}

int profile_take_maps(struct profile *p, pid_t pid)
{
	char path[64];
	char *line = NULL;
	size_t cap = 0;
	bool map = false;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);

	FILE *smaps = fopen(path, "re");

	if (!smaps)
		return -errno;
	while (!ret && getline(&line, &cap, smaps) >= 0) {
		uint64_t kib;

		/* details begin with a capital, mappings with a digit */
		if (line[0] < 'A' || line[0] > 'Z')
			ret = take_line(p, pid, line, &map);
		else if (map && sscanf(line, "Rss: %" SCNu64, &kib) == 1)
			p->maps[p->nr_maps - 1].resident = kib * 1024;
	}
	free(line);
	fclose(smaps);
	return ret;
}

void profile_place_frames(struct profile *p)
{
	for (size_t i = 0; i < p->nr_frames; i++) {
		p->frames[i].module = PROFILE_NONE;
		/* the call is before the return address */
		for (size_t m = 0; m < p->nr_modules; m++)
			if (p->frames[i].pc - 1 >= p->modules[m].start &&
			    p->frames[i].pc - 1 < p->modules[m].end) {
				p->frames[i].module = (uint32_t)m;
				break;
			}
	}
}
