/* SPDX-License-Identifier: MIT */
/*
 * data_out.c - write words, numbers, dates into a buffer, at random.
 *
 * The dictionary has a hundred common English words and some thousand made of
 * syllables; a table of 65536 entries gives the early ones more often, as in
 * real text.  It is the same in every run.
 */
#include "data_out.h"

#include <math.h>

#define WORDS		4096

static char words[WORDS][WORD_MAX + 1];
static uint8_t word_len[WORDS];
static uint16_t word_skew[65536];

static const char *const common[] = {
	"the", "of", "and", "to", "in", "is", "that", "for", "it", "was",
	"with", "as", "on", "be", "at", "by", "this", "from", "have", "or",
	"not", "are", "but", "which", "you", "they", "were", "been", "their",
	"has", "would", "there", "what", "will", "each", "about", "how", "up",
	"out", "them", "then", "she", "many", "some", "so", "these", "other",
	"into", "more", "her", "two", "like", "him", "see", "time", "could",
	"no", "make", "than", "first", "its", "who", "now", "people", "over",
	"down", "only", "way", "find", "use", "may", "water", "long",
	"little", "very", "after", "called", "just", "where", "most", "know",
	"order", "delivery", "payment", "customer", "account", "server",
	"memory", "request", "answer", "invoice", "shipping", "address",
};

void put_num(struct out *o, uint64_t v)
{
	char tmp[20];
	size_t n = sizeof(tmp);

	do {
		tmp[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(o, tmp + n, sizeof(tmp) - n);
}

void put_two(struct out *o, uint32_t v)
{
	*o->p++ = (char)('0' + v / 10 % 10);
	*o->p++ = (char)('0' + v % 10);
}

void put_hex(struct out *o, size_t digits)
{
	uint64_t v = rnd(o);

	for (size_t i = 0; i < digits; i++) {
		if (i % 12 == 11)
			v = rnd(o);
		*o->p++ = "0123456789abcdef"[v >> 60];
		v <<= 4;
	}
}

void put_uuid(struct out *o)
{
	put_hex(o, 8);
	*o->p++ = '-';
	put_hex(o, 4);
	LIT(o, "-4");
	put_hex(o, 3);
	LIT(o, "-a");
	put_hex(o, 3);
	*o->p++ = '-';
	put_hex(o, 12);
}

void put_time(struct out *o)
{
	uint64_t v = rnd(o) >> 20;

	LIT(o, "202");
	*o->p++ = (char)('3' + v % 3);
	*o->p++ = '-';
	put_two(o, 1 + (uint32_t)(v >> 4) % 12);
	*o->p++ = '-';
	put_two(o, 1 + (uint32_t)(v >> 8) % 28);
	*o->p++ = 'T';
	put_two(o, (uint32_t)(v >> 13) % 24);
	*o->p++ = ':';
	put_two(o, (uint32_t)(v >> 18) % 60);
	*o->p++ = ':';
	put_two(o, (uint32_t)(v >> 24) % 60);
	*o->p++ = 'Z';
}

void put_word(struct out *o)
{
	uint32_t w = word_skew[rnd(o) >> 48];

	/* The whole slot, always: a fixed-size copy is a few instructions. */
	memcpy(o->p, words[w], WORD_MAX);
	o->p += word_len[w];
}

void put_words(struct out *o, uint32_t n)
{
	while (n-- > 0) {
		put_word(o);
		if (n)
			*o->p++ = ' ';
	}
}

void words_init(void)
{
	static const char syl[] =
		"barecodomefiganohilakimulonepa"
		"ritosetuvawexyzobridalen";
	struct out o = { NULL, NULL, 0x243f6a8885a308d3u };

	for (size_t i = 0; i < WORDS; i++) {
		size_t n = 0;

		if (i < COUNT(common)) {
			n = strlen(common[i]);
			memcpy(words[i], common[i], n);
		} else {
			size_t parts = 2 + below(&o, 4);

			for (; parts > 0; parts--, n += 2)
				memcpy(words[i] + n, syl + 2 * below(&o,
				       sizeof(syl) / 2), 2);
		}
		word_len[i] = (uint8_t)n;
	}
	for (size_t i = 0; i < COUNT(word_skew); i++) {
		double x = (double)i / (double)COUNT(word_skew);

		word_skew[i] = (uint16_t)(WORDS * pow(x, 5));
	}
}
