/* SPDX-License-Identifier: MIT */
/*
 * Pages like those of real programs, made on the spot: text, programs and
 * libraries from the files of this machine; JSON documents, structures full
 * of pointers, leaves of a database, same-filled and random pages from a
 * generator.
 */
#ifndef UZ_BENCH_CORPUS_H
#define UZ_BENCH_CORPUS_H

#include <stddef.h>
#include <stdint.h>

enum corpus_kind {
	CORPUS_TEXT,
	CORPUS_JSON,
	CORPUS_ELF,
	CORPUS_POINTERS,
	CORPUS_DATABASE,
	CORPUS_SAME,
	CORPUS_RANDOM,
	CORPUS_NR
};

extern const char *const corpus_names[CORPUS_NR];

/*
 * LEN bytes of KIND at BUF.  Returns the bytes made, less than LEN if the
 * machine does not have as many files.
 */
size_t corpus_fill(enum corpus_kind kind, void *buf, size_t len);

/* A cheap generator for everything that need not be repeatable. */
uint64_t corpus_random(uint64_t *state);

#endif
