/* SPDX-License-Identifier: MIT */
/*
 * Units are packed by the libraries as they are, without headers and classes:
 * the ratio of one page to a unit is beside that of several.  To restore a
 * page all of its unit before it has to be unpacked too, with zstd all of it.
 */
#include "tests/bench/pack_left_out.h"

#include <lz4.h>
#include <lz4hc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/sys.h"
#include "tests/bench/pack_shelf.h"

#define ACCEPT_PCT	75
#define MOST_PAGES	16u
#define MOST_LEN	(MOST_PAGES * PAGE_SIZE)
#define NR_LOADS	20000u

struct packer {
	const char *name;
	int level;		/* of lz4 from 3: HC */
	bool zstd;
};

/* All units of NR pages, packed one behind the other. */
static struct units {
	unsigned nr;		/* pages of one */
	size_t nr_units;
	char *bytes;
	size_t *at;		/* of the unit; the next one's is its end */
	uint64_t used;		/* bytes, what does not pay as it is */
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
} u;

static size_t pack_unit(const struct packer *p, const char *from, char *to)
{
	size_t len = u.nr * PAGE_SIZE;
	size_t most = len * ACCEPT_PCT / 100;
	size_t got;

	if (p->zstd) {
		got = ZSTD_compressCCtx(u.pack, to, most, from, len, p->level);
		return ZSTD_isError(got) ? 0 : got;
	}
	if (p->level > 1)
		return (size_t)LZ4_compress_HC(from, to, (int)len, (int)most,
					       p->level);
	return (size_t)LZ4_compress_default(from, to, (int)len, (int)most);
}

/* The kinds that pack at all. */
static void pack_all_units(const struct packer *p)
{
	size_t end = b.first[CORPUS_SAME] / u.nr;
	size_t at = 0;

	u.used = 0;
	u.nr_units = 0;
	for (size_t i = 0; i < end; i++) {
		const char *from = b.pages + i * u.nr * PAGE_SIZE;
		size_t len = pack_unit(p, from, u.bytes + at);

		u.used += len ? len : u.nr * PAGE_SIZE;
		if (!len)
			continue;
		u.at[u.nr_units++] = at;
		at += len;
	}
	u.at[u.nr_units] = at;
}

/* Microseconds of unpacking as far as a page somewhere in a unit. */
static double unit_load_us(const struct packer *p)
{
	static char to[MOST_LEN];
	uint64_t rand = 5;
	uint64_t start = sys_cpu_ns();
	size_t all = u.nr * PAGE_SIZE;
	bool ok = true;

	for (unsigned n = 0; n < NR_LOADS; n++) {
		uint64_t r = corpus_random(&rand);
		size_t i = (r >> 8) % u.nr_units;
		size_t need = (r % u.nr + 1) * PAGE_SIZE;
		size_t len = u.at[i + 1] - u.at[i];
		const char *from = u.bytes + u.at[i];

		if (p->zstd)
			ok &= ZSTD_decompressDCtx(u.unpack, to, sizeof(to),
						  from, len) == all;
		else
			ok &= LZ4_decompress_safe_partial(from, to, (int)len,
				(int)need, (int)need) == (int)need;
	}
	if (!ok)
		shelf_fail("a unit is damaged");
	return (double)(sys_cpu_ns() - start) / 1000 / NR_LOADS;
}

void pack_units(void)
{
	static const struct packer packers[] = {
		{ "lz4", 1, false }, { "lz4:9", 9, false },
		{ "zstd:3", 3, true }, { "zstd:9", 9, true },
	};
	size_t nr = b.first[CORPUS_SAME];

	u.bytes = shelf_alloc(nr, PAGE_SIZE);
	u.at = shelf_alloc(nr + 1, sizeof(*u.at));
	u.pack = ZSTD_createCCtx();
	u.unpack = ZSTD_createDCtx();
	if (!u.pack || !u.unpack)
		shelf_fail("no memory");
	printf("\n%-10s %9s %9s %9s %9s\n", "units", "pages", "ratio",
	       "us/pack", "us/load");
	for (unsigned i = 0; i < ARRAY_SIZE(packers); i++)
		for (u.nr = 1; u.nr <= MOST_PAGES; u.nr *= 2) {
			uint64_t start = sys_cpu_ns();

			pack_all_units(&packers[i]);
			start = sys_cpu_ns() - start;
			printf("%-10s %9u %9.2f %9.2f %9.2f\n",
			       packers[i].name, u.nr,
			       (double)(nr * PAGE_SIZE) / (double)u.used,
			       (double)start / 1000 / (double)nr,
			       unit_load_us(&packers[i]));
		}
	free(u.bytes);
	free(u.at);
	ZSTD_freeCCtx(u.pack);
	ZSTD_freeDCtx(u.unpack);
}
