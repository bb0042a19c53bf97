/* SPDX-License-Identifier: MIT */
/*
 * A mapping whose first part was to be left alone until a moment ago, while
 * the rest is stored, is one to the program: it moves as a whole, in one call
 * of any kind, and nothing of it is lost on the way.
 */
#define _GNU_SOURCE
#include "pattern.h"

#define PART	(64 * PAGE)
#define ROUNDS	8

static char *reserve(size_t len)
{
	char *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* To another place, in one of the ways there are. */
static char *move(char *p, unsigned how)
{
	char *to = how % 2 ? NULL : reserve(DATA_LEN);
	char *q;

	switch (how) {
	case 0:
		return mremap(p, DATA_LEN, DATA_LEN,
			      MREMAP_MAYMOVE | MREMAP_FIXED, to);
	case 1:
		q = mremap(p, DATA_LEN, DATA_LEN + PAGE, MREMAP_MAYMOVE);
		CHECK(q != MAP_FAILED);
		CHECK(!munmap(q + DATA_LEN, PAGE));
		return q;
	case 2:
		q = mremap(p, DATA_LEN, DATA_LEN, MREMAP_MAYMOVE |
			   MREMAP_FIXED | MREMAP_DONTUNMAP, to);
		break;
	default:
		q = mremap(p, DATA_LEN, DATA_LEN,
			   MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
		break;
	}
	CHECK(q != MAP_FAILED);
	verify_zero(p, 8);
	CHECK(!munmap(p, DATA_LEN));
	return q;
}

int main(void)
{
	char *p = map_data(0);

	for (unsigned i = 0; i < ROUNDS; i++) {
		char *part = i % 8 < 4 ? p : p + 4 * PART;

		CHECK(!madvise(part, PART, MADV_DONTDUMP));
		sleep_ms(30);
		CHECK(!madvise(part, PART, MADV_DODUMP));
		p = move(p, i % 4);
		CHECK(p != MAP_FAILED);
		verify_all(p, 8 * PART / PAGE, 0);
		/* what was moved leaves again */
		for (size_t n = i; n < DATA_PAGES; n += ROUNDS)
			verify(p + n * PAGE, n);
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
