/* SPDX-License-Identifier: MIT */
/*
 * Processes in the text formats of Prometheus and OpenMetrics: see
 * metrics.h.
 *
 * A metric is printed for all processes before the next, as both formats
 * want it.  With by_name the pages of one label are added up first.
 *
 * The histogram has no _sum: the page counts times and does not add them
 * up, and a guess would be taken for a measurement.
 */
#include "metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* One set of labels and what it counts. */
struct series {
	const char *name;
	pid_t pid;		/* 0: not a label */
	const char *state;
	struct uzswap_stats s;
};

struct writer {
	FILE *out;
	const struct metrics_format *format;
	struct series *series;
	size_t nr;
};

#define GAUGES(X)							\
	X(managed, "Private memory looked after (virtual)")		\
	X(resident, "Part of managed that is ordinary RAM")		\
	X(stored, "Part of managed evicted, uncompressed size")		\
	X(untouched, "Part of managed never written")			\
	X(leaving, "Part of resident that is on probation")		\
	X(registered, "Part of managed whose faults come to us")	\
	X(refused, "Part of resident that does not pay")		\
	X(pool, "RAM holding what is stored, with all overhead")	\
	X(packed, "Part of pool: compressed bytes")			\
	X(metadata, "Part of pool: tables")				\
	X(disk, "Part of stored in the swap file")			\
	X(limit, "The memory limit that binds, 0 for none")		\
	X(usage, "What counts against the limit now")			\
	X(usage_max, "The most that counted against the limit")

static const struct {
	const char *name;
	const char *help;
	size_t offset;
} gauges[] = {
#define X(field, help) { #field, help, offsetof(struct uzswap_stats, field) },
	GAUGES(X)
#undef X
};

static const struct {
	const char *name;
	const char *help;
} counters[] = {
#define X(name, help) { #name, help },
	UZSWAP_COUNTERS(X)
#undef X
};

/* Counters that are one metric with a label. */
static const struct {
	enum uzswap_counter counter;
	const char *source;
} sources[] = {
	{ UZSWAP_COUNT_faults_stored, "pool" },
	{ UZSWAP_COUNT_faults_leaving, "probation" },
	{ UZSWAP_COUNT_faults_fresh, "new" },
	{ UZSWAP_COUNT_faults_resident, "resident" },
};

const char *metrics_type(const struct metrics_format *format)
{
	return format->openmetrics ?
	       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	       "text/plain; version=0.0.4; charset=utf-8";
}

/* UNIT is "" or "_bytes"; OpenMetrics speaks of counters without _total. */
static void head(const struct writer *w, const char *name, const char *unit,
		 const char *type, const char *help)
{
	bool total = strcmp(type, "counter") == 0 && !w->format->openmetrics;
	const char *suffix = total ? "_total" : "";

	fprintf(w->out, "# HELP uzswap_%s%s%s %s.\n", name, unit, suffix,
		help);
	fprintf(w->out, "# TYPE uzswap_%s%s%s %s\n", name, unit, suffix, type);
	if (*unit && w->format->openmetrics)
		fprintf(w->out, "# UNIT uzswap_%s%s %s\n", name, unit,
			unit + 1);
}

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		putc(*text, out);
	}
}

/* "uzswap_NAMESUFFIX{name=...,pid=...,MORE} " */
static void put_labels(const struct writer *w, const struct series *series,
		       const char *name, const char *suffix,
		       const char *more)
{
	fprintf(w->out, "uzswap_%s%s{name=\"", name, suffix);
	put_escaped(w->out, series->name);
	putc('"', w->out);
	if (series->pid)
		fprintf(w->out, ",pid=\"%d\"", series->pid);
	if (*more)
		fprintf(w->out, ",%s", more);
	fputs("} ", w->out);
}

