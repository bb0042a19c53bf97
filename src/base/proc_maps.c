/* SPDX-License-Identifier: MIT */
/*
 * Mappings from /proc/self/maps and smaps.
 *
 *	7f00000-7f02000 rw-p 00000000 00:00 0          [anon:arena]
 *	Rss:                   4 kB                    (smaps only)
 *	VmFlags: rd wr mr mw me ac sd
 *
 * The kernel hands out a few kilobytes of lines at a time and looks up the
 * next mapping anew for each: when mappings merge or move meanwhile, a line
 * can begin below the end of the one before.  Such a line is cut at its
 * front, so that the caller sees each address at most once.
 *
 * Field lines of smaps begin with a capital letter followed by more
 * letters; addresses are lower-case hexadecimal and end at a "-".  A field
 * line can therefore not be taken for a mapping.
 */
#include "base/proc.h"

#include <string.h>

#include "base/sys.h"
#include "base/text.h"

static enum proc_map_kind kind_of(const char *name, uint64_t inode)
{
	/* the only bracketed name of a file: that of shared memory */
	if (text_starts(name, "[anon_shmem:"))
		return PROC_MAP_NAMED_SHMEM;
	if (inode || (*name && *name != '['))
		return PROC_MAP_FILE;
	if (!*name)
		return PROC_MAP_NONE;
	if (text_equal(name, "[heap]"))
		return PROC_MAP_HEAP;
	if (text_starts(name, "[stack"))
		return PROC_MAP_STACK;
	if (text_starts(name, "[anon:"))
		return PROC_MAP_NAMED;
	return PROC_MAP_KERNEL;
}

static void take_name(struct proc_map *out, const char *name)
{
	size_t len;

	out->kind = kind_of(name, out->inode);
	if (out->kind == PROC_MAP_NAMED)
		name += strlen("[anon:");
	else if (out->kind == PROC_MAP_NAMED_SHMEM)
		name += strlen("[anon_shmem:");
	text_copy(out->name, sizeof(out->name), name);
	if (out->kind != PROC_MAP_NAMED && out->kind != PROC_MAP_NAMED_SHMEM)
		return;
	len = strlen(out->name);
	if (len == strlen(name) && len && out->name[len - 1] == ']')
		out->name[len - 1] = '\0';
}

/* One character that must be at *P. */
static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_flags(struct proc_map *out, const char **p)
{
	const char *s = *p;

	if (strnlen(s, 5) < 5 || s[4] != ' ' || (s[3] != 'p' && s[3] != 's'))
		return false;
	out->readable = s[0] == 'r';
	out->writable = s[1] == 'w';
	out->executable = s[2] == 'x';
	out->shared = s[3] == 's';
	*p += 5;
	return true;
}

/* True if LINE is a mapping that makes sense. */
static bool parse_map(struct proc_map *out, const char *line)
{
	const char *p = line;
	uint64_t start;
	uint64_t end;

	*out = (struct proc_map){ 0 };
	start = text_take_hex(&p);
	if (p == line || !take_char(&p, '-'))
		return false;
	end = text_take_hex(&p);
	if (!take_char(&p, ' ') || !take_flags(out, &p))
		return false;
	if (start >= end || (start | end) & (PAGE_SIZE - 1))
		return false;
	out->start = (uintptr_t)start;
	out->end = (uintptr_t)end;
	out->offset = text_take_hex(&p);
	if (!take_char(&p, ' '))
		return false;
	out->dev_major = (uint32_t)text_take_hex(&p);
	if (!take_char(&p, ':'))
		return false;
	out->dev_minor = (uint32_t)text_take_hex(&p);
	if (!take_char(&p, ' '))
		return false;
	out->inode = text_take_u64(&p);
	p += strspn(p, " \t");
	take_name(out, p);
	return true;
}

