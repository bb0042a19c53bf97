/* SPDX-License-Identifier: MIT */
/*
 * The text of a recording, made a struct profile.
 *
 * Each member that is used must have its type, each index must be in its
 * table, each table has its bound; what else is in there does not matter.
 * Whatever is wrong, all of it is refused, with the name of the member.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "snapshot.h"

/* What has been read so far is right; the first thing that is not. */
struct reader {
	const char *wrong;
	bool no_memory;
};

static uint64_t get_number(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0) {
		if (!r->wrong)
			r->wrong = key;
		return 0;
	}
	return (uint64_t)json_integer_value(v);
}

/* The same, at most MOST. */
static uint32_t get_small(struct reader *r, const json_t *o, const char *key,
			  uint32_t most)
{
	uint64_t n = get_number(r, o, key);

	if (n > most && !r->wrong)
		r->wrong = key;
	return n > most ? 0 : (uint32_t)n;
}

/* An index that may be missing. */
static uint32_t get_index(struct reader *r, const json_t *o, const char *key,
			  size_t nr)
{
	if (!json_object_get(o, key))
		return PROFILE_NONE;
	if (!nr) {
		r->wrong = key;
		return PROFILE_NONE;
	}
	return get_small(r, o, key, (uint32_t)nr - 1);
}

static double get_real(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	double n = json_is_number(v) ? json_number_value(v) : -1;

	if (!(n >= 0 && n < 1e30)) {
		if (!r->wrong)
			r->wrong = key;
		return 0;
	}
	return n;
}

static void get_text(struct reader *r, const json_t *o, const char *key,
		     char *buf, size_t len)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!text && !r->wrong)
		r->wrong = key;
	snprintf(buf, len, "%s", text ? text : "");
	snapshot_clean_text(buf, len);
}

static char *get_copy(struct reader *r, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	char *copy = strndup(text ? text : "", PROFILE_TEXT_MAX - 1);

	if (!copy)
		r->no_memory = true;
	else
		snapshot_clean_text(copy, strlen(copy) + 1);
	return copy;
}

/* The array KEY, of at most MOST objects, and room for as many rows. */
static const json_t *get_list(struct reader *r, const json_t *o,
			      const char *key, size_t most, void **rows,
			      size_t size)
{
	const json_t *list = json_object_get(o, key);

	if (!json_is_array(list) || json_array_size(list) > most) {
		r->wrong = key;
		return NULL;
	}
	*rows = calloc(json_array_size(list) + 1, size);
	if (!*rows)
		r->no_memory = true;
	return *rows ? list : NULL;
}

static bool is_bad(const struct reader *r)
{
	return r->wrong || r->no_memory;
}

static void parse_modules(struct reader *r, struct profile *p,
			  const json_t *root)
{
	const json_t *list = get_list(r, root, "modules", PROFILE_MODULES_MAX,
				      (void **)&p->modules,
				      sizeof(*p->modules));
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) {
		struct profile_module *m = &p->modules[i];

		m->start = get_number(r, o, "start");
		m->end = get_number(r, o, "end");
		m->offset = get_number(r, o, "offset");
		get_text(r, o, "build_id", m->build_id, sizeof(m->build_id));
		m->path = get_copy(r, o, "path");
		p->nr_modules++;
		if (is_bad(r))
			return;
	}
}

static void parse_symbols(struct reader *r, struct profile *p,
			  struct profile_frame *f, const json_t *list)
{
	size_t i;
	json_t *o;

	f->first_symbol = (uint32_t)p->nr_symbols;
	json_array_foreach(list, i, o) {
		struct profile_symbol *s = &p->symbols[p->nr_symbols++];

		s->function = get_copy(r, o, "function");
		if (json_is_string(json_object_get(o, "file")))
			s->file = get_copy(r, o, "file");
		s->line = get_small(r, o, "line", INT32_MAX);
		f->nr_symbols++;
		if (is_bad(r))
			return;
	}
}

static void parse_frames(struct reader *r, struct profile *p,
			 const json_t *root)
{
	const json_t *list = get_list(r, root, "frames", PROFILE_FRAMES_MAX,
				      (void **)&p->frames, sizeof(*p->frames));
	size_t nr = 0;
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
		nr += json_array_size(json_object_get(o, "symbols"));
	if (nr > PROFILE_SYMBOLS_MAX)
		r->wrong = "symbols";
	if (is_bad(r))
		return;
	p->symbols = calloc(nr + 1, sizeof(*p->symbols));
	if (!p->symbols) {
		r->no_memory = true;
		return;
	}
	json_array_foreach(list, i, o) {
		struct profile_frame *f = &p->frames[i];

		f->pc = get_number(r, o, "pc");
		f->module = get_index(r, o, "module", p->nr_modules);
		p->nr_frames++;
		parse_symbols(r, p, f, json_object_get(o, "symbols"));
		if (is_bad(r))
			return;
	}
}

static void parse_stack(struct reader *r, struct profile *p,
			struct profile_site *s, const json_t *list)
{
	size_t i;
	json_t *v;

	s->first_frame = (uint32_t)p->nr_stack;
	json_array_foreach(list, i, v) {
		json_int_t n = json_integer_value(v);

		if (!json_is_integer(v) || n < 0 || (size_t)n >= p->nr_frames) {
			r->wrong = "stack";
			return;
		}
		p->stack[p->nr_stack++] = (uint32_t)n;
		s->nr_frames++;
	}
}

