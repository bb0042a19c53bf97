/* SPDX-License-Identifier: MIT */
/*
 * The pages of the corpus, and a store that keeps them.
 */
#ifndef UZ_BENCH_PACK_SHELF_H
#define UZ_BENCH_PACK_SHELF_H

#include "store/store.h"
#include "tests/bench/corpus.h"
#include "tests/bench/pack_time.h"

/* Every page of the corpus and where it is kept. */
struct item {
	const char *page;
	struct store_ref ref;
};

struct shelf {
	char *pages;
	struct item *items;
	size_t nr;
	size_t first[CORPUS_NR + 1];	/* items by kind */
	struct store store;
	struct arena arena;
	struct codec *codec[PACK_TIME_THREADS];
};

extern struct shelf b;

/* Say WHAT and exit. */
void shelf_fail(const char *what) __attribute__((noreturn));

/* Zeroed memory, or the end. */
void *shelf_alloc(size_t nr, size_t size);

/* KIND_MIB MiB of each kind, as far as there is so much, and codecs. */
void shelf_make(size_t kind_mib);

/* A store; its ACCEPT_PCT is of a page. */
void shelf_open(uint32_t accept_pct);

void shelf_drop(size_t i);

/* Drop all and give all RAM back; a store can't be stopped. */
void shelf_close(void);

#endif
