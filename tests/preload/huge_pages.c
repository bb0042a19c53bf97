/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages: asked for by madvise, filled, stored, read back;
 * parts of them are given up, unmapped, protected and moved, which splits
 * them.
 */
#define _GNU_SOURCE
#include "pattern.h"

#define HUGE	(2 * MIB)
#define PER	(HUGE / PAGE)

int main(void)
{
	char *raw = map_pages(DATA_PAGES + PER);
	char *p = (char *)(((uintptr_t)raw + HUGE - 1) & ~(HUGE - 1));
	const size_t chunks = DATA_LEN / HUGE;

	CHECK(!madvise(p, DATA_LEN, MADV_HUGEPAGE) || errno == EINVAL);
	fill_all(p, DATA_PAGES, 0);
	verify_all(p, DATA_PAGES, 0);
	for (size_t c = 0; c < chunks; c++) {
		char *at = p + c * HUGE;

		switch (c % 4) {
		case 0:
			CHECK(!madvise(at + 3 * PAGE, PAGE, MADV_DONTNEED));
			break;
		case 1:
			CHECK(!mprotect(at + 3 * PAGE, PAGE, PROT_READ));
			break;
		case 2:
			CHECK(mremap(at + 3 * PAGE, PAGE, PAGE,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     at + 4 * PAGE) == at + 4 * PAGE);
			break;
		}
	}
	for (size_t n = 0; n < DATA_PAGES; n++) {
		size_t kind = n / PER % 4;

		if (n % PER == 3 && kind == 0)
			CHECK(is_zero(p + n * PAGE));
		else if (n % PER == 4 && kind == 2)
			verify(p + n * PAGE, n - 1);
		else if (n % PER != 3 || kind != 2)
			verify(p + n * PAGE, n);
	}
	return 0;
}
