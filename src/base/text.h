/* SPDX-License-Identifier: MIT */
/*
 * Numbers to text and text to numbers, without stdio or locale.
 *
 * Parsers take exactly the whole string and return 0, -EINVAL (malformed)
 * or -ERANGE (negative, or does not fit in 64 bits); *out is 0 unless they
 * return 0.  Formatters write at most LEN bytes with the closing zero, cut
 * what does not fit, and return BUF.  Context: any.
 */
#ifndef UZ_BASE_TEXT_H
#define UZ_BASE_TEXT_H

#include "base/types.h"

#define TEXT_NUM	32	/* enough for any formatted number */

/* Decimal digits only. */
MUST_USE int text_parse_u64(uint64_t *out, const char *s);

/*
 * Bytes: digits, then K M G or T (1024s, either case) with an optional "i",
 * "B" or "iB".  "1.5G" works; "1.5" does not: half a byte is a mistake.
 */
MUST_USE int text_parse_size(uint64_t *out, const char *s);

/* Milliseconds: "250", "250ms", "30s", "1.5s", "2m", "1h" */
MUST_USE int text_parse_ms(uint64_t *out, const char *s);

/* "25" or "25%"; the caller knows the range */
MUST_USE int text_parse_percent(uint64_t *out, const char *s);

/* "1"/"0", yes/no, true/false, on/off, in any case */
MUST_USE int text_parse_bool(bool *out, const char *s);

char *text_u64(char *buf, size_t len, uint64_t n);
char *text_hex(char *buf, size_t len, uint64_t n);
/* "512", "4.0K", "1.5G", rounded to one decimal */
char *text_size(char *buf, size_t len, uint64_t bytes);
/* The shortest exact form that text_parse_size() reads: "64M", "1536" */
char *text_size_exact(char *buf, size_t len, uint64_t bytes);
/* The shortest exact form that text_parse_ms() reads: "30s", "250ms" */
char *text_ms(char *buf, size_t len, uint64_t ms);
/* "2026-11-22T02:30:11Z", SECONDS after 1970 began */
char *text_time(char *buf, size_t len, uint64_t seconds);
/* "EPERM" for EPERM or -EPERM; the number for what is not known */
char *text_errno(char *buf, size_t len, int err);

/*
 * Advance *P over digits (decimal / lower-case hexadecimal) and return the
 * value, UINT64_MAX if it is larger than that.
 */
uint64_t text_take_u64(const char **p);
uint64_t text_take_hex(const char **p);

/* First place of NEEDLE in HAY, or NULL. */
const char *text_find(const char *hay, const char *needle);
bool text_equal(const char *a, const char *b);
/* A and B without regard to the case of ASCII letters. */
bool text_equal_nocase(const char *a, const char *b);
bool text_starts(const char *s, const char *prefix);

/*
 * Does S match the LEN bytes of PATTERN as a whole?  `*` is any run of
 * characters, `?` any one.  Linear in the product of the lengths at worst.
 */
bool text_glob(const char *pattern, size_t len, const char *s);

/*
 * Letters to add, drop or change to make B of A: for "did you mean".  Only
 * the first 47 of each are compared.
 */
unsigned text_distance(const char *a, const char *b);

/* Copy at most LEN - 1 bytes of SRC and the closing zero; returns BUF. */
char *text_copy(char *buf, size_t len, const char *src);

/* Append SRC at *END of a buffer that ends at LIMIT; *END moves. */
void text_append(char **end, const char *limit, const char *src);

#endif
