/* SPDX-License-Identifier: MIT */
/*
 * Formats of other tools: see profile_export.h.
 */
#include "profile_export.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "profile_name.h"
#include "record.h"
#include "snapshot.h"

#define NAME_LEN	256

/* --- folded -------------------------------------------------------------- */

/* A name without what separates names and numbers. */
static void put_folded(const char *name)
{
	for (; *name; name++)
		putchar(*name == ';' || *name == ' ' ? '_' : *name);
}

static void fold_frame(const struct profile *p, uint32_t frame)
{
	const struct profile_frame *f = &p->frames[frame];
	char name[NAME_LEN];

	/* what is inlined is called by what comes after it */
	for (uint32_t k = f->nr_symbols; k-- > 0;) {
		putchar(';');
		put_folded(p->symbols[f->first_symbol + k].function);
	}
	if (!f->nr_symbols) {
		putchar(';');
		put_folded(profile_frame_name(p, frame, name, sizeof(name)));
	}
}

static enum zctl_status put_stacks(const struct profile *p,
				   const struct profile_sum *sum)
{
	for (size_t i = 0; i < sum->nr_sites; i++) {
		const struct profile_site *s =
			&p->sites[sum->sites[i].site];

		uint32_t inner = profile_inner(p, s);

		if (sum->sites[i].cold < 1)
			continue;
		put_folded(s->thread[0] ? s->thread : p->command);
		for (uint32_t k = s->nr_frames; k-- > 0;) {
			uint32_t frame = p->stack[s->first_frame + k];

			if (k >= inner)
				fold_frame(p, frame);
		}
		printf(" %.0f\n", sum->sites[i].cold);
	}
	return ZCTL_DONE;
}

/* --- gnuplot ------------------------------------------------------------- */

static enum zctl_status put_points(const struct profile *p)
{
	puts("# seconds address heat (9 used, 0 idle, -1 stored)");
	for (size_t r = 0; r < p->nr_rows; r++) {
		for (size_t i = 0; i < p->nr_points; i++) {
			char c = p->rows[r].heat[i];

			if (c == ' ')
				continue;
			printf("%.3f %" PRIu64 " %d\n",
			       (double)p->rows[r].at_ms / 1000,
			       p->points[i].addr, c == '.' ? -1 : c - '0');
		}
		putchar('\n');
	}
	return ZCTL_DONE;
}

/* --- sums ---------------------------------------------------------------- */

static json_t *whole(double n)
{
	return json_integer((json_int_t)n);
}

static json_t *ages_of(const struct profile *p, const struct profile_sum *sum)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < PROFILE_NR_AGES; i++) {
		const struct profile_age *a = &sum->ages[i];
		json_t *o;

		if (profile_ages_ms[i] > p->lasted_ms)
			break;
		o = json_object();
		json_object_set_new(o, "idle_ms",
				    json_integer((json_int_t)
						 profile_ages_ms[i]));
		json_object_set_new(o, "cold_bytes", whole(a->cold));
		json_object_set_new(o, "error_bytes", whole(a->error));
		json_object_set_new(o, "stored_bytes", whole(a->stored));
		json_object_set_new(o, "refused_bytes", whole(a->refused));
		json_object_set_new(o, "pool_bytes", whole(a->pool));
		json_object_set_new(o, "saved_bytes",
				    whole(a->cold - a->refused - a->pool));
		json_object_set_new(o, "faults_per_second",
				    json_real(a->faults_per_s));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *stack_of(const struct profile *p, const struct profile_site *s)
{
	json_t *list = json_array();

	for (uint32_t i = profile_inner(p, s); i < s->nr_frames; i++) {
		uint32_t frame = p->stack[s->first_frame + i];
		const struct profile_frame *f = &p->frames[frame];
		char name[NAME_LEN];

		for (uint32_t k = 0; k < f->nr_symbols; k++) {
			const struct profile_symbol *y =
				&p->symbols[f->first_symbol + k];

			json_array_append_new(list, json_pack(
				"{s:s, s:s?, s:i}", "function", y->function,
				"file", y->file, "line", (int)y->line));
		}
		if (!f->nr_symbols)
			json_array_append_new(list, json_pack(
				"{s:s}", "function",
				profile_frame_name(p, frame, name,
						   sizeof(name))));
	}
	return list;
}

static json_t *sites_of(const struct profile *p,
			const struct profile_sum *sum)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sum->nr_sites; i++) {
		const struct profile_site_sum *s = &sum->sites[i];
		const struct profile_site *site = &p->sites[s->site];
		json_t *o = json_object();
		char name[3 * PROFILE_NAME_LEN];

		json_object_set_new(o, "alive_bytes", whole(s->bytes));
		json_object_set_new(o, "error_bytes", whole(s->error));
		json_object_set_new(o, "allocations", whole(s->count));
		json_object_set_new(o, "resident_bytes", whole(s->resident));
		json_object_set_new(o, "stored_bytes", whole(s->stored));
		json_object_set_new(o, "cold_bytes", whole(s->cold));
		json_object_set_new(o, "cold_error_bytes",
				    whole(s->cold_error));
		json_object_set_new(o, "pool_bytes", whole(s->pool));
		json_object_set_new(o, "idle_ms", whole(s->idle_ms));
		json_object_set_new(o, "slack_ms", whole(s->slack_ms));
		json_object_set_new(o, "uses_seen", whole(s->uses));
		json_object_set_new(o, "points",
				    json_integer(s->nr_points));
		profile_site_name(p, site, name, sizeof(name));
		json_object_set_new(o, "name", json_string(name));
		json_object_set_new(o, "thread", json_string(site->thread));
		json_object_set_new(o, "stack", stack_of(p, site));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *profile_summary(const struct profile *p,
			const struct profile_sum *sum, uint64_t cold_ms)
{
	json_t *root = record_document("uzswap.profile-summary.v1");

	json_object_set_new(root, "command", json_string(p->command));
	json_object_set_new(root, "recorded", json_string(p->recorded));
	json_object_set_new(root, "cold_ms",
			    json_integer((json_int_t)cold_ms));
#define X(name)	json_object_set_new(root, #name,			\
				    json_integer((json_int_t)p->name));
	PROFILE_NUMBERS(X)
#undef X
	json_object_set_new(root, "slack_ms",
			    json_integer((json_int_t)sum->slack_ms));
	json_object_set_new(root, "ages", ages_of(p, sum));
	json_object_set_new(root, "sites", sites_of(p, sum));
	return root;
}

