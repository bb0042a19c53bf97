/* SPDX-License-Identifier: MIT */
/*
 * Pages that need no codec, and pages that no codec helps.
 *
 * One repeated word is nearly always zeros, sometimes a fill byte or a
 * pointer.  The page is compared with itself one word further on, which ends
 * at the first difference and is as fast as memcmp.
 *
 * Noise has all bytes equally often.  Of a sample of N bytes N(N-1)/256
 * ordered pairs are then equal; twice as many is what bytes of 7 bits each
 * have, which a Huffman code makes 1/8 smaller: too little to pay.
 */
#include <string.h>

#include "store/codec.h"

bool codec_is_same_filled(uint64_t *word, const void *page)
{
	const char *p = page;

	memcpy(word, p, sizeof(*word));
	return memcmp(p, p + sizeof(*word), PAGE_SIZE - sizeof(*word)) == 0;
}

void codec_fill_same(void *page, uint64_t word)
{
	uint64_t *p = page;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(word); i++)
		p[i] = word;
}

#define SAMPLE_RUNS	8u	/* spread over the page */
#define SAMPLE_RUN	64u	/* bytes; a word's bytes differ in kind */
#define SAMPLE		(SAMPLE_RUNS * SAMPLE_RUN)

bool codec_is_noise(const void *page)
{
	const unsigned char *p = page;
	uint16_t nr[256] = { 0 };
	uint32_t pairs = 0;

	for (unsigned i = 0; i < SAMPLE; i++) {
		if (i && i % SAMPLE_RUN == 0)
			p += PAGE_SIZE / SAMPLE_RUNS;
		pairs += 2u * nr[p[i % SAMPLE_RUN]]++;
	}
	return pairs < 2 * SAMPLE * (SAMPLE - 1) / 256;
}
