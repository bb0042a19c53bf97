/* SPDX-License-Identifier: MIT */
/*
 * One option of the library, as given to zctl: see setting.h.
 *
 * A value is parsed to a number in the base unit, compared with the bounds
 * of its row (parsed the same way), and printed again as a bare number.
 * Words and texts go through as they are.
 */
#include "setting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

#define NS_PER_MS	1000000ull

static const struct uzswap_option_row rows[] = {
	UZSWAP_OPTIONS(UZSWAP_OPTION_ROW)
};

_Static_assert(ARRAY_SIZE(rows) == UZSWAP_NR_OPTIONS, "one row each");

/* What a value of a type looks like, after "not ". */
static const char *const looks[UZSWAP_NR_TYPES] = {
	[UZSWAP_BOOL] = "yes or no",
	[UZSWAP_SIZE] = "a size like 64M or 1.5G",
	[UZSWAP_SIZE_PCT] = "a size like 64M or 1.5G, nor a share like 50%",
	[UZSWAP_TIME] = "a time like 250ms, 30s or 2m",
	[UZSWAP_PERCENT] = "a percentage",
	[UZSWAP_COUNT] = "a number",
	[UZSWAP_FD] = "a descriptor",
	[UZSWAP_CHOICE] = "one of the words",
	[UZSWAP_CODECS] = "codecs like lz4, lz4:9, zstd:3 or lz4+zstd:3",
	[UZSWAP_TEXT] = "a text",
};

bool setting_same_key(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(*a == '_' && *b == '-'))
			return false;
	return *a == *b;
}

const struct uzswap_option_row *setting_row(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (setting_same_key(rows[i].name, key))
			return &rows[i];
	return NULL;
}

const struct uzswap_option_row *setting_row_at(size_t i)
{
	return &rows[i];
}

