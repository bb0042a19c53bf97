/* SPDX-License-Identifier: MIT */
/*
 * Plain loops over bytes.  A decimal fraction is kept as millionths, so that
 * fraction times the largest unit (2^40) still fits in 64 bits; digits after
 * the sixth are read and dropped.
 *
 * Names of errors are a table of our own: strerror() takes the locale, and
 * the message of a system call that failed is best understood by the name
 * its man page uses.
 */
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define MILLION		1000000

/* A decimal number as it was written, before its unit is known. */
struct decimal {
	uint64_t whole;
	uint32_t millionths;	/* of one, < MILLION */
	bool has_fraction;	/* a point was there */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What a string that has no digit where one is needed deserves. */
static int no_digit(const char *s)
{
	return s[0] == '-' && is_digit(s[1]) ? -ERANGE : -EINVAL;
}

static int take_whole(uint64_t *out, const char **p)
{
	uint64_t n = 0;
	bool fits = true;

	*out = 0;
	if (!is_digit(**p))
		return no_digit(*p);
	for (; is_digit(**p); (*p)++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**p - '0'), &n))
			fits = false;
	}
	if (!fits)
		return -ERANGE;
	*out = n;
	return 0;
}

static int take_decimal(struct decimal *out, const char **p)
{
	uint32_t scale = MILLION / 10;
	int err;

	*out = (struct decimal){ 0 };
	err = take_whole(&out->whole, p);
	if (err && err != -ERANGE)
		return err;
	if (**p != '.')
		return err;
	(*p)++;
	if (!is_digit(**p))
		return -EINVAL;
	out->has_fraction = true;
	for (; is_digit(**p); (*p)++) {
		out->millionths += (uint32_t)(**p - '0') * scale;
		scale /= 10;
	}
	return err;
}

static int decimal_times(uint64_t *out, const struct decimal *d, uint64_t unit)
{
	const uint64_t part = d->millionths * unit / MILLION;
	uint64_t n;

	*out = 0;
	if (__builtin_mul_overflow(d->whole, unit, &n) ||
	    __builtin_add_overflow(n, part, &n))
		return -ERANGE;
	*out = n;
	return 0;
}

int text_parse_u64(uint64_t *out, const char *s)
{
	int err = take_whole(out, &s);

	if ((!err || err == -ERANGE) && *s && *s != '-') {
		*out = 0;
		return -EINVAL;
	}
	return err;
}

int text_parse_percent(uint64_t *out, const char *s)
{
	int err = take_whole(out, &s);

	if (err)
		return err;
	if (*s == '%')
		s++;
	if (*s) {
		*out = 0;
		return -EINVAL;
	}
	return 0;
}

/* Bytes in the unit at S, which must be all that is left; 0 if it is none. */
static uint64_t size_unit(const char *s)
{
	static const char letters[] = "kmgt";
	uint64_t unit = 1;

	for (unsigned i = 0; letters[i]; i++) {
		if (to_lower(*s) != letters[i])
			continue;
		unit <<= 10 * (i + 1);
		s++;
		if (*s == 'i')
			s++;
		break;
	}
	if (*s == 'B')
		s++;
	return *s ? 0 : unit;
}

static uint64_t ms_unit(const char *s)
{
	if (!*s || text_equal(s, "ms"))
		return 1;
	if (text_equal(s, "s"))
		return 1000;
	if (text_equal(s, "m"))
		return 60 * 1000;
	if (text_equal(s, "h"))
		return 60 * 60 * 1000;
	return 0;
}

static int parse_unit(uint64_t *out, const char *s,
		      uint64_t (*unit_of)(const char *s))
{
	struct decimal d;
	uint64_t unit;
	int err = take_decimal(&d, &s);

	*out = 0;
	if (err && (err != -ERANGE || *s == '-'))
		return err;
	unit = unit_of(s);
	if (!unit || (unit == 1 && d.has_fraction))
		return -EINVAL;
	return err ? err : decimal_times(out, &d, unit);
}

int text_parse_size(uint64_t *out, const char *s)
{
	return parse_unit(out, s, size_unit);
}

int text_parse_ms(uint64_t *out, const char *s)
{
	return parse_unit(out, s, ms_unit);
}

int text_parse_bool(bool *out, const char *s)
{
	static const char yes[][6] = { "1", "yes", "true", "on" };
	static const char no[][6] = { "0", "no", "false", "off" };

	*out = false;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (text_equal_nocase(s, yes[i])) {
			*out = true;
			return 0;
		}
		if (text_equal_nocase(s, no[i]))
			return 0;
	}
	return -EINVAL;
}

