/* SPDX-License-Identifier: MIT */
/*
 * The mappings of a process: see mappings.h.
 */
#define _GNU_SOURCE
#include "mappings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "units.h"

#define SMALLEST	(64u << 10)
#define MAX_KIB		((uint64_t)1 << 46)	/* all of 56 bits */

/* One mapping while its lines are read. */
struct reading {
	struct mapping m;
	char flags[4];		/* "rw-p" */
	unsigned long inode;
	bool is_registered;	/* VmFlags um, uw */
	bool is_locked;
	bool is_dontdump;
	bool is_special;
};

const char *mappings_kind_words(enum mapping_kind kind)
{
	static const char *const words[] = {
#define X(name, words) words,
		MAPPING_KINDS(X)
#undef X
	};

	return words[kind];
}

/* "7f00-7f01 rw-p 00000000 00:00 0    [heap]" */
static bool take_head(struct reading *r, const char *line)
{
	unsigned long long start;
	unsigned long long end;
	int at = 0;
	const char *name;
	size_t len;

	memset(r, 0, sizeof(*r));
	if (sscanf(line, "%llx-%llx %4c %*x %*x:%*x %lu%n", &start, &end,
		   r->flags, &r->inode, &at) < 4 || !at || end < start)
		return false;
	r->m.start = start;
	r->m.size = end - start;
	name = line + at + strspn(line + at, " ");
	len = strcspn(name, "\n");
	/* the end of a path tells more than its beginning */
	if (len >= sizeof(r->m.name)) {
		name += len - (sizeof(r->m.name) - 1);
		len = sizeof(r->m.name) - 1;
	}
	memcpy(r->m.name, name, len);
	snapshot_clean_text(r->m.name, sizeof(r->m.name));
	return true;
}

static void take_line(struct reading *r, const char *line)
{
	unsigned long long kib;

	if (sscanf(line, "Rss: %llu kB", &kib) == 1)
		r->m.resident = kib < MAX_KIB ? kib << 10 : 0;
	else if (sscanf(line, "Swap: %llu kB", &kib) == 1)
		r->m.swapped = kib < MAX_KIB ? kib << 10 : 0;
	if (strncmp(line, "VmFlags:", 8) != 0)
		return;
	r->is_registered = strstr(line, " um") || strstr(line, " uw");
	r->is_locked = strstr(line, " lo");
	r->is_dontdump = strstr(line, " dd");
	r->is_special = strstr(line, " io") || strstr(line, " pf");
}

static enum mapping_kind judge(const struct reading *r)
{
	const char *name = r->m.name;

	if (strstr(name, "uzswap"))
		return MAPPING_LIBRARY;
	if (r->is_registered)
		return MAPPING_MANAGED;
	if (r->flags[3] == 's')
		return MAPPING_SHARED;
	if (r->inode)
		return MAPPING_FILE;
	if (strcmp(name, "[stack]") == 0)
		return MAPPING_STACK;
	if (r->is_special || (name[0] == '[' && strcmp(name, "[heap]") != 0 &&
			      strncmp(name, "[anon:", 6) != 0))
		return MAPPING_SPECIAL;
	if (r->is_locked)
		return MAPPING_LOCKED;
	if (r->is_dontdump)
		return MAPPING_DONTDUMP;
	if (strncmp(r->flags, "---", 3) == 0)
		return MAPPING_RESERVED;
	return r->m.size < SMALLEST ? MAPPING_SMALL : MAPPING_ELIGIBLE;
}

static void add(struct mappings *m, struct reading *r)
{
	r->m.kind = judge(r);
	if (r->m.resident > r->m.size)
		r->m.resident = r->m.size;
	m->all = reallocarray(m->all, m->nr + 1, sizeof(m->all[0]));
	if (!m->all) {
		zctl_error("out of memory");
		exit(ZCTL_FAILED);
	}
	m->all[m->nr++] = r->m;
}

int mappings_parse(struct mappings *m, FILE *file)
{
	struct reading now;
	bool have = false;
	char *line = NULL;
	size_t cap = 0;
	int err;

	memset(m, 0, sizeof(*m));
	errno = 0;
	while (getline(&line, &cap, file) >= 0) {
		struct reading next;

		/* names of lines begin with a capital, addresses do not */
		if (line[0] >= 'A' && line[0] <= 'Z') {
			if (have)
				take_line(&now, line);
			continue;
		}
		if (!take_head(&next, line))
			continue;
		if (have)
			add(m, &now);
		now = next;
		have = true;
	}
	if (have)
		add(m, &now);
	err = ferror(file) ? errno : 0;
	free(line);
	return -err;
}

int mappings_read(struct mappings *m, pid_t pid)
{
	char path[64];
	FILE *file;
	int ret;

	memset(m, 0, sizeof(*m));
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	ret = mappings_parse(m, file);
	fclose(file);
	return ret;
}

void mappings_free(struct mappings *m)
{
	free(m->all);
	memset(m, 0, sizeof(*m));
}

size_t mappings_skipped(char *buf, size_t len, const struct mappings *m)
{
	static const enum mapping_kind kinds[] = {
		MAPPING_LOCKED, MAPPING_SHARED, MAPPING_DONTDUMP,
	};
	char *end = buf;
	size_t nr = 0;

	*buf = 0;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint64_t sum = 0;
		char text[UNITS_BUF];

		for (size_t i = 0; i < m->nr; i++) {
			const struct mapping *one = &m->all[i];

			if (one->kind != kinds[k] || one->size < SMALLEST)
				continue;
			sum = snapshot_add(sum, one->size);
			nr++;
		}
		if (!sum || end >= buf + len)
			continue;
		end += snprintf(end, len - (size_t)(end - buf), "%s%s %s",
				end == buf ? "" : ", ",
				mappings_kind_words(kinds[k]),
				units_size(text, sizeof(text), sum, false));
	}
	return nr;
}
