/* SPDX-License-Identifier: MIT */
/* The stand-alone main(): files, or seeds with a few random changes each. */
#include "fuzz_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FUZZ_LIBFUZZER

static uint64_t state;

/* xorshift64*; the same seed gives the same inputs on any machine. */
static uint64_t next_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static size_t below(size_t n)
{
	return n ? (size_t)(next_random() % n) : 0;
}

static size_t count(const char *const *list)
{
	size_t nr = 0;

	while (list[nr])
		nr++;
	return nr;
}

/* Put LEN bytes of SRC at AT, over or before what is there. */
static size_t put(char *buf, size_t size, size_t at, const char *src,
		  size_t len, int insert)
{
	if (len > FUZZ_INPUT - at)
		len = FUZZ_INPUT - at;
	if (insert) {
		size_t tail = size - at;

		if (tail > FUZZ_INPUT - at - len)
			tail = FUZZ_INPUT - at - len;
		memmove(buf + at + len, buf + at, tail);
		size = at + len + tail;
	} else if (at + len > size) {
		size = at + len;
	}
	memmove(buf + at, src, len);
	return size;
}

static size_t mutate(char *buf, size_t size)
{
	const size_t at = below(size + 1);
	const char *word = fuzz_words[below(count(fuzz_words))];
	char copy[256];
	size_t len;
	char c;

	switch (below(8)) {
	case 0:			/* one byte */
		c = (char)next_random();
		return put(buf, size, at, &c, 1, 0);
	case 1:			/* one byte, likely ones */
		c = " \n\t:,=-/%.0189afKMGT\\[]"[below(23)];
		return put(buf, size, at, &c, 1, below(2) != 0);
	case 2:
	case 3:
		return put(buf, size, at, word, strlen(word), below(2) != 0);
	case 4:			/* cut */
		len = below(size - at + 1);
		memmove(buf + at, buf + at + len, size - at - len);
		return size - len;
	case 5:			/* end here */
		return at;
	case 6:			/* repeat a piece */
		len = below(size - at + 1);
		len = len < sizeof(copy) ? len : sizeof(copy);
		memcpy(copy, buf + at, len);
		return put(buf, size, below(size + 1), copy, len, 1);
	default:		/* one bit */
		if (at < size)
			buf[at] = (char)(buf[at] ^ (1 << below(8)));
		return size;
	}
}

/* Memory of exactly SIZE bytes, so that a read beyond it is seen. */
static void run_one(const char *buf, size_t size)
{
	uint8_t *input = malloc(size ? size : 1);

	if (!input)
		exit(99);
	memcpy(input, buf, size);
	LLVMFuzzerTestOneInput(input, size);
	free(input);
}

static void run_random(unsigned long rounds)
{
	static char buf[FUZZ_INPUT];
	const size_t nr_seeds = count(fuzz_seeds);

	for (unsigned long i = 0; i < rounds; i++) {
		const char *seed = fuzz_seeds[below(nr_seeds)];
		size_t size = put(buf, 0, 0, seed, strlen(seed), 0);

		for (size_t nr = below(12); nr; nr--)
			size = mutate(buf, size);
		run_one(buf, size);
	}
}

static void run_file(const char *path)
{
	static char buf[1 << 20];
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		exit(99);
	}
	run_one(buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
}

int main(int argc, char **argv)
{
	unsigned long rounds = FUZZ_ROUNDS;
	int nr_files = 0;

	state = 88172645463325252ull;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-n") && i + 1 < argc) {
			rounds = strtoul(argv[++i], NULL, 10);
		} else if (!strcmp(argv[i], "-s") && i + 1 < argc) {
			state += strtoul(argv[++i], NULL, 10);
		} else {
			run_file(argv[i]);
			nr_files++;
		}
	}
	if (!nr_files)
		run_random(rounds);
	return 0;
}

#endif
