/* SPDX-License-Identifier: MIT */
/*
 * The message of pprof.proto, as `go tool pprof` and others read it.
 *
 * It is made by malloc alone, the way protobuf-c unpacks one, so that it can
 * be freed as a whole.  Rows of the profile keep their places: what has index
 * I there has id I + 1 here, symbols being functions.
 */
#define _GNU_SOURCE
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "pprof.pb-c.h"
#include "profile_export.h"
#include "profile_name.h"

struct maker {
	Pprof__Profile *out;
	void *tree;		/* of struct string: places in string_table */
	bool failed;
};

struct string {
	const char *text;	/* in string_table */
	int64_t at;
};

/* --- messages ------------------------------------------------------------ */

static void *zeroed(struct maker *m, size_t nr, size_t size)
{
	void *p = calloc(nr ? nr : 1, size);

	m->failed |= !p;
	return p;
}

static void *make_one(struct maker *m, const ProtobufCMessageDescriptor *kind)
{
	void *one = zeroed(m, 1, kind->sizeof_message);

	if (one)
		protobuf_c_message_init(kind, one);
	return one;
}

/* Pointers to NR messages, *MADE of which are there; else M has failed. */
static void *make_all(struct maker *m, const ProtobufCMessageDescriptor *kind,
		      size_t nr, size_t *made)
{
	void **all = zeroed(m, nr, sizeof(*all));

	for (*made = 0; !m->failed && *made < nr; *made += !m->failed)
		all[*made] = make_one(m, kind);
	return all;
}

/* --- strings ------------------------------------------------------------- */

static int compare_strings(const void *a, const void *b)
{
	return strcmp(((const struct string *)a)->text,
		      ((const struct string *)b)->text);
}

/* A copy of TEXT at the end of the table, which grows by doubling. */
static char *add_text(struct maker *m, const char *text)
{
	Pprof__Profile *out = m->out;
	size_t nr = out->n_string_table;
	char *copy = strdup(text);

	if (copy && (nr & (nr - 1)) == 0) {
		char **more = realloc(out->string_table,
				      (nr ? 2 * nr : 1) * sizeof(*more));

		if (!more) {
			free(copy);
			return NULL;
		}
		out->string_table = more;
	}
	if (copy)
		out->string_table[out->n_string_table++] = copy;
	return copy;
}

static int64_t string_of(struct maker *m, const char *text)
{
	struct string key = { .text = text };
	struct string **found = tfind(&key, &m->tree, compare_strings);
	struct string *new;

	if (found)
		return (*found)->at;
	new = zeroed(m, 1, sizeof(*new));
	if (!new)
		return 0;
	new->at = (int64_t)m->out->n_string_table;
	new->text = add_text(m, text);
	if (new->text && tsearch(new, &m->tree, compare_strings))
		return new->at;
	free(new);
	m->failed = true;
	return 0;
}

/* --- parts --------------------------------------------------------------- */

static const struct {
	const char *type;
	const char *unit;
} types[] = {
	{ "cold", "bytes" }, { "alive", "bytes" }, { "resident", "bytes" },
	{ "stored", "bytes" }, { "pool", "bytes" }, { "objects", "count" },
	{ "uses", "count" },
};

static void put_types(struct maker *m)
{
	Pprof__Profile *out = m->out;

	out->sample_type = make_all(m, &pprof__value_type__descriptor,
				    ARRAY_SIZE(types), &out->n_sample_type);
	for (size_t i = 0; i < out->n_sample_type; i++) {
		out->sample_type[i]->type = string_of(m, types[i].type);
		out->sample_type[i]->unit = string_of(m, types[i].unit);
	}
	out->default_sample_type = string_of(m, types[0].type);
}

