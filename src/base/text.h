/* SPDX-License-Identifier: MIT */
/*
 * Numbers to text and text to numbers, without stdio or locale.
 *
 * Parsers take exactly the whole string and return 0 or -EINVAL (malformed)
 * or -ERANGE (does not fit in 64 bits, or negative).  Formatters write at
 * most LEN bytes with the closing zero and return BUF.  Context: any.
 */
#ifndef UZ_BASE_TEXT_H
#define UZ_BASE_TEXT_H

#include "base/types.h"

#define TEXT_NUM	32	/* enough for any formatted number */

/* Decimal digits only. */
MUST_USE int text_parse_u64(uint64_t *out, const char *s);

/* Bytes: digits, optional fraction, optional K M G T (1024s), opt. iB/B. */
MUST_USE int text_parse_size(uint64_t *out, const char *s);

/* Milliseconds: "250", "250ms", "30s", "2m", "1h" */
MUST_USE int text_parse_ms(uint64_t *out, const char *s);

/* "1"/"0", yes/no, true/false, on/off */
MUST_USE int text_parse_bool(bool *out, const char *s);

char *text_u64(char *buf, size_t len, uint64_t n);
char *text_hex(char *buf, size_t len, uint64_t n);
/* "512", "4.0K", "1.5G" */
char *text_size(char *buf, size_t len, uint64_t bytes);
/* "EPERM" for EPERM or -EPERM; the number for what is not known */
char *text_errno(char *buf, size_t len, int err);

/* Advance *P over digits (decimal / hexadecimal) and return the value. */
uint64_t text_take_u64(const char **p);
uint64_t text_take_hex(const char **p);
const char *text_find(const char *hay, const char *needle);
bool text_equal(const char *a, const char *b);
/* Append SRC at *END of a buffer that ends at LIMIT; *END moves. */
void text_append(char **end, const char *limit, const char *src);

#endif
