/* SPDX-License-Identifier: MIT */
/*
 * Fletcher's sums: of the words (A), and of all sums so far (B), which see the
 * order.  In A, and at places an even number of words apart in B, two changed
 * top bits cancel each other; so the upper halves have two sums of their own
 * (H, C), which never overflow.
 *
 * It takes a twentieth of the time of unpacking.  XXH3 takes twice as long
 * with SSE2, 0.17 us of an object of 1500 bytes.
 */
#include "store/sum.h"

#include <string.h>

/* 2^64 divided by the golden ratio, odd: spreads bits upwards. */
#define MIX	0x9e3779b97f4a7c15ull

typedef uint64_t pair __attribute__((vector_size(16)));

struct lane {
	pair a;
	pair b;
	pair h;
	pair c;
};

static inline void add(struct lane *l, pair w)
{
	l->a += w;
	l->b += l->a;
	l->h += w >> 32;
	l->c += l->h;
}

static uint64_t fold(uint64_t sum, pair x)
{
	sum = (sum ^ x[0]) * MIX;
	sum = (sum ^ sum >> 32 ^ x[1]) * MIX;
	return sum ^ sum >> 32;
}

uint64_t sum_bytes(const void *buf, size_t len, uint64_t seed)
{
	const unsigned char *p = buf;
	unsigned char tail[sizeof(pair[2])] = { 0 };
	struct lane even = { .a = { len, seed } };
	struct lane odd = { 0 };
	uint64_t sum;
	pair w[2];

	for (; len >= sizeof(w); len -= sizeof(w), p += sizeof(w)) {
		memcpy(w, p, sizeof(w));
		add(&even, w[0]);
		add(&odd, w[1]);
	}
	memcpy(tail, p, len);
	memcpy(w, tail, sizeof(w));
	add(&even, w[0]);
	add(&odd, w[1]);
	sum = fold(fold(0, even.a), odd.a);
	sum = fold(fold(sum, even.b), odd.b);
	/* of a page H has 39 bits and C 45 */
	return fold(fold(sum, even.h ^ even.c << 18), odd.h ^ odd.c << 18);
}
