/* SPDX-License-Identifier: MIT */
/*
 * One process as a JSON object: see record.h.
 *
 * All numbers were brought below INT64_MAX by snapshot.c, so none changes
 * its sign in a json_int_t.  jansson only fails for lack of memory here;
 * that shows when the document is printed.
 */
#include "record.h"

#include <stdio.h>
#include <time.h>

/* Reals are rounded to thousandths; this many digits print them exactly. */
#define REAL_DIGITS	15

static const char *const state_names[] = {
	[UZSWAP_DORMANT] = "dormant",
	[UZSWAP_ACTIVE] = "active",
	[UZSWAP_PAUSED] = "paused",
	[UZSWAP_OFF] = "off",
	[UZSWAP_DEGRADED] = "degraded",
	[UZSWAP_CHILD] = "child",
};

_Static_assert(ARRAY_SIZE(state_names) == UZSWAP_NR_STATES,
	       "every state has a word");

const char *record_state(const struct client *client)
{
	switch (client->kind) {
	case CLIENT_PAGE:
		return state_names[client->snap.s.state];
	case CLIENT_CHILD:
		return state_names[UZSWAP_CHILD];
	case CLIENT_DORMANT:
		return state_names[UZSWAP_DORMANT];
	case CLIENT_NONE:
		break;
	}
	return "none";
}

const char *record_name(const struct client *client)
{
	if (client->kind == CLIENT_PAGE && client->snap.s.name[0])
		return client->snap.s.name;
	return client->comm;
}

static void add_int(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

json_t *record_real(double value)
{
	if (value < 1e15)
		value = (double)(uint64_t)(value * 1000 + 0.5) / 1000;
	return json_real(value);
}

static void add_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key,
			    value[0] ? json_string(value) : json_null());
}

json_t *record_document(const char *schema)
{
	json_t *document = json_object();
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	add_text(document, "schema", schema);
	add_text(document, "time", text);
	return document;
}

static void add_sizes(json_t *object, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;

	add_int(object, "managed_bytes", s->managed);
	add_int(object, "resident_bytes", s->resident);
	add_int(object, "stored_bytes", s->stored);
	add_int(object, "untouched_bytes", s->untouched);
	add_int(object, "pool_bytes", s->pool);
	add_int(object, "disk_bytes", s->disk);
	json_object_set_new(object, "saved_bytes",
			    json_integer(snapshot_saved(&client->snap)));
	json_object_set_new(object, "ratio",
			    s->pool && s->stored > s->disk ?
			    record_real(snapshot_ratio(&client->snap)) :
			    json_null());
	json_object_set_new(object, "fault_p99_us",
			    snapshot_nr_timed(&client->snap) ?
			    record_real(snapshot_fault_us(&client->snap, .99)) :
			    json_null());
}

void record_add_process(json_t *object, const struct client *client)
{
	add_int(object, "pid", (uint64_t)client->pid);
	add_int(object, "start_time_ticks", client->start_ticks);
	add_int(object, "uid", client->uid);
	add_text(object, "comm", client->comm);
	add_text(object, "name", record_name(client));
	add_text(object, "state", record_state(client));
	add_sizes(object, client);
}

static void add_counters(json_t *object, const struct uzswap_stats *s)
{
	static const char *const names[] = {
#define X(name, help) #name,
		UZSWAP_COUNTERS(X)
#undef X
	};
	json_t *counters = json_object();

	for (size_t i = 0; i < UZSWAP_NR_COUNTERS; i++)
		add_int(counters, names[i], s->counters[i]);
	json_object_set_new(object, "counters", counters);
}

