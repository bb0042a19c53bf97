/* SPDX-License-Identifier: MIT */
/*
 * Pages of one repeated word: nearly always zeros, sometimes a fill byte or
 * a pointer.  The page is compared with itself one word further on, which
 * ends at the first difference and is as fast as memcmp.
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