static void put_gauges(const struct writer *w)
{
	for (size_t g = 0; g < ARRAY_SIZE(gauges); g++) {
		head(w, gauges[g].name, "_bytes", "gauge", gauges[g].help);
		for (size_t i = 0; i < w->nr; i++) {
			const char *page = (const char *)&w->series[i].s;
			uint64_t value;

			memcpy(&value, page + gauges[g].offset, sizeof(value));
			put_labels(w, &w->series[i], gauges[g].name, "_bytes",
				   "");
			fprintf(w->out, "%" PRIu64 "\n", value);
		}
	}
	head(w, "saved", "_bytes", "gauge", "Stored less pool");
	for (size_t i = 0; i < w->nr; i++) {
		const struct uzswap_stats *s = &w->series[i].s;

		put_labels(w, &w->series[i], "saved", "_bytes", "");
		fprintf(w->out, "%" PRId64 "\n",
			(int64_t)s->stored - (int64_t)s->pool);
	}
}

static bool has_own_metric(size_t counter)
{
	if (counter == UZSWAP_COUNT_faults ||
	    counter == UZSWAP_COUNT_server_cpu_ns ||
	    counter == UZSWAP_COUNT_worker_cpu_ns)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (counter == sources[i].counter)
			return true;
	return false;
}

/* "compact_cpu_ns" becomes "compact_cpu" in seconds; false for others. */
static bool is_time(char *base, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (n < 3 || strcmp(name + n - 3, "_ns") != 0)
		return false;
	snprintf(base, len, "%.*s", (int)n - 3, name);
	return true;
}

static void put_time(const struct writer *w, const char *base, size_t c)
{
	const char *words = counters[c].help;
	const char *unit = strstr(words, ", ns");
	char help[128];

	snprintf(help, sizeof(help), "%.*s",
		 (int)(unit ? (size_t)(unit - words) : strlen(words)), words);
	head(w, base, "_seconds", "counter", help);
	for (size_t i = 0; i < w->nr; i++) {
		put_labels(w, &w->series[i], base, "_seconds_total", "");
		fprintf(w->out, "%.9g\n",
			(double)w->series[i].s.counters[c] / 1e9);
	}
}

static void put_counters(const struct writer *w)
{
	char base[64];

	for (size_t c = 0; c < UZSWAP_NR_COUNTERS; c++) {
		if (has_own_metric(c))
			continue;
		if (is_time(base, sizeof(base), counters[c].name)) {
			put_time(w, base, c);
			continue;
		}
		head(w, counters[c].name, "", "counter", counters[c].help);
		for (size_t i = 0; i < w->nr; i++) {
			put_labels(w, &w->series[i], counters[c].name,
				   "_total", "");
			fprintf(w->out, "%" PRIu64 "\n",
				w->series[i].s.counters[c]);
		}
	}
}

static void put_faults(const struct writer *w)
{
	head(w, "faults", "", "counter", "Page faults answered, by source");
	for (size_t i = 0; i < w->nr; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sources); j++) {
			char label[32];

			snprintf(label, sizeof(label), "source=\"%s\"",
				 sources[j].source);
			put_labels(w, &w->series[i], "faults", "_total",
				   label);
			fprintf(w->out, "%" PRIu64 "\n",
				w->series[i].s.counters[sources[j].counter]);
		}
	}
}

static void put_cpu(const struct writer *w)
{
	head(w, "cpu", "_seconds", "counter",
	     "CPU time of the library's own threads");
	for (size_t i = 0; i < w->nr; i++) {
		const uint64_t *n = w->series[i].s.counters;

		put_labels(w, &w->series[i], "cpu_seconds", "_total",
			   "threads=\"server\"");
		fprintf(w->out, "%.9g\n",
			(double)n[UZSWAP_COUNT_server_cpu_ns] / 1e9);
		put_labels(w, &w->series[i], "cpu_seconds", "_total",
			   "threads=\"other\"");
		fprintf(w->out, "%.9g\n",
			(double)n[UZSWAP_COUNT_worker_cpu_ns] / 1e9);
	}
}

