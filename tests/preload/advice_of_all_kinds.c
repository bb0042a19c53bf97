/* SPDX-License-Identifier: MIT */
/*
 * madvise on stored ranges with advice that changes nothing one can read: COLD,
 * PAGEOUT, WILLNEED, HUGEPAGE, NOHUGEPAGE, MERGEABLE, REMOVE, which is refused,
 * DONTDUMP and back; FREE,
 * after which a page is old or zero until it is written; POPULATE_READ and
 * POPULATE_WRITE, which fault stored pages in from inside the kernel.
 */
#define _GNU_SOURCE
#include "pattern.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

#define PART	(DATA_PAGES / 2)

static const struct advice {
	const char *name;
	int advice;
} all[] = {
	{ "COLD", MADV_COLD },
	{ "PAGEOUT", MADV_PAGEOUT },
	{ "WILLNEED", MADV_WILLNEED },
	{ "SEQUENTIAL", MADV_SEQUENTIAL },
	{ "NORMAL", MADV_NORMAL },
	{ "HUGEPAGE", MADV_HUGEPAGE },
	{ "NOHUGEPAGE", MADV_NOHUGEPAGE },
	{ "MERGEABLE", MADV_MERGEABLE },
	{ "UNMERGEABLE", MADV_UNMERGEABLE },
	{ "POPULATE_READ", MADV_POPULATE_READ },
	{ "POPULATE_WRITE", MADV_POPULATE_WRITE },
	{ "REMOVE", MADV_REMOVE },	/* of shared mappings only: EINVAL */
	{ "DONTDUMP", MADV_DONTDUMP },
	{ "DODUMP", MADV_DODUMP },
};

int main(void)
{
	char *p = map_data(0);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char *at = p + (i % 2 ? DATA_LEN / 2 : 0);

		if (madvise(at, PART * PAGE, all[i].advice) &&
		    errno != EINVAL) {
			fprintf(stderr, "%s: %s\n", all[i].name,
				strerror(errno));
			return 1;
		}
		verify_all(p, DATA_PAGES, 0);
	}
	CHECK(!madvise(p, PART * PAGE, MADV_FREE));
	for (size_t n = 0; n < PART; n++)
		CHECK(is_zero(p + n * PAGE) || is_filled(p + n * PAGE, n));
	fill_all(p, PART, 7000000);
	verify_all(p + PART * PAGE, PART, PART);
	verify_all(p, PART, 7000000);
	return 0;
}