static void put_sample(struct maker *m, Pprof__Sample *out,
		       const struct profile *p,
		       const struct profile_site_sum *sum)
{
	const struct profile_site *site = &p->sites[sum->site];
	const uint32_t inner = profile_inner(p, site);	/* the allocator */
	const uint32_t *stack = p->stack + site->first_frame + inner;
	const double values[] = {
		sum->cold, sum->bytes, sum->resident, sum->stored, sum->pool,
		sum->count, sum->uses,
	};

	out->location_id = zeroed(m, site->nr_frames, sizeof(uint64_t));
	out->value = zeroed(m, ARRAY_SIZE(values), sizeof(int64_t));
	out->label = make_all(m, &pprof__label__descriptor, 1, &out->n_label);
	if (m->failed)
		return;
	out->n_location_id = site->nr_frames - inner;
	for (size_t i = 0; i < out->n_location_id; i++)
		out->location_id[i] = stack[i] + (uint64_t)1;
	out->n_value = ARRAY_SIZE(values);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		out->value[i] = values[i] > 0 ? (int64_t)values[i] : 0;
	out->label[0]->key = string_of(m, "thread");
	out->label[0]->str = string_of(m, site->thread);
}

static void put_mapping(struct maker *m, Pprof__Mapping *out,
			const struct profile_module *from, uint64_t id)
{
	out->id = id;
	out->memory_start = from->start;
	out->memory_limit = from->end;
	out->file_offset = from->offset;
	out->filename = string_of(m, from->path);
	out->build_id = string_of(m, from->build_id);
	out->has_functions = true;
	out->has_filenames = true;
	out->has_line_numbers = true;
	out->has_inline_frames = true;
}

static void put_location(struct maker *m, Pprof__Location *out,
			 const struct profile *p, uint32_t frame)
{
	const struct profile_frame *f = &p->frames[frame];

	out->id = frame + (uint64_t)1;
	if (f->module != PROFILE_NONE)
		out->mapping_id = f->module + (uint64_t)1;
	out->address = f->pc - 1;
	out->line = make_all(m, &pprof__line__descriptor, f->nr_symbols,
			     &out->n_line);
	for (uint32_t i = 0; i < out->n_line; i++) {
		uint32_t symbol = f->first_symbol + i;

		out->line[i]->function_id = symbol + (uint64_t)1;
		out->line[i]->line = p->symbols[symbol].line;
	}
}

static void put_function(struct maker *m, Pprof__Function *out,
			 const struct profile_symbol *from, uint64_t id)
{
	out->id = id;
	out->name = string_of(m, from->function);
	out->system_name = out->name;
	out->filename = string_of(m, from->file ? from->file : "");
}

static void put_all(struct maker *m, const struct profile *p,
		    const struct profile_sum *sum)
{
	Pprof__Profile *out = m->out;

	string_of(m, "");	/* the first one, always */
	put_types(m);
	out->duration_nanos = (int64_t)p->lasted_ms * 1000000;
	out->sample = make_all(m, &pprof__sample__descriptor, sum->nr_sites,
			       &out->n_sample);
	for (size_t i = 0; i < out->n_sample; i++)
		put_sample(m, out->sample[i], p, &sum->sites[i]);
	out->mapping = make_all(m, &pprof__mapping__descriptor, p->nr_modules,
				&out->n_mapping);
	for (size_t i = 0; i < out->n_mapping; i++)
		put_mapping(m, out->mapping[i], &p->modules[i], i + 1);
	out->location = make_all(m, &pprof__location__descriptor,
				 p->nr_frames, &out->n_location);
	for (uint32_t i = 0; i < out->n_location; i++)
		put_location(m, out->location[i], p, i);
	out->function = make_all(m, &pprof__function__descriptor,
				 p->nr_symbols, &out->n_function);
	for (size_t i = 0; i < out->n_function; i++)
		put_function(m, out->function[i], &p->symbols[i], i + 1);
}

uint8_t *profile_pprof(const struct profile *p, const struct profile_sum *sum,
		       size_t *len)
{
	struct maker m = { 0 };
	uint8_t *bytes = NULL;

	m.out = make_one(&m, &pprof__profile__descriptor);
	if (!m.out)
		return NULL;
	put_all(&m, p, sum);
	*len = m.failed ? 0 : pprof__profile__get_packed_size(m.out);
	if (*len)
		bytes = malloc(*len);
	if (bytes)
		pprof__profile__pack(m.out, bytes);
	tdestroy(m.tree, free);
	pprof__profile__free_unpacked(m.out, NULL);
	return bytes;
}
