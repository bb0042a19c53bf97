/* SPDX-License-Identifier: MIT */
/*
 * Values come in as text only, defaults too, so that there is one way to
 * read a value and a default outside its own range cannot be written.
 *
 * Texts are appended to a small buffer and named by their offset, which is
 * what lets the struct be copied; offset 0 is the empty text.
 */
#include "watch/config.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/codec.h"

static const struct uzswap_option_row rows[] = {
	UZSWAP_OPTIONS(UZSWAP_OPTION_ROW)
};

_Static_assert(ARRAY_SIZE(rows) == UZSWAP_NR_OPTIONS, "one row per option");
_Static_assert(sizeof(struct config_value[UZSWAP_NR_OPTIONS]) ==
	       sizeof(((struct config *)0)->all), "fields are the array");

const struct uzswap_option_row *config_row(enum uzswap_option option)
{
	return option < UZSWAP_NR_OPTIONS ? &rows[option] : NULL;
}

enum uzswap_option config_find(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(rows) && !text_equal(rows[i].name, name))
		i++;
	return (enum uzswap_option)i;
}

/* Fill REASON, of CONFIG_REASON bytes, from up to three pieces. */
static void explain(char *reason, const char *a, const char *b, const char *c)
{
	char *end = reason;

	*end = '\0';
	text_append(&end, reason + CONFIG_REASON, a);
	text_append(&end, reason + CONFIG_REASON, b);
	text_append(&end, reason + CONFIG_REASON, c);
}

static const char *looks_like(enum uzswap_option_type type)
{
	static const char words[UZSWAP_NR_TYPES][56] = {
		[UZSWAP_BOOL] = "is neither 0 nor 1",
		[UZSWAP_SIZE] = "is not a size like 512M or 2G",
		[UZSWAP_SIZE_PCT] =
			"is neither a size like 512M nor a percentage like 50%",
		[UZSWAP_TIME] = "is not a time like 250ms, 30s or 5m",
		[UZSWAP_PERCENT] = "is not a whole percentage like 75",
		[UZSWAP_COUNT] = "is not a whole number",
		[UZSWAP_FD] = "is not a descriptor number",
		[UZSWAP_CHOICE] = "",
		[UZSWAP_CODECS] = "is not codecs like lz4, zstd:3 or lz4+zstd:3",
		[UZSWAP_TEXT] = "",
	};

	return words[type];
}

/* A number in the unit of the row's type. */
static int parse_number(uint64_t *out, enum uzswap_option_type type,
			const char *text)
{
	switch (type) {
	case UZSWAP_SIZE:
	case UZSWAP_SIZE_PCT:
		return text_parse_size(out, text);
	case UZSWAP_TIME:
		return text_parse_ms(out, text);
	case UZSWAP_PERCENT:
		return text_parse_percent(out, text);
	case UZSWAP_COUNT:
	case UZSWAP_FD:
		return text_parse_u64(out, text);
	case UZSWAP_BOOL:
	case UZSWAP_CHOICE:
	case UZSWAP_CODECS:
	case UZSWAP_TEXT:
	case UZSWAP_NR_TYPES:
		break;
	}
	*out = 0;
	return -EINVAL;
}

/* A bound of the table. */
static uint64_t bound(const struct uzswap_option_row *row, const char *text)
{
	uint64_t n;

	if (row->type == UZSWAP_TEXT || row->type == UZSWAP_CODECS)
		return text_parse_u64(&n, text) ? 0 : n;
	return parse_number(&n, row->type, text) ? 0 : n;
}

static int set_number(struct config_value *v,
		      const struct uzswap_option_row *row, const char *text,
		      char *reason)
{
	uint64_t n;
	const int err = parse_number(&n, row->type, text);

	if (err == -ERANGE && *text == '-') {
		explain(reason, "is negative", "", "");
		return err;
	}
	if (err == -ERANGE || (!err && n > bound(row, row->max))) {
		explain(reason, "is larger than ", row->max, "");
		return -ERANGE;
	}
	if (err) {
		explain(reason, looks_like(row->type), "", "");
		return err;
	}
	if (n < bound(row, row->min) && (n || !*row->zero)) {
		explain(reason, "is smaller than ", row->min,
			*row->zero && n ? " and not 0" : "");
		return -ERANGE;
	}
	v->num = n;
	return 0;
}

