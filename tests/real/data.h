/* SPDX-License-Identifier: MIT */
#ifndef REAL_DATA_H
#define REAL_DATA_H
/*
 * data.h - realistic values, made again at will.
 *
 * The value of a key is a function of (kind, seed, key index, version) and
 * of nothing else, so that a client that remembers one version number per
 * key knows every byte the server has to return.
 *
 * DATA_JSON: JSON documents of three shapes, sessions and counters.
 * DATA_MIXED: prose, JSON, and binary records of which some do not compress.
 *
 * Nothing is padded and no string is repeated to reach a size: a longer
 * document has more items, each with its own words, numbers, dates.
 */
#include <stddef.h>
#include <stdint.h>

enum data_kind {
	DATA_JSON,
	DATA_MIXED,
};

#define DATA_KEY_MAX	48
#define DATA_VALUE_MAX	8192

struct data_set {
	enum data_kind kind;
	uint64_t seed;
};

/* Must be called once before any other function here. */
void data_init(void);

/* The name of key number `index`; returns its length (< DATA_KEY_MAX). */
size_t data_key(const struct data_set *set, uint64_t index, char *buf);

/* Is this key a counter, to be changed by INCR (version + 1)? */
int data_is_counter(const struct data_set *set, uint64_t index);

/* The value of a key at a version; returns its length (<= DATA_VALUE_MAX). */
size_t data_value(const struct data_set *set, uint64_t index,
		  uint32_t version, char *buf);

/*
 * What a key costs in a Redis 7 with jemalloc: key, value, object and table
 * entry, each rounded up to its size class.
 */
size_t data_heap_cost(size_t key_len, size_t value_len);

/* Shared with the driver: one step of a good small random generator. */
static inline uint64_t data_mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
