/* SPDX-License-Identifier: MIT */
/*
 * The pages of the shelf in random order, some of them in place of others, so
 * that a known part is equal to one that is stored already; put and loaded
 * without sharing and with.  Times are of the CPU.
 */
#include "tests/bench/pack_equal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "tests/bench/pack_shelf.h"

#define ACCEPT_PCT	75

/* Which page each item gets; PCT % of them are equal to an earlier one. */
static void choose(const char **pages, unsigned pct)
{
	uint64_t rand = 77;

	for (size_t i = 0; i < b.nr; i++)
		pages[i] = b.items[i].page;
	for (size_t i = b.nr; i > 1; i--) {
		size_t j = corpus_random(&rand) % i;
		const char *page = pages[i - 1];

		pages[i - 1] = pages[j];
		pages[j] = page;
	}
	for (size_t i = 1; i < b.nr; i++)
		if (corpus_random(&rand) % 100 < pct)
			pages[i] = pages[corpus_random(&rand) % i];
}

static void check_loads(const char *const *pages)
{
	static char page[PAGE_SIZE];

	for (size_t i = 0; i < b.nr; i++)
		if (b.items[i].ref.bits &&
		    (store_load(&b.store, b.codec[0], b.items[i].ref, page) ||
		     memcmp(page, pages[i], PAGE_SIZE)))
			shelf_fail("a page is not what was put");
}

static void show(const char **pages, unsigned pct, bool share)
{
	struct store_usage u;
	uint64_t put_ns;
	uint64_t load_ns;

	shelf_open(ACCEPT_PCT);
	store_set_share_equal(&b.store, share);
	put_ns = sys_cpu_ns();
	for (size_t i = 0; i < b.nr; i++)
		/* what is refused has no ref */
		(void)!store_put(&b.store, &b.items[i].ref, b.codec[0], i,
				 pages[i]);
	put_ns = sys_cpu_ns() - put_ns;
	load_ns = sys_cpu_ns();
	check_loads(pages);
	load_ns = sys_cpu_ns() - load_ns;
	store_usage(&b.store, &u);
	printf("%5u %% %-5s %9zu %9zu %9.1f %9.2f %9.3f %9.3f\n", pct,
	       share ? "on" : "off", (size_t)u.pages, (size_t)u.shared,
	       (double)u.used / (double)MIB,
	       (double)u.metadata / (double)MIB,
	       (double)put_ns / 1000 / (double)b.nr,
	       (double)load_ns / 1000 / (double)b.nr);
	shelf_close();
}

void pack_equal(void)
{
	static const unsigned pcts[] = { 0, 2, 5, 20, 50 };
	const char **pages = shelf_alloc(b.nr, sizeof(*pages));

	printf("\n%-7s %-5s %9s %9s %9s %9s %9s %9s\n", "equal", "share",
	       "stored", "shared", "used MiB", "tables", "us/put", "us/load");
	for (unsigned i = 0; i < ARRAY_SIZE(pcts); i++) {
		choose(pages, pcts[i]);
		show(pages, pcts[i], false);
		show(pages, pcts[i], true);
	}
	free(pages);
}