/* --- pprof --------------------------------------------------------------- */

static enum zctl_status put_pprof(const struct profile *p,
				  const struct profile_sum *sum)
{
	size_t len;
	uint8_t *message;
	gzFile out;
	bool ok;

	if (isatty(STDOUT_FILENO)) {
		zctl_error("pprof is binary: redirect it to a file");
		return ZCTL_FAILED;
	}
	message = profile_pprof(p, sum, &len);
	fflush(stdout);
	out = message ? gzdopen(dup(STDOUT_FILENO), "wb") : NULL;
	ok = out && gzwrite(out, message, (unsigned)len) == (int)len;
	if (out && gzclose(out) != Z_OK)
		ok = false;
	free(message);
	if (!ok)
		zctl_error("standard output: write failed");
	return ok ? ZCTL_DONE : ZCTL_FAILED;
}

enum zctl_status profile_export(const struct profile *p,
				const struct profile_sum *sum,
				const char *format, uint64_t cold_ms)
{
	if (strcmp(format, "folded") == 0)
		return put_stacks(p, sum);
	if (strcmp(format, "gnuplot") == 0)
		return put_points(p);
	if (strcmp(format, "pprof") == 0)
		return put_pprof(p, sum);
	if (strcmp(format, "html") == 0)
		return profile_html(p, sum, cold_ms);
	return record_print(profile_summary(p, sum, cold_ms), true);
}

/* --- differences --------------------------------------------------------- */

/* One text for a call stack, the same wherever the program was loaded. */
static char *stack_key(const struct profile *p, const struct profile_site *s)
{
	size_t len = (size_t)s->nr_frames * NAME_LEN + 1;
	char *key = calloc(1, len);
	char name[NAME_LEN - 1];
	size_t at = 0;

	for (uint32_t i = 0; key && i < s->nr_frames; i++)
		at += (size_t)snprintf(key + at, len - at, "%s;",
				       profile_frame_name(p, p->stack[
						s->first_frame + i], name,
						sizeof(name)));
	return key;
}

static void subtract_site(struct profile *p, struct profile_site *from,
			  char **keys, const char *key, double *bytes)
{
	for (size_t i = 0; i < p->nr_sites && *bytes > 0; i++) {
		struct profile_site *s = &p->sites[i];
		double take;

		if (!keys[i] || strcmp(keys[i], key) || s->bytes <= 0)
			continue;
		take = s->bytes < *bytes ? s->bytes : *bytes;
		*bytes -= take;
		s->count -= s->count * take / s->bytes;
		s->bytes -= take;
		s->variance += from->variance;
	}
}

enum zctl_status profile_subtract(struct profile *p, const char *path)
{
	struct profile base;
	enum zctl_status status = profile_load(&base, path);
	char **keys;

	if (status != ZCTL_DONE)
		return status;
	keys = calloc(p->nr_sites + 1, sizeof(*keys));
	for (size_t i = 0; keys && i < p->nr_sites; i++)
		keys[i] = stack_key(p, &p->sites[i]);
	for (size_t i = 0; keys && i < base.nr_sites; i++) {
		char *key = stack_key(&base, &base.sites[i]);
		double bytes = base.sites[i].bytes;

		if (key)
			subtract_site(p, &base.sites[i], keys, key, &bytes);
		free(key);
	}
	for (size_t i = 0; keys && i < p->nr_sites; i++)
		free(keys[i]);
	free(keys);
	profile_free(&base);
	return ZCTL_DONE;
}
