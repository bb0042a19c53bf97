/* SPDX-License-Identifier: MIT */
/*
 * What zctl doctor finds: see finding.h.
 */
#include "finding.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "screen.h"

#define NAME_WIDTH	22

static const struct {
	const char *word;	/* on the screen */
	const char *json;
	const char *color;
} levels[FINDING_NR_LEVELS] = {
	[FINDING_OK] = { "ok  ", "ok", "\033[32m" },
	[FINDING_NOTE] = { "-   ", "note", "" },
	[FINDING_WARN] = { "warn", "warning", "\033[33m" },
	[FINDING_FAIL] = { "FAIL", "problem", "\033[31m" },
};

struct finding *finding_add(struct findings *f, enum finding_level level,
			    const char *name, const char *format, ...)
{
	/* more than there is room for are all the last one */
	struct finding *new = &f->all[f->nr < FINDING_MAX ? f->nr++
							  : FINDING_MAX - 1];
	va_list args;

	memset(new, 0, sizeof(*new));
	new->level = level;
	f->nr_of[level]++;
	snprintf(new->name, sizeof(new->name), "%s", name);
	va_start(args, format);
	vsnprintf(new->text, sizeof(new->text), format, args);
	va_end(args);
	return new;
}

static void print_one(const struct finding *one)
{
	bool color = screen_has_color() && levels[one->level].color[0];

	printf(" %s%s%s  %-*s %s\n", color ? levels[one->level].color : "",
	       levels[one->level].word, color ? "\033[m" : "", NAME_WIDTH,
	       one->name, one->text);
	if (one->fix[0])
		printf("%*s fix: %s\n", NAME_WIDTH + 7, "", one->fix);
}

static void print_sum(const struct findings *f, const char *subject)
{
	size_t problems = f->nr_of[FINDING_FAIL];
	size_t warnings = f->nr_of[FINDING_WARN];

	if (problems)
		printf("%zu problem%s, ", problems, problems == 1 ? "" : "s");
	if (problems || warnings)
		printf("%zu warning%s: ", warnings, warnings == 1 ? "" : "s");
	printf("compression %s %s\n", problems ? "does NOT work for" :
	       "works for", subject);
}

static enum zctl_status print_json(const struct findings *f,
				   const char *title, const char *subject)
{
	json_t *document = record_document("uzswap.doctor.v1");
	json_t *all = json_array();

	json_object_set_new(document, "system", json_string(title));
	json_object_set_new(document, "subject", json_string(subject));
	json_object_set_new(document, "works",
			    json_boolean(!f->nr_of[FINDING_FAIL]));
	for (size_t i = 0; i < f->nr; i++) {
		const struct finding *one = &f->all[i];
		json_t *object = json_object();

		json_object_set_new(object, "level",
				    json_string(levels[one->level].json));
		json_object_set_new(object, "name", json_string(one->name));
		json_object_set_new(object, "text", json_string(one->text));
		json_object_set_new(object, "fix", one->fix[0] ?
				    json_string(one->fix) : json_null());
		json_array_append_new(all, object);
	}
	json_object_set_new(document, "findings", all);
	return record_print(document, false);
}

enum zctl_status finding_print(const struct findings *f, const char *title,
			       const char *subject)
{
	if (zctl_options.json) {
		if (print_json(f, title, subject) != ZCTL_DONE)
			return ZCTL_FAILED;
	} else {
		puts(title);
		for (size_t i = 0; i < f->nr; i++)
			print_one(&f->all[i]);
		print_sum(f, subject);
	}
	if (f->nr_of[FINDING_FAIL])
		return ZCTL_FAILED;
	return f->nr_of[FINDING_WARN] ? ZCTL_PARTIAL : ZCTL_DONE;
}

const char *finding_read_line(char *buf, size_t len, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, len - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return buf;
}