static void add_histogram(json_t *object, const struct uzswap_stats *s)
{
	json_t *buckets = json_array();

	for (size_t i = 0; i < UZSWAP_NR_BUCKETS; i++) {
		json_t *bucket = json_object();
		bool last = i == UZSWAP_NR_BUCKETS - 1;

		json_object_set_new(bucket, "below_us", last ? json_null() :
			record_real(0.25 * (double)((uint64_t)1 << i)));
		add_int(bucket, "faults", s->fault_us[i]);
		json_array_append_new(buckets, bucket);
	}
	json_object_set_new(object, "fault_histogram", buckets);
}

static void add_times(json_t *object, const struct client *client)
{
	const struct snapshot *snap = &client->snap;

	add_int(object, "up_ms",
		(snap->taken_ns - snap->s.started_ns) / 1000000);
	add_int(object, "age_ms",
		(snap->taken_ns - snap->s.updated_ns) / 1000000);
	json_object_set_new(object, "fault_p50_us",
			    snapshot_nr_timed(snap) ?
			    record_real(snapshot_fault_us(snap, .5)) :
			    json_null());
}

static void add_backoff(json_t *object, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;

	add_int(object, "min_age_ms", s->min_age_ms);
	add_int(object, "max_stall_ms", s->max_stall_ms);
	json_object_set_new(object, "backing_off",
			    json_boolean(s->backing_off));
	json_object_set_new(object, "backoff_ago_ms", s->backoff_ns ?
			    json_integer((json_int_t)((s->updated_ns -
					s->backoff_ns) / 1000000)) :
			    json_null());
}

void record_add_details(json_t *object, const struct client *client)
{
	const struct uzswap_stats *s = &client->snap.s;

	json_object_set_new(object, "stopped", json_boolean(client->stopped));
	if (client->kind != CLIENT_PAGE)
		return;
	json_object_set_new(object, "torn", json_boolean(client->snap.torn));
	json_object_set_new(object, "adjusted",
			    json_boolean(client->snap.adjusted));
	add_text(object, "library_version", s->library_version);
	add_text(object, "compressor", s->compressor);
	add_text(object, "engine", s->engine);
	add_times(object, client);
	add_int(object, "servers", s->nr_servers);
	add_int(object, "leaving_bytes", s->leaving);
	add_int(object, "registered_bytes", s->registered);
	add_int(object, "refused_bytes", s->refused);
	add_int(object, "packed_bytes", s->packed);
	add_int(object, "metadata_bytes", s->metadata);
	add_int(object, "fragmentation_bytes",
		s->pool - s->packed - s->metadata);
	json_object_set_new(object, "limit_bytes", s->limit ?
			    json_integer((json_int_t)s->limit) : json_null());
	add_text(object, "limit_source", s->limit_source);
	add_int(object, "usage_bytes", s->usage);
	add_int(object, "usage_max_bytes", s->usage_max);
	add_backoff(object, client);
	add_text(object, "note", s->note);
	add_histogram(object, s);
	add_counters(object, s);
}

void record_add_mappings(json_t *object, const struct mappings *mappings)
{
	json_t *all = json_array();

	for (size_t i = 0; i < mappings->nr; i++) {
		const struct mapping *m = &mappings->all[i];
		json_t *one = json_object();

		add_int(one, "start", m->start & INT64_MAX);
		add_int(one, "size_bytes", m->size);
		add_int(one, "resident_bytes", m->resident);
		add_int(one, "swapped_bytes", m->swapped);
		add_text(one, "kind", mappings_kind_words(m->kind));
		add_text(one, "name", m->name);
		json_array_append_new(all, one);
	}
	json_object_set_new(object, "mappings", all);
}

enum zctl_status record_print(json_t *document, bool indent)
{
	size_t flags = JSON_REAL_PRECISION(REAL_DIGITS) |
		       (indent ? JSON_INDENT(2) : JSON_COMPACT);
	int ret = json_dumpf(document, stdout, flags);

	json_decref(document);
	if (ret < 0) {
		zctl_error("cannot write JSON");
		return ZCTL_FAILED;
	}
	putchar('\n');
	return ZCTL_DONE;
}