static int unknown_key(const char *key, char *why, size_t len)
{
	const char *names[ARRAY_SIZE(rows)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		names[i] = rows[i].name;
	near = zctl_suggest(key, names, ARRAY_SIZE(names));
	if (near)
		snprintf(why, len, "unknown option '%.60s', did you mean "
			 "'%s'?", key, near);
	else
		snprintf(why, len, "unknown option '%.60s', see man 7 uzswap",
			 key);
	return -ENOENT;
}

/* TEXT as a number in the base unit of TYPE. */
static int parse_number(uint64_t *out, enum uzswap_option_type type,
			const char *text)
{
	size_t len = strlen(text);
	bool percent = len && text[len - 1] == '%';

	*out = 0;
	switch (type) {
	case UZSWAP_SIZE_PCT:
	case UZSWAP_SIZE:
		return units_parse_size(out, text);
	case UZSWAP_TIME:
		return units_parse_time(out, text, NS_PER_MS);
	case UZSWAP_PERCENT:
		return percent ? units_parse_percent(out, text)
			       : units_parse_u64(out, text);
	case UZSWAP_COUNT:
	case UZSWAP_FD:
		return units_parse_u64(out, text);
	case UZSWAP_BOOL:
	case UZSWAP_CHOICE:
	case UZSWAP_CODECS:
	case UZSWAP_TEXT:
	case UZSWAP_NR_TYPES:
		break;
	}
	return -EINVAL;
}

static int check_bounds(const struct uzswap_option_row *row, uint64_t number)
{
	uint64_t min = 0;
	uint64_t max = UINT64_MAX;

	if (number == 0 && row->zero[0])
		return 0;
	if (row->min[0] && parse_number(&min, row->type, row->min) < 0)
		return -EINVAL;
	if (row->max[0] && parse_number(&max, row->type, row->max) < 0)
		return -EINVAL;
	return number < min || number > max ? -ERANGE : 0;
}

static int take_number(struct setting *out, const char *value)
{
	uint64_t number;
	int ret = parse_number(&number, out->row->type, value);

	if (ret == 0)
		ret = check_bounds(out->row, number);
	snprintf(out->value, sizeof(out->value), "%" PRIu64, number);
	return ret;
}

static int take_size_or_share(struct setting *out, const char *value)
{
	uint64_t percent;
	int ret;

	if (!strchr(value, '%'))
		return take_number(out, value);
	ret = units_parse_percent(&percent, value);
	if (ret == 0 && percent == 0)
		ret = -ERANGE;
	snprintf(out->value, sizeof(out->value), "%" PRIu64 "%%", percent);
	return ret;
}

static int take_choice(struct setting *out, const char *value)
{
	const char *word = out->row->choices;
	size_t len = strlen(value);

	snprintf(out->value, sizeof(out->value), "%s", value);
	while (*word) {
		size_t n = strcspn(word, "|");

		if (n == len && strncmp(word, value, n) == 0)
			return 0;
		word += n;
		word += *word == '|';
	}
	return -EINVAL;
}

static int take_text(struct setting *out, const char *value)
{
	uint64_t max = sizeof(out->value) - 1;

	if (units_parse_u64(&max, out->row->max) < 0)
		return -EINVAL;
	if (strlen(value) > max || strlen(value) >= sizeof(out->value))
		return -ERANGE;
	snprintf(out->value, sizeof(out->value), "%s", value);
	return 0;
}

/* The length of NAME or NAME:LEVEL at the start of TEXT, 0 if it is none. */
static size_t codec_len(const char *text)
{
	size_t len = strncmp(text, "lz4", 3) == 0 ? 3 :
		     strncmp(text, "zstd", 4) == 0 ? 4 : 0;
	const char *level = text + len + 1;
	int n = 0;

	if (!len || level[-1] != ':')
		return len;
	bool negative = *level == '-';

	for (level += negative; *level >= '0' && *level <= '9'; level++)
		if (n < 100)
			n = 10 * n + (*level - '0');
	if (!n || n > (negative ? 99 : 12) || (negative && len == 4))
		return 0;
	return (size_t)(level - text);
}

static int take_codecs(struct setting *out, const char *value)
{
	size_t len = codec_len(value);
	size_t more = len && value[len] == '+' ? codec_len(value + len + 1)
					       : 0;

	if (more)
		len += 1 + more;
	if (!len || value[len])
		return -EINVAL;
	return take_text(out, value);
}

static int take_bool(struct setting *out, const char *value)
{
	bool yes;
	int ret = units_parse_bool(&yes, value);

	snprintf(out->value, sizeof(out->value), "%d", yes);
	return ret;
}

static int take(struct setting *out, const char *value)
{
	switch (out->row->type) {
	case UZSWAP_BOOL:
		return take_bool(out, value);
	case UZSWAP_SIZE_PCT:
		return take_size_or_share(out, value);
	case UZSWAP_CHOICE:
		return take_choice(out, value);
	case UZSWAP_CODECS:
		return take_codecs(out, value);
	case UZSWAP_TEXT:
		return take_text(out, value);
	case UZSWAP_SIZE:
	case UZSWAP_TIME:
	case UZSWAP_PERCENT:
	case UZSWAP_COUNT:
	case UZSWAP_FD:
	case UZSWAP_NR_TYPES:
		break;
	}
	return take_number(out, value);
}

static void explain(const struct uzswap_option_row *row, int err,
		    const char *value, char *why, size_t len)
{
	int n;

	if (row->type == UZSWAP_CHOICE) {
		snprintf(why, len, "'%.60s' is not one of %s", value,
			 row->choices);
		return;
	}
	if (err == -EINVAL) {
		snprintf(why, len, "'%.60s' is not %s", value,
			 looks[row->type]);
		return;
	}
	if (row->type == UZSWAP_TEXT) {
		snprintf(why, len, "longer than %s characters", row->max);
		return;
	}
	n = snprintf(why, len, "'%.60s' is out of range: %s to %s",
		     value, row->min, row->max);
	if (row->type == UZSWAP_SIZE_PCT && n > 0 && (size_t)n < len)
		n += snprintf(why + n, len - (size_t)n, ", 1%% to 100%%");
	if (row->zero[0] && n > 0 && (size_t)n < len)
		snprintf(why + n, len - (size_t)n, ", or 0 (%s)", row->zero);
}

int setting_parse(struct setting *out, const char *key, const char *value,
		  char *why, size_t why_len)
{
	int ret;

	memset(out, 0, sizeof(*out));
	out->given = value;
	out->row = setting_row(key);
	if (!out->row)
		return unknown_key(key, why, why_len);
	ret = take(out, value);
	if (ret < 0)
		explain(out->row, ret, value, why, why_len);
	return ret;
}
