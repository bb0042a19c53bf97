/* SPDX-License-Identifier: MIT */
/*
 * What lets a fuzz target run without a fuzzer: each target defines
 * LLVMFuzzerTestOneInput() and a list of seeds, and this makes a main() that
 * feeds it files named on the command line, or else random mutations of the
 * seeds.
 *
 *	fuzz_proc [-n ROUNDS] [-s SEED] [FILE]...
 *
 * Built with -DFUZZ_LIBFUZZER -fsanitize=fuzzer, main() is libFuzzer's.
 */
#ifndef UZ_TESTS_FUZZ_MAIN_H
#define UZ_TESTS_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_INPUT	8192	/* longest input made */
#define FUZZ_ROUNDS	4000	/* by default: two seconds under ASan */

/* Text inputs to start from, and words worth putting in; NULL at the end. */
extern const char *const fuzz_seeds[];
extern const char *const fuzz_words[];

#endif
