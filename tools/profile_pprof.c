/* SPDX-License-Identifier: MIT */
/*
 * profile.proto, as `go tool pprof` and others read it.
 *
 * It takes eleven kinds of fields, so they are written here by hand: a field
 * is its number and wire type, then a varint, or a length and bytes.
 *
 *	Profile   1 sample type  2 sample  3 mapping  4 location  5 function
 *	          6 string  9 time  10 duration  14 default sample type
 *	ValueType 1 type  2 unit             (both strings, by index)
 *	Sample    1 locations, innermost first  2 values  3 labels
 *	Label     1 key  2 text
 *	Mapping   1 id  2 start  3 end  4 offset  5 file  6 build id
 *	          7 has functions  8 has files  9 has lines  10 has inlined
 *	Location  1 id  2 mapping  3 address  4 lines, innermost first
 *	Line      1 function  2 line
 *	Function  1 id  2 name  3 name as linked  4 file
 */
#define _GNU_SOURCE
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "profile_export.h"

enum { VARINT = 0, BYTES = 2 };

struct message {
	uint8_t *bytes;
	size_t len;
	size_t room;
	bool failed;
};

/* The string table, and where each string is in it. */
struct strings {
	void *tree;
	struct message out;	/* fields 6 of Profile */
	uint64_t nr;
	bool failed;
};

struct string {
	char *text;
	uint64_t at;
};

static void put_bytes(struct message *m, const void *bytes, size_t len)
{
	if (m->room - m->len < len) {
		size_t room = 2 * (m->room + len);
		uint8_t *more = realloc(m->bytes, room);

		if (!more) {
			m->failed = true;
			return;
		}
		m->bytes = more;
		m->room = room;
	}
	if (len)
		memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

static void put_varint(struct message *m, uint64_t n)
{
	uint8_t out[10];
	size_t len = 0;

	do {
		out[len++] = (uint8_t)((n & 127) | (n > 127 ? 128 : 0));
		n >>= 7;
	} while (n);
	put_bytes(m, out, len);
}

static void put_number(struct message *m, unsigned field, uint64_t n)
{
	put_varint(m, field << 3 | VARINT);
	put_varint(m, n);
}

static void put_block(struct message *m, unsigned field, const void *bytes,
		      size_t len)
{
	put_varint(m, field << 3 | BYTES);
	put_varint(m, len);
	put_bytes(m, bytes, len);
}

/* PART as FIELD of M; it is empty afterwards. */
static void put_message(struct message *m, unsigned field,
			struct message *part)
{
	m->failed |= part->failed;
	put_block(m, field, part->bytes, part->len);
	free(part->bytes);
	memset(part, 0, sizeof(*part));
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(((const struct string *)a)->text,
		      ((const struct string *)b)->text);
}

static void free_string(void *s)
{
	free(((struct string *)s)->text);
	free(s);
}

static uint64_t string_of(struct strings *s, const char *text)
{
	struct string *new = calloc(1, sizeof(*new));
	struct string **found;

	if (new)
		new->text = strdup(text);
	found = new && new->text ? tsearch(new, &s->tree, compare_strings)
				 : NULL;
	if (!found) {
		s->failed = true;
		if (new)
			free_string(new);
		return 0;
	}
	if (*found != new) {
		free_string(new);
		return (*found)->at;
	}
	new->at = s->nr++;
	put_block(&s->out, 6, text, strlen(text));
	return new->at;
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

static void put_types(struct message *m, struct strings *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct message type = { 0 };

		put_number(&type, 1, string_of(s, types[i].type));
		put_number(&type, 2, string_of(s, types[i].unit));
		put_message(m, 1, &type);
	}
	put_number(m, 14, string_of(s, types[0].type));
}

static void put_sample(struct message *m, struct strings *s,
		       const struct profile *p,
		       const struct profile_site_sum *sum)
{
	const struct profile_site *site = &p->sites[sum->site];
	const double values[] = {
		sum->cold, sum->bytes, sum->resident, sum->stored, sum->pool,
		sum->count, sum->uses,
	};
	struct message sample = { 0 };
	struct message label = { 0 };

	for (uint32_t i = 0; i < site->nr_frames; i++)
		put_number(&sample, 1,
			   p->stack[site->first_frame + i] + (uint64_t)1);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		put_number(&sample, 2, values[i] > 0 ? (uint64_t)values[i]
						     : 0);
	put_number(&label, 1, string_of(s, "thread"));
	put_number(&label, 2, string_of(s, site->thread));
	put_message(&sample, 3, &label);
	put_message(m, 2, &sample);
}

static void put_mapping(struct message *m, struct strings *s,
			const struct profile_module *from, uint64_t id)
{
	struct message mapping = { 0 };

	put_number(&mapping, 1, id);
	put_number(&mapping, 2, from->start);
	put_number(&mapping, 3, from->end);
	put_number(&mapping, 4, from->offset);
	put_number(&mapping, 5, string_of(s, from->path));
	put_number(&mapping, 6, string_of(s, from->build_id));
	for (unsigned has = 7; has <= 10; has++)
		put_number(&mapping, has, 1);
	put_message(m, 3, &mapping);
}

/* A location and the functions in it; these have the ids of the symbols. */
static void put_frame(struct message *m, struct strings *s,
		      const struct profile *p, uint32_t frame)
{
	const struct profile_frame *f = &p->frames[frame];
	struct message location = { 0 };

	put_number(&location, 1, frame + (uint64_t)1);
	if (f->module != PROFILE_NONE)
		put_number(&location, 2, f->module + (uint64_t)1);
	put_number(&location, 3, f->pc - 1);
	for (uint32_t i = 0; i < f->nr_symbols; i++) {
		uint64_t id = f->first_symbol + i + (uint64_t)1;
		const struct profile_symbol *y = &p->symbols[id - 1];
		struct message line = { 0 };
		struct message function = { 0 };

		put_number(&line, 1, id);
		put_number(&line, 2, y->line);
		put_message(&location, 4, &line);
		put_number(&function, 1, id);
		put_number(&function, 2, string_of(s, y->function));
		put_number(&function, 3, string_of(s, y->function));
		put_number(&function, 4, string_of(s, y->file ? y->file : ""));
		put_message(m, 5, &function);
	}
	put_message(m, 4, &location);
}

uint8_t *profile_pprof(const struct profile *p, const struct profile_sum *sum,
		       size_t *len)
{
	struct strings strings = { 0 };
	struct message m = { 0 };

	string_of(&strings, "");	/* the first one, always */
	put_types(&m, &strings);
	for (size_t i = 0; i < sum->nr_sites; i++)
		put_sample(&m, &strings, p, &sum->sites[i]);
	for (size_t i = 0; i < p->nr_modules; i++)
		put_mapping(&m, &strings, &p->modules[i], i + 1);
	for (uint32_t i = 0; i < p->nr_frames; i++)
		put_frame(&m, &strings, p, i);
	put_number(&m, 10, p->lasted_ms * 1000000);
	put_bytes(&m, strings.out.bytes, strings.out.len);
	m.failed |= strings.failed || strings.out.failed;
	free(strings.out.bytes);
	tdestroy(strings.tree, free_string);
	*len = m.len;
	if (!m.failed)
		return m.bytes;
	free(m.bytes);
	return NULL;
}
