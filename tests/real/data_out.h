/* SPDX-License-Identifier: MIT */
#ifndef REAL_DATA_OUT_H
#define REAL_DATA_OUT_H
/*
 * data_out.h - write words, numbers, dates into a buffer, at random.
 *
 * `struct out` is a place in a buffer together with the state of the random
 * generator that decides what is written.  Nothing checks for room: the
 * caller's buffer is larger than the largest value (data.h).
 *
 * put_word() copies a whole slot of WORD_MAX bytes and moves on by less.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX	12

struct out {
	char *start;
	char *p;
	uint64_t rnd;
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define LIT(o, s)	put((o), "" s, sizeof(s) - 1)

/* Makes the dictionary; once, before anything else. */
void words_init(void);

static inline uint64_t rnd(struct out *o)
{
	o->rnd ^= o->rnd << 13;
	o->rnd ^= o->rnd >> 7;
	o->rnd ^= o->rnd << 17;
	return o->rnd;
}

static inline uint32_t below(struct out *o, uint32_t n)
{
	return (uint32_t)(((rnd(o) >> 32) * n) >> 32);
}

static inline void put(struct out *o, const char *s, size_t n)
{
	memcpy(o->p, s, n);
	o->p += n;
}

static inline void put_str(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static inline size_t used(const struct out *o)
{
	return (size_t)(o->p - o->start);
}

void put_num(struct out *o, uint64_t v);
void put_two(struct out *o, uint32_t v);
void put_hex(struct out *o, size_t digits);
void put_uuid(struct out *o);
void put_time(struct out *o);
void put_word(struct out *o);
void put_words(struct out *o, uint32_t n);

#endif