static int set_percentage(struct config_value *v, const char *text,
			  char *reason)
{
	uint64_t pct;
	const int err = text_parse_percent(&pct, text);

	if (err == -EINVAL) {
		explain(reason, looks_like(UZSWAP_SIZE_PCT), "", "");
		return err;
	}
	if (err || pct < 1 || pct > 100) {
		explain(reason, "is not between 1% and 100%", "", "");
		return -ERANGE;
	}
	v->pct = (uint32_t)pct;
	return 0;
}

static int set_choice(struct config_value *v, const char *choices,
		      const char *text, char *reason)
{
	const size_t len = strlen(text);
	const char *word = choices;

	for (uint64_t i = 0; ; i++) {
		const size_t word_len = strcspn(word, "|");

		if (word_len == len && !memcmp(word, text, len)) {
			v->num = i;
			return 0;
		}
		if (!word[word_len])
			break;
		word += word_len + 1;
	}
	explain(reason, strchr(choices, '|') ? "is none of " : "is not ",
		choices, "");
	return -EINVAL;
}

static int set_text(struct config *c, struct config_value *v,
		    const struct uzswap_option_row *row, const char *text,
		    char *reason)
{
	const size_t len = strlen(text);

	if (len > bound(row, row->max)) {
		explain(reason, "is longer than ", row->max, " characters");
		return -ERANGE;
	}
	if (len >= sizeof(c->texts) - c->texts_len) {
		explain(reason, "has no room left", "", "");
		return -ENOSPC;
	}
	/* defaults are in the table and take no room */
	if (!len || v->origin == CONFIG_DEFAULT)
		return 0;
	v->text_at = (uint16_t)c->texts_len;
	memcpy(c->texts + c->texts_len, text, len + 1);
	c->texts_len += len + 1;
	return 0;
}

/* TEXT, which is not empty, as a value of the row's type. */
static int set_by_type(struct config *c, struct config_value *v,
		       const struct uzswap_option_row *row, const char *text,
		       char *reason)
{
	struct codec_pair pair;
	bool yes;

	switch (row->type) {
	case UZSWAP_BOOL:
		if (text_parse_bool(&yes, text)) {
			explain(reason, looks_like(UZSWAP_BOOL), "", "");
			return -EINVAL;
		}
		v->num = yes;
		return 0;
	case UZSWAP_SIZE_PCT:
		if (strchr(text, '%'))
			return set_percentage(v, text, reason);
		return set_number(v, row, text, reason);
	case UZSWAP_FD:
		if (text_equal(text, "none")) {
			v->num = CONFIG_NO_FD;
			return 0;
		}
		return set_number(v, row, text, reason);
	case UZSWAP_SIZE:
	case UZSWAP_TIME:
	case UZSWAP_PERCENT:
	case UZSWAP_COUNT:
		return set_number(v, row, text, reason);
	case UZSWAP_CHOICE:
		return set_choice(v, row->choices, text, reason);
	case UZSWAP_CODECS:
		if (codec_parse(&pair, text)) {
			explain(reason, looks_like(UZSWAP_CODECS), "", "");
			return -EINVAL;
		}
		return set_text(c, v, row, text, reason);
	case UZSWAP_TEXT:
		return set_text(c, v, row, text, reason);
	case UZSWAP_NR_TYPES:
		break;
	}
	return -EINVAL;
}

int config_set(struct config *c, enum uzswap_option option, const char *text,
	       enum config_origin origin, char *reason)
{
	struct config_value v = { .origin = (uint8_t)origin };
	const struct uzswap_option_row *row = config_row(option);
	int err;