static void parse_sites(struct reader *r, struct profile *p,
			const json_t *root)
{
	const json_t *list = get_list(r, root, "sites", UZSWAP_PROFILE_SITES,
				      (void **)&p->sites, sizeof(*p->sites));
	char kind[16];
	size_t nr = 0;
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) {
		size_t n = json_array_size(json_object_get(o, "stack"));

		if (n > UZSWAP_PROFILE_DEPTH)
			r->wrong = "stack";
		nr += n;
	}
	if (is_bad(r))
		return;
	p->stack = calloc(nr + 1, sizeof(*p->stack));
	if (!p->stack) {
		r->no_memory = true;
		return;
	}
	json_array_foreach(list, i, o) {
		struct profile_site *s = &p->sites[i];

		get_text(r, o, "kind", kind, sizeof(kind));
		s->kind = strcmp(kind, "mmap") ? UZSWAP_PROFILE_MALLOC
					       : UZSWAP_PROFILE_MMAP;
		get_text(r, o, "thread", s->thread, sizeof(s->thread));
		s->samples = get_number(r, o, "samples");
		s->bytes = get_real(r, o, "bytes");
		s->count = get_real(r, o, "count");
		s->variance = get_real(r, o, "variance");
		p->nr_sites++;
		parse_stack(r, p, s, json_object_get(o, "stack"));
		if (is_bad(r))
			return;
	}
}

static void parse_points(struct reader *r, struct profile *p,
			 const json_t *root)
{
	const json_t *list = get_list(r, root, "points", UZSWAP_PROFILE_POINTS,
				      (void **)&p->points, sizeof(*p->points));
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) {
		struct profile_point *pt = &p->points[i];

		pt->addr = get_number(r, o, "addr");
		pt->idle_ms = get_number(r, o, "idle_ms");
		pt->slack_ms = get_number(r, o, "slack_ms");
		pt->state = get_small(r, o, "state",
				      UZSWAP_POINT_NR_STATES - 1);
		pt->uses = get_small(r, o, "uses", INT32_MAX);
		pt->packed = get_small(r, o, "packed", UZSWAP_POINT_UNKNOWN);
		pt->cell = json_is_true(json_object_get(o, "cell"));
		pt->site = get_index(r, o, "site", p->nr_sites);
		if (pt->site != PROFILE_NONE)
			pt->site_bytes = get_real(r, o, "site_bytes");
		p->nr_points++;
		if (is_bad(r))
			return;
	}
}

static void parse_maps(struct reader *r, struct profile *p,
		       const json_t *root)
{
	const json_t *list = get_list(r, root, "maps", PROFILE_MAPS_MAX,
				      (void **)&p->maps, sizeof(*p->maps));
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) {
		struct profile_map *m = &p->maps[i];

		m->start = get_number(r, o, "start");
		m->end = get_number(r, o, "end");
		m->resident = get_number(r, o, "resident");
		get_text(r, o, "name", m->name, sizeof(m->name));
		p->nr_maps++;
		if (is_bad(r))
			return;
	}
}

/* A letter for each point, no more and no less. */
static void parse_rows(struct reader *r, struct profile *p,
		       const json_t *root)
{
	const json_t *list = get_list(r, root, "rows", PROFILE_ROWS_MAX,
				      (void **)&p->rows, sizeof(*p->rows));
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) {
		const json_t *heat = json_object_get(o, "heat");

		p->rows[i].at_ms = get_number(r, o, "at_ms");
		if (json_string_length(heat) != p->nr_points)
			r->wrong = "heat";
		if (is_bad(r))
			return;
		p->rows[i].heat = strndup(heat ? json_string_value(heat) : "",
					  p->nr_points);
		if (!p->rows[i].heat) {
			r->no_memory = true;
			return;
		}
		p->nr_rows++;
	}
}

static void parse_root(struct reader *r, struct profile *p,
		       const json_t *root)
{
	const json_t *reuse = json_object_get(root, "reuse");
	char schema[32];

	get_text(r, root, "schema", schema, sizeof(schema));
	if (strcmp(schema, PROFILE_SCHEMA)) {
		r->wrong = "schema";
		return;
	}
	get_text(r, root, "command", p->command, sizeof(p->command));
	get_text(r, root, "recorded", p->recorded, sizeof(p->recorded));
	get_text(r, root, "version", p->version, sizeof(p->version));
	p->fp = json_is_true(json_object_get(root, "fp"));
#define X(name)	p->name = (typeof(p->name))get_number(r, root, #name);
	PROFILE_NUMBERS(X)
#undef X
	if (!r->wrong && (p->interval == 0 || p->cell < PROFILE_PAGE))
		r->wrong = "cell";
	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++) {
		json_int_t n = json_integer_value(json_array_get(reuse, i));

		p->reuse[i] = n > 0 ? (uint64_t)n : 0;
	}
	if (!is_bad(r))
		parse_modules(r, p, root);
	if (!is_bad(r))
		parse_frames(r, p, root);
	if (!is_bad(r))
		parse_sites(r, p, root);
	if (!is_bad(r))
		parse_points(r, p, root);
	if (!is_bad(r))
		parse_maps(r, p, root);
	if (!is_bad(r))
		parse_rows(r, p, root);
}

int profile_parse(struct profile *p, const char *text, size_t len,
		  char *why, size_t why_len)
{
	struct reader r = { 0 };
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	memset(p, 0, sizeof(*p));
	if (!json_is_object(root)) {
		snprintf(why, why_len, "not JSON: line %d", root ? 1
							     : error.line);
		json_decref(root);
		return -EBADMSG;
	}
	parse_root(&r, p, root);
	json_decref(root);
	if (!is_bad(&r))
		return 0;
	if (r.no_memory)
		snprintf(why, why_len, "out of memory");
	else
		snprintf(why, why_len, "not a profile this zctl can read: "
			 "'%s' is wrong", r.wrong);
	profile_free(p);
	return r.no_memory ? -ENOMEM : -EBADMSG;
}