/* Bits of the two-letter words in WORDS. */
static uint32_t parse_vm_flags(const char *words)
{
	static const struct {
		char word[3];
		uint32_t bit;
	} table[] = {
		{ "lo", PROC_VM_LOCKED },	{ "io", PROC_VM_IO },
		{ "pf", PROC_VM_PFN },		{ "mm", PROC_VM_MIXED },
		{ "de", PROC_VM_NO_EXPAND },	{ "ht", PROC_VM_HUGETLB },
		{ "um", PROC_VM_UFFD },		{ "uw", PROC_VM_UFFD },
		{ "ui", PROC_VM_UFFD },		{ "dc", PROC_VM_NO_COPY },
		{ "wf", PROC_VM_WIPE_ON_FORK },	{ "dd", PROC_VM_NO_DUMP },
		{ "gd", PROC_VM_GROWS_DOWN },	{ "ss", PROC_VM_SHADOW_STACK },
		{ "sl", PROC_VM_SEALED },	{ "mg", PROC_VM_MERGEABLE },
		{ "dp", PROC_VM_DROPPABLE },
	};
	uint32_t bits = 0;

	for (;;) {
		size_t len;

		words += strspn(words, " ");
		len = strcspn(words, " ");
		if (!len)
			return bits;
		for (size_t i = 0; i < ARRAY_SIZE(table); i++)
			if (len == 2 && !memcmp(words, table[i].word, 2))
				bits |= table[i].bit;
		words += len;
	}
}

/* False if the mapping was given before, all of it. */
static bool cut_front(struct proc_maps *m, struct proc_map *map)
{
	if (map->end <= m->done)
		return false;
	if (map->start < m->done) {
		map->offset += m->done - map->start;
		map->start = m->done;
	}
	m->done = map->end;
	return true;
}

static bool next_map(struct proc_maps *m, struct proc_map *out)
{
	const char *line;

	for (;;) {
		line = proc_lines_next(&m->lines);
		if (!line)
			return false;
		if (parse_map(out, line) && cut_front(m, out))
			return true;
	}
}

/* Read details of MAP up to the head of the mapping after it. */
static void take_details(struct proc_maps *m, struct proc_map *map)
{
	const char *line;

	for (;;) {
		line = proc_lines_next(&m->lines);
		if (!line)
			return;
		if (parse_map(&m->next, line)) {
			m->has_next = cut_front(m, &m->next);
			if (m->has_next)
				return;
			/* details of a mapping given before: not MAP's */
			map = &m->next;
		} else if (text_starts(line, "VmFlags:")) {
			map->vm_flags = parse_vm_flags(line + 8);
			map->has_details = true;
		} else if (text_starts(line, "Rss:")) {
			proc_key(line, "Rss", &map->rss);
		}
	}
}

bool proc_maps_next(struct proc_maps *m, struct proc_map *out)
{
	if (!m->details)
		return next_map(m, out);
	if (m->has_next)
		*out = m->next;
	else if (!next_map(m, out))
		return false;
	m->has_next = false;
	take_details(m, out);
	return true;
}

void proc_maps_start(struct proc_maps *m, int fd, bool details, void *buf,
		     size_t len)
{
	*m = (struct proc_maps){ .details = details };
	proc_lines_start(&m->lines, fd, buf, len);
}

static int open_maps(struct proc_maps *m, const char *name, bool details,
		     void *buf, size_t len)
{
	const long fd = proc_open_self(name);

	proc_maps_start(m, sys_failed(fd) ? -1 : (int)fd, details, buf, len);
	if (sys_failed(fd))
		m->lines.err = (int)fd;
	return m->lines.err;
}

int proc_maps_open(struct proc_maps *m, void *buf, size_t len)
{
	return open_maps(m, "maps", false, buf, len);
}

int proc_smaps_open(struct proc_maps *m, void *buf, size_t len)
{
	return open_maps(m, "smaps", true, buf, len);
}

void proc_maps_close(struct proc_maps *m)
{
	proc_lines_close(&m->lines);
}