static char *format(char *buf, size_t len, uint64_t n, unsigned base)
{
	char digits[64];
	size_t nr = 0;
	size_t at = 0;

	do {
		digits[nr++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	if (!len)
		return buf;
	while (nr && at < len - 1)
		buf[at++] = digits[--nr];
	buf[at] = '\0';
	return buf;
}

char *text_u64(char *buf, size_t len, uint64_t n)
{
	return format(buf, len, n, 10);
}

char *text_hex(char *buf, size_t len, uint64_t n)
{
	return format(buf, len, n, 16);
}

/* N and SUFFIX, as much of both as fits. */
static char *with_suffix(char *buf, size_t len, uint64_t n, const char *suffix)
{
	char *end;

	if (!len)
		return buf;
	text_u64(buf, len, n);
	end = buf + strlen(buf);
	text_append(&end, buf + len, suffix);
	return buf;
}

char *text_size(char *buf, size_t len, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned shift = 10;
	uint64_t tenths;
	char tail[4] = { '.', '0', 'K', '\0' };

	if (bytes < 1024)
		return text_u64(buf, len, bytes);
	/* 1023.95 of one unit would print as 1024.0 of it: take the next */
	for (;; shift += 10) {
		__extension__ const unsigned __int128 ten =
			(unsigned __int128)bytes * 10 +
			((uint64_t)1 << (shift - 1));

		tenths = (uint64_t)(ten >> shift);
		if (tenths < 10240 || shift == 60)
			break;
	}
	tail[1] = (char)('0' + tenths % 10);
	tail[2] = units[shift / 10 - 1];
	return with_suffix(buf, len, tenths / 10, tail);
}

char *text_size_exact(char *buf, size_t len, uint64_t bytes)
{
	static const char units[][2] = { "", "K", "M", "G", "T" };
	unsigned i = 0;

	while (bytes && !(bytes & 1023) && i < ARRAY_SIZE(units) - 1) {
		bytes >>= 10;
		i++;
	}
	return with_suffix(buf, len, bytes, units[i]);
}

char *text_ms(char *buf, size_t len, uint64_t ms)
{
	if (!ms || ms % 1000)
		return with_suffix(buf, len, ms, "ms");
	ms /= 1000;
	if (ms % 60)
		return with_suffix(buf, len, ms, "s");
	ms /= 60;
	if (ms % 60)
		return with_suffix(buf, len, ms, "m");
	return with_suffix(buf, len, ms / 60, "h");
}

char *text_errno(char *buf, size_t len, int err)
{
	static const struct {
		int err;
		char name[16];
	} names[] = {
		{ EPERM, "EPERM" },	{ ENOENT, "ENOENT" },
		{ ESRCH, "ESRCH" },	{ EINTR, "EINTR" },
		{ EIO, "EIO" },		{ ENXIO, "ENXIO" },
		{ E2BIG, "E2BIG" },	{ ENOEXEC, "ENOEXEC" },
		{ EBADF, "EBADF" },	{ ECHILD, "ECHILD" },
		{ EAGAIN, "EAGAIN" },	{ ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },	{ EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" },	{ EEXIST, "EEXIST" },
		{ EXDEV, "EXDEV" },	{ ENODEV, "ENODEV" },
		{ ENOTDIR, "ENOTDIR" },	{ EISDIR, "EISDIR" },
		{ EINVAL, "EINVAL" },	{ ENFILE, "ENFILE" },
		{ EMFILE, "EMFILE" },	{ ENOTTY, "ENOTTY" },
		{ ETXTBSY, "ETXTBSY" },	{ EFBIG, "EFBIG" },
		{ ENOSPC, "ENOSPC" },	{ ESPIPE, "ESPIPE" },
		{ EROFS, "EROFS" },	{ EPIPE, "EPIPE" },
		{ ERANGE, "ERANGE" },	{ EDEADLK, "EDEADLK" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },
		{ ENOSYS, "ENOSYS" },	{ ELOOP, "ELOOP" },
		{ EPROTO, "EPROTO" },	{ EOVERFLOW, "EOVERFLOW" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ ETIMEDOUT, "ETIMEDOUT" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ ESTALE, "ESTALE" },	{ EDQUOT, "EDQUOT" },
		{ ECANCELED, "ECANCELED" },
	};
	/* by unsigned arithmetic, since -INT_MIN is no int */
	const unsigned n = err < 0 ? 0u - (unsigned)err : (unsigned)err;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((unsigned)names[i].err == n)
			return text_copy(buf, len, names[i].name);
	return text_u64(buf, len, n);
}

uint64_t text_take_u64(const char **p)
{
	uint64_t n;

	if (!is_digit(**p))
		return 0;
	return take_whole(&n, p) ? UINT64_MAX : n;
}

uint64_t text_take_hex(const char **p)
{
	uint64_t n = 0;
	bool fits = true;

	for (;; (*p)++) {
		const char c = **p;
		unsigned digit;

		if (is_digit(c))
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			break;
		if (n >> 60)
			fits = false;
		n = n << 4 | digit;
	}
	return fits ? n : UINT64_MAX;
}

const char *text_find(const char *hay, const char *needle)
{
	const size_t len = strlen(needle);

	for (; ; hay++) {
		if (!strncmp(hay, needle, len))
			return hay;
		if (!*hay)
			return NULL;
	}
}

bool text_equal(const char *a, const char *b)
{
	return !strcmp(a, b);
}

bool text_equal_nocase(const char *a, const char *b)
{
	for (; to_lower(*a) == to_lower(*b); a++, b++)
		if (!*a)
			return true;
	return false;
}

bool text_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/*
 * One place to come back to is enough: if what follows the last star cannot
 * match from here on, an earlier star taking more cannot help it.
 */
bool text_glob(const char *pattern, size_t len, const char *s)
{
	size_t at = 0;
	size_t star = len;		/* index of the last star, LEN none */
	const char *again = s;		/* where its run ends so far */

	while (*s) {
		if (at < len && pattern[at] == '*') {
			star = at++;
			again = s;
		} else if (at < len &&
			   (pattern[at] == '?' || pattern[at] == *s)) {
			at++;
			s++;
		} else if (star < len) {
			at = star + 1;
			s = ++again;
		} else {
			return false;
		}
	}
	while (at < len && pattern[at] == '*')
		at++;
	return at == len;
}

static void append_two(char **end, const char *limit, char before, uint64_t n)
{
	char text[4] = { before, (char)('0' + n / 10 % 10),
			 (char)('0' + n % 10), '\0' };

	text_append(end, limit, text);
}

char *text_time(char *buf, size_t len, uint64_t seconds)
{
	/* days since 0000-03-01, so that a leap day ends its year */
	const uint64_t days = seconds / 86400 + 719468;
	const uint64_t era = days / 146097;	/* of 400 years */
	const uint64_t day = days % 146097;
	const uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) /
			      365;
	const uint64_t of_year = day - (365 * year + year / 4 - year / 100);
	const uint64_t month = (5 * of_year + 2) / 153;	/* 0: March */
	char *end;

	if (!len)
		return buf;
	text_u64(buf, len, 400 * era + year + (month > 9));
	end = buf + strlen(buf);
	append_two(&end, buf + len, '-', month > 9 ? month - 9 : month + 3);
	append_two(&end, buf + len, '-', of_year - (153 * month + 2) / 5 + 1);
	append_two(&end, buf + len, 'T', seconds / 3600 % 24);
	append_two(&end, buf + len, ':', seconds / 60 % 60);
	append_two(&end, buf + len, ':', seconds % 60);
	text_append(&end, buf + len, "Z");
	return buf;
}

/* One row of the usual table at a time: row[i] is the distance to A[0..i). */
unsigned text_distance(const char *a, const char *b)
{
	uint8_t row[48];
	const size_t len_a = strnlen(a, sizeof(row) - 1);
	const size_t len_b = strnlen(b, sizeof(row) - 1);

	for (size_t i = 0; i <= len_a; i++)
		row[i] = (uint8_t)i;
	for (size_t j = 0; j < len_b; j++) {
		uint8_t diagonal = row[0]++;

		for (size_t i = 0; i < len_a; i++) {
			const uint8_t above = row[i + 1];
			uint8_t least = above < row[i] ? above : row[i];

			/* a change costs nothing if the letters are equal */
			least++;
			if (diagonal + (a[i] != b[j]) < least)
				least = (uint8_t)(diagonal + (a[i] != b[j]));
			row[i + 1] = least;
			diagonal = above;
		}
	}
	return row[len_a];
}

char *text_copy(char *buf, size_t len, const char *src)
{
	char *end = buf;

	if (!len)
		return buf;
	text_append(&end, buf + len, src);
	return buf;
}

void text_append(char **end, const char *limit, const char *src)
{
	if (*end >= limit)
		return;
	while (*src && *end < limit - 1)
		*(*end)++ = *src++;
	**end = '\0';
}