static void put_histogram(const struct writer *w)
{
	head(w, "fault", "_seconds", "histogram",
	     "Time to answer a page fault");
	for (size_t i = 0; i < w->nr; i++) {
		const uint64_t *buckets = w->series[i].s.fault_us;
		uint64_t sum = 0;
		char le[32] = "le=\"+Inf\"";

		for (size_t j = 0; j < UZSWAP_NR_BUCKETS; j++) {
			sum = snapshot_add(sum, buckets[j]);
			/* the last one counts all longer times too */
			if (j == UZSWAP_NR_BUCKETS - 1)
				snprintf(le, sizeof(le), "le=\"+Inf\"");
			else
				snprintf(le, sizeof(le), "le=\"%.9g\"",
					 (double)(1u << j) / 4e6);
			put_labels(w, &w->series[i], "fault_seconds",
				   "_bucket", le);
			fprintf(w->out, "%" PRIu64 "\n", sum);
		}
		put_labels(w, &w->series[i], "fault_seconds", "_count", "");
		fprintf(w->out, "%" PRIu64 "\n", sum);
	}
}

static void put_processes(const struct writer *w,
			  const struct target_list *list)
{
	bool info = w->format->openmetrics;

	fprintf(w->out, "# HELP uzswap_build%s Version of zctl.\n"
		"# TYPE uzswap_build%s %s\n"
		"uzswap_build_info{version=\"" PACKAGE_VERSION "\"} 1\n",
		info ? "" : "_info", info ? "" : "_info",
		info ? "info" : "gauge");
	head(w, "processes", "", "gauge", "Processes under uzswap");
	fprintf(w->out, "uzswap_processes{kind=\"awake\"} %zu\n"
		"uzswap_processes{kind=\"dormant\"} %zu\n"
		"uzswap_processes{kind=\"unreadable\"} %zu\n", list->nr,
		list->nr_dormant, list->nr_failed);
	head(w, "up", "", "gauge", "1 while the library stores and restores, "
	     "0 when it is paused, off or a child not yet taken over");
	for (size_t i = 0; i < w->nr; i++) {
		const char *state = w->series[i].state;
		char label[48];

		snprintf(label, sizeof(label), "state=\"%s\"", state);
		put_labels(w, &w->series[i], "up", "",
			   w->format->by_name ? "" : label);
		fprintf(w->out, "%d\n", strcmp(state, "active") == 0 ||
			strcmp(state, "degraded") == 0);
	}
}

/* Add the page FROM to TO, number by number. */
static void add_page(struct uzswap_stats *to, const struct uzswap_stats *from)
{
	for (size_t g = 0; g < ARRAY_SIZE(gauges); g++) {
		char *at = (char *)to + gauges[g].offset;
		uint64_t a;
		uint64_t b;

		memcpy(&a, at, sizeof(a));
		memcpy(&b, (const char *)from + gauges[g].offset, sizeof(b));
		a = snapshot_add(a, b);
		memcpy(at, &a, sizeof(a));
	}
	for (size_t i = 0; i < UZSWAP_NR_COUNTERS; i++)
		to->counters[i] = snapshot_add(to->counters[i],
					       from->counters[i]);
	for (size_t i = 0; i < UZSWAP_NR_BUCKETS; i++)
		to->fault_us[i] = snapshot_add(to->fault_us[i],
					       from->fault_us[i]);
}

static struct series *find_series(struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->nr; i++)
		if (w->format->by_name && strcmp(w->series[i].name, name) == 0)
			return &w->series[i];
	w->series[w->nr].name = name;
	return &w->series[w->nr++];
}

void metrics_print(FILE *out, const struct target_list *list,
		   const struct metrics_format *format)
{
	struct writer w = { .out = out, .format = format };

	w.series = calloc(list->nr + 1, sizeof(w.series[0]));
	if (!w.series) {
		zctl_error("out of memory");
		exit(ZCTL_FAILED);
	}
	for (size_t i = 0; i < list->nr; i++) {
		const struct client *client = &list->clients[i];
		struct series *series = find_series(&w, record_name(client));

		series->pid = format->by_name ? 0 : client->pid;
		series->state = record_state(client);
		add_page(&series->s, &client->snap.s);
	}
	put_processes(&w, list);
	put_gauges(&w);
	put_faults(&w);
	put_histogram(&w);
	put_cpu(&w);
	put_counters(&w);
	if (format->openmetrics)
		fputs("# EOF\n", out);
	free(w.series);
}
