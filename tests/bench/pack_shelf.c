/* SPDX-License-Identifier: MIT */
/*
 * One corpus and one store at a time; an item is the owner of its object.
 */
#include "tests/bench/pack_shelf.h"

#include <stdio.h>
#include <stdlib.h>

#define RESERVE		(16 * GIB)

struct shelf b;

void shelf_fail(const char *what)
{
	fprintf(stderr, "bench_pack: %s\n", what);
	exit(1);
}

void *shelf_alloc(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		shelf_fail("no memory");
	return p;
}

/* An item is its own owner; nobody claims anything here. */
static bool moved(void *ctx, uint64_t owner, struct store_ref from,
		  struct store_ref to)
{
	(void)ctx;
	if (b.items[owner].ref.bits != from.bits)
		shelf_fail("an object is not where it was");
	b.items[owner].ref = to;
	return true;
}

void shelf_open(uint32_t accept_pct)
{
	struct store_config cfg = {
		.arena = &b.arena,
		.reserve_len = RESERVE,
		.accept_pct = accept_pct,
		.codecs = CODEC_PAIR_LZ4,
		.moved = moved,
	};

	if (store_start(&b.store, &cfg))
		shelf_fail("no address space");
}

void shelf_drop(size_t i)
{
	if (b.items[i].ref.bits)
		store_drop(&b.store, b.items[i].ref);
	b.items[i].ref.bits = 0;
}

void shelf_close(void)
{
	struct store_usage u;

	for (size_t i = 0; i < b.nr; i++)
		shelf_drop(i);
	slab_trim(&b.store.pool.slabs, 0);
	store_usage(&b.store, &u);
	if (u.pages || u.packed || u.used)
		shelf_fail("an empty store is not empty");
}

void shelf_make(size_t kind_mib)
{
	size_t len = kind_mib * MIB;
	size_t at = 0;

	b.pages = aligned_alloc(PAGE_SIZE, CORPUS_NR * len);
	b.items = shelf_alloc(CORPUS_NR * len / PAGE_SIZE, sizeof(*b.items));
	if (!b.pages)
		shelf_fail("no memory");
	if (arena_start(&b.arena, 1024 * GIB))
		shelf_fail("no address space");
	for (int i = 0; i < PACK_TIME_THREADS; i++)
		if (!(b.codec[i] = codec_new(&b.arena, &b.store.dicts)))
			shelf_fail("no memory");
	for (unsigned k = 0; k < CORPUS_NR; k++) {
		size_t got = corpus_fill(k, b.pages + at, len);

		b.first[k] = at / PAGE_SIZE;
		at += round_down(got, PAGE_SIZE);
	}
	b.nr = b.first[CORPUS_NR] = at / PAGE_SIZE;
	for (size_t i = 0; i < b.nr; i++)
		b.items[i].page = b.pages + i * PAGE_SIZE;
}
