/* SPDX-License-Identifier: MIT */
/*
 * Sizes, times and shares: see units.h.
 *
 * Parsing is by hand and not by strtoull, which takes "-1" for a huge
 * number, " 5" for five, and looks at the locale.  A fraction is taken with
 * six digits and rounded down, as the library does: the same words mean the
 * same number of bytes to both (tests/fuzz/fuzz_setting.c).
 */
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NS_PER_MS	1000000ull
#define NS_PER_S	1000000000ull
#define MILLION		1000000ull

/* A number as written, before its unit is known. */
struct decimal {
	uint64_t whole;
	uint64_t millionths;
	bool has_fraction;
};

/* Advance *P over digits; -EINVAL when there are none. */
static int take_digits(uint64_t *out, const char **p)
{
	const char *s = *p;

	*out = 0;
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(*s - '0'), out))
			return -ERANGE;
	}
	*p = s;
	return 0;
}

static int take_decimal(struct decimal *d, const char **p)
{
	int ret = take_digits(&d->whole, p);
	uint64_t digit = MILLION / 10;

	d->millionths = 0;
	d->has_fraction = false;
	if (ret < 0 || **p != '.')
		return ret;
	(*p)++;
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	for (; isdigit((unsigned char)**p); (*p)++) {
		d->millionths += digit * (uint64_t)(**p - '0');
		digit /= 10;
	}
	d->has_fraction = true;
	return 0;
}

/* D * UNIT, rounded down; -ERANGE when it does not fit in 63 bits. */
static int scale(uint64_t *out, const struct decimal *d, uint64_t unit)
{
	__uint128_t n = (__uint128_t)d->whole * unit +
			(__uint128_t)d->millionths * unit / MILLION;

	if (n > INT64_MAX)
		return -ERANGE;
	*out = (uint64_t)n;
	return 0;
}

int units_parse_u64(uint64_t *out, const char *s)
{
	int ret = take_digits(out, &s);

	if (ret < 0)
		return ret;
	return *s ? -EINVAL : 0;
}

int units_parse_size(uint64_t *out, const char *s)
{
	static const char letters[] = "KMGTPE";
	uint64_t unit = 1;
	struct decimal d;
	int ret = take_decimal(&d, &s);

	*out = 0;
	if (ret < 0)
		return ret;

	const char *letter = *s ? strchr(letters, toupper((unsigned char)*s))
				: NULL;

	if (letter) {
		unit <<= 10 * (letter - letters + 1);
		s++;
		if (*s == 'i')
			s++;
	}
	if (*s == 'B')
		s++;
	if (*s || (d.has_fraction && !letter))
		return -EINVAL;
	return scale(out, &d, unit);
}

int units_parse_percent(uint64_t *out, const char *s)
{
	int ret = take_digits(out, &s);

	if (ret < 0)
		return ret;
	if (strcmp(s, "%") != 0)
		return -EINVAL;
	return *out > 100 ? -ERANGE : 0;
}

/* The unit at *P, in ns, advancing over it; 0 when it is none. */
static uint64_t take_time_unit(const char **p)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", NS_PER_MS },
		{ "s", NS_PER_S },
		{ "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(*p, units[i].name, len) == 0) {
			*p += len;
			return units[i].ns;
		}
	}
	return 0;
}

int units_parse_time(uint64_t *out, const char *s, uint64_t unit_ns)
{
	uint64_t bare;
	uint64_t sum = 0;

	*out = 0;
	if (units_parse_u64(&bare, s) == 0) {
		*out = bare;
		return 0;
	}
	do {
		struct decimal d;
		uint64_t part;
		int ret = take_decimal(&d, &s);

		if (ret < 0)
			return ret;

		uint64_t unit = take_time_unit(&s);

		if (!unit)
			return -EINVAL;
		ret = scale(&part, &d, unit);
		if (ret < 0)
			return ret;
		if (__builtin_add_overflow(sum, part, &sum))
			return -ERANGE;
	} while (*s);
	*out = sum / unit_ns;
	return 0;
}

int units_parse_seconds(uint64_t *out, const char *s)
{
	char text[UNITS_BUF];
	size_t len = strlen(s);
	bool bare = len && strspn(s, "0123456789.") == len;

	*out = 0;
	if (len > UNITS_BUF - 2)
		return -EINVAL;
	snprintf(text, sizeof(text), "%s%s", s, bare ? "s" : "");
	return units_parse_time(out, text, 1);
}

int units_parse_bool(bool *out, const char *s)
{
	static const char *const words[][2] = {
		{ "0", "1" }, { "no", "yes" },
		{ "false", "true" }, { "off", "on" },
	};

	*out = false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcasecmp(s, words[i][value]) == 0) {
				*out = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}

char *units_size(char *buf, size_t len, uint64_t bytes, bool exact)
{
	static const char letters[] = "BKMGTPE";
	double value = (double)bytes;
	size_t i = 0;

	if (exact) {
		snprintf(buf, len, "%llu", (unsigned long long)bytes);
		return buf;
	}
	/* 1023.95 would be printed as "1024.0" */
	while (value >= (i ? 1023.95 : 1024.0) && i < sizeof(letters) - 2) {
		value /= 1024;
		i++;
	}
	snprintf(buf, len, "%.*f%c", i ? 1 : 0, value, letters[i]);
	return buf;
}

char *units_signed_size(char *buf, size_t len, int64_t bytes, bool exact)
{
	uint64_t magnitude = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

	if (bytes >= 0 || len < 2)
		return units_size(buf, len, magnitude, exact);
	buf[0] = '-';
	units_size(buf + 1, len - 1, magnitude, exact);
	return buf;
}

char *units_latency(char *buf, size_t len, double us)
{
	if (us < 10)
		snprintf(buf, len, "%.1fus", us);
	else if (us < 999.5)
		snprintf(buf, len, "%.0fus", us);
	else if (us < 999950)
		snprintf(buf, len, "%.1fms", us / 1000);
	else
		snprintf(buf, len, "%.1fs", us / 1000000);
	return buf;
}

char *units_duration(char *buf, size_t len, uint64_t ns)
{
	unsigned long long s = ns / NS_PER_S;

	if (s < 1)
		snprintf(buf, len, "%llums",
			 (unsigned long long)(ns / NS_PER_MS));
	else if (s < 10 && ns % NS_PER_S)
		snprintf(buf, len, "%.1fs", (double)ns / (double)NS_PER_S);
	else if (s < 60)
		snprintf(buf, len, "%llus", s);
	else if (s < 3600)
		snprintf(buf, len, "%llum%llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, len, "%lluh%llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, len, "%llud%lluh", s / 86400, s / 3600 % 24);
	return buf;
}
