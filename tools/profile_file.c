/* SPDX-License-Identifier: MIT */
/*
 * A recording as a file: one JSON document, "uzswap.profile.v1", packed with
 * gzip.  Anybody can read it with zcat and jq; sizes are bytes and times
 * milliseconds.
 *
 * It may come from anywhere: it is unpacked to at most PROFILE_FILE_MAX
 * bytes, and what is in it is profile_parse.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "profile.h"

/* --- writing ------------------------------------------------------------- */

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *format_modules(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_modules; i++) {
		const struct profile_module *m = &p->modules[i];

		json_array_append_new(list, json_pack(
			"{s:I, s:I, s:I, s:s, s:s}",
			"start", (json_int_t)m->start,
			"end", (json_int_t)m->end,
			"offset", (json_int_t)m->offset,
			"path", m->path, "build_id", m->build_id));
	}
	return list;
}

static json_t *format_frames(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_frames; i++) {
		const struct profile_frame *f = &p->frames[i];
		json_t *frame = json_object();
		json_t *symbols = json_array();

		json_object_set_new(frame, "pc", number(f->pc));
		if (f->module != PROFILE_NONE)
			json_object_set_new(frame, "module",
					    number(f->module));
		for (uint32_t k = 0; k < f->nr_symbols; k++) {
			const struct profile_symbol *s =
				&p->symbols[f->first_symbol + k];

			json_array_append_new(symbols, json_pack(
				"{s:s, s:s?, s:i}", "function", s->function,
				"file", s->file, "line", (int)s->line));
		}
		json_object_set_new(frame, "symbols", symbols);
		json_array_append_new(list, frame);
	}
	return list;
}

static json_t *format_sites(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_sites; i++) {
		const struct profile_site *s = &p->sites[i];
		json_t *stack = json_array();

		for (uint32_t k = 0; k < s->nr_frames; k++)
			json_array_append_new(stack, number(
				p->stack[s->first_frame + k]));
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:I, s:f, s:f, s:f, s:o}",
			"kind", s->kind == UZSWAP_PROFILE_MMAP ? "mmap"
							      : "malloc",
			"thread", s->thread,
			"samples", (json_int_t)s->samples,
			"bytes", s->bytes, "count", s->count,
			"variance", s->variance, "stack", stack));
	}
	return list;
}

static json_t *format_points(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_points; i++) {
		const struct profile_point *pt = &p->points[i];
		json_t *point = json_pack(
			"{s:I, s:I, s:I, s:i, s:i, s:i, s:b}",
			"addr", (json_int_t)pt->addr,
			"idle_ms", (json_int_t)pt->idle_ms,
			"slack_ms", (json_int_t)pt->slack_ms,
			"state", (int)pt->state, "uses", (int)pt->uses,
			"packed", (int)pt->packed, "cell", pt->cell);

		if (pt->site != PROFILE_NONE) {
			json_object_set_new(point, "site", number(pt->site));
			json_object_set_new(point, "site_bytes",
					    json_real(pt->site_bytes));
		}
		json_array_append_new(list, point);
	}
	return list;
}

static json_t *format_maps(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_maps; i++) {
		const struct profile_map *m = &p->maps[i];

		json_array_append_new(list, json_pack(
			"{s:I, s:I, s:I, s:s}", "start", (json_int_t)m->start,
			"end", (json_int_t)m->end,
			"resident", (json_int_t)m->resident, "name", m->name));
	}
	return list;
}

static json_t *format_rows(const struct profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nr_rows; i++)
		json_array_append_new(list, json_pack(
			"{s:I, s:s}", "at_ms", (json_int_t)p->rows[i].at_ms,
			"heat", p->rows[i].heat));
	return list;
}

char *profile_format(const struct profile *p)
{
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:b}",
				 "schema", PROFILE_SCHEMA, "command", p->command,
				 "recorded", p->recorded,
				 "version", p->version, "fp", p->fp);
	json_t *reuse = json_array();
	char *text;

#define X(name)	json_object_set_new(root, #name, number((uint64_t)p->name));
	PROFILE_NUMBERS(X)
#undef X
	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++)
		json_array_append_new(reuse, number(p->reuse[i]));
	json_object_set_new(root, "reuse", reuse);
	json_object_set_new(root, "modules", format_modules(p));
	json_object_set_new(root, "frames", format_frames(p));
	json_object_set_new(root, "sites", format_sites(p));
	json_object_set_new(root, "points", format_points(p));
	json_object_set_new(root, "maps", format_maps(p));
	json_object_set_new(root, "rows", format_rows(p));
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

enum zctl_status profile_save(const struct profile *p, const char *path,
			      bool force)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC |
			    (force ? O_TRUNC : O_EXCL), 0600);
	char *text = profile_format(p);
	size_t len = text ? strlen(text) : 0;
	gzFile file = NULL;
	bool ok = false;

	if (fd < 0) {
		zctl_error("%s: %s%s", path, strerror(errno),
			   errno == EEXIST ? ", use --force" : "");
		free(text);
		return ZCTL_FAILED;
	}
	/* what cannot be read again is not written */
	if (text && len < PROFILE_FILE_MAX)
		file = gzdopen(fd, "wb");
	if (!file)
		close(fd);
	else
		ok = gzwrite(file, text, (unsigned)len) == (int)len;
	if (file && gzclose(file) != Z_OK)
		ok = false;
	free(text);
	if (!ok)
		zctl_error("%s: %s", path, len < PROFILE_FILE_MAX
			   ? "write failed" : "would be larger than 64 MiB");
	return ok ? ZCTL_DONE : ZCTL_FAILED;
}

/* --- reading ------------------------------------------------------------- */

enum zctl_status profile_load(struct profile *p, const char *path)
{
	char *text = malloc(PROFILE_FILE_MAX);
	char why[160] = "out of memory";
	gzFile file = gzopen(path, "rbe");
	int ret = -ENOMEM;
	int n;

	if (!file) {
		zctl_error("%s: %s", path, strerror(errno));
		free(text);
		return ZCTL_FAILED;
	}
	n = text ? gzread(file, text, PROFILE_FILE_MAX) : -1;
	if (n == (int)PROFILE_FILE_MAX)
		snprintf(why, sizeof(why), "larger than 64 MiB");
	else if (n < 0 && text)
		snprintf(why, sizeof(why), "damaged");
	else if (n >= 0)
		ret = profile_parse(p, text, (size_t)n, why, sizeof(why));
	gzclose(file);
	free(text);
	if (ret)
		zctl_error("%s: %s", path, why);
	return ret ? ZCTL_FAILED : ZCTL_DONE;
}