	*reason = '\0';
	if (!row || (!*text && row->type != UZSWAP_TEXT)) {
		explain(reason, "is empty", "", "");
		return -EINVAL;
	}
	err = set_by_type(c, &v, row, text, reason);
	if (!err)
		c->all[option] = v;
	return err;
}

void config_defaults(struct config *c)
{
	char reason[CONFIG_REASON];

	*c = (struct config){ .texts_len = 1 };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int err = config_set(c, (enum uzswap_option)i,
					   rows[i].initial, CONFIG_DEFAULT,
					   reason);

		ASSERT(!err);
		(void)err;
	}
}

void config_compact(struct config *c)
{
	struct config old = *c;

	c->texts_len = 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_value *v = &c->all[i];
		const char *text = old.texts + v->text_at;
		const size_t len = strlen(text);

		if (!v->text_at)
			continue;
		v->text_at = (uint16_t)c->texts_len;
		memcpy(c->texts + c->texts_len, text, len + 1);
		c->texts_len += len + 1;
	}
}

const char *config_text(const struct config *c, const struct config_value *v)
{
	return v->origin == CONFIG_DEFAULT ? rows[v - c->all].initial
					   : c->texts + v->text_at;
}

static void format_choice(const char *choices, uint64_t index, char *buf,
			  size_t len)
{
	size_t word_len;

	for (; index; index--)
		choices += strcspn(choices, "|") + 1;
	word_len = strcspn(choices, "|");
	text_copy(buf, min_size(len, word_len + 1), choices);
}

char *config_format(const struct config *c, enum uzswap_option option,
		    char *buf, size_t len)
{
	const struct uzswap_option_row *row = config_row(option);
	const struct config_value *v = &c->all[option];
	char *end = buf;

	if (!len)
		return buf;
	if (v->pct || row->type == UZSWAP_PERCENT) {
		text_u64(buf, len, v->pct ? v->pct : v->num);
		end += strlen(buf);
		text_append(&end, buf + len, "%");
		return buf;
	}
	switch (row->type) {
	case UZSWAP_SIZE:
	case UZSWAP_SIZE_PCT:
		return text_size_exact(buf, len, v->num);
	case UZSWAP_TIME:
		return text_ms(buf, len, v->num);
	case UZSWAP_FD:
		if (v->num == CONFIG_NO_FD)
			return text_copy(buf, len, "none");
		return text_u64(buf, len, v->num);
	case UZSWAP_CHOICE:
		format_choice(row->choices, v->num, buf, len);
		return buf;
	case UZSWAP_CODECS:
	case UZSWAP_TEXT:
		return text_copy(buf, len, config_text(c, v));
	case UZSWAP_BOOL:
	case UZSWAP_COUNT:
	case UZSWAP_PERCENT:
	case UZSWAP_NR_TYPES:
		break;
	}
	return text_u64(buf, len, v->num);
}

char *config_problem_text(const struct config_problem *problem, char *buf,
			  size_t len)
{
	const char *pieces[] = {
		problem->name, " '", problem->value, "' ", problem->reason,
		*problem->used ? ": using " : ": ignored", problem->used,
	};
	char *end = buf;

	if (len)
		*buf = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		text_append(&end, buf + len, pieces[i]);
	return buf;
}

/* Does NAME match one of the globs in LIST, separated by ":" or ","? */
static bool matches_any(const char *list, const char *name)
{
	for (;;) {
		const size_t len = strcspn(list, ":,");

		if (len && text_glob(list, len, name))
			return true;
		if (!list[len])
			return false;
		list += len + 1;
	}
}

bool config_wants(const struct config *c, const char *exe_name)
{
	const char *include = config_text(c, &c->include);
	const char *exclude = config_text(c, &c->exclude);

	if (!c->enable.num)
		return false;
	if (*include && !matches_any(include, exe_name))
		return false;
	return !matches_any(exclude, exe_name);
}
