/* SPDX-License-Identifier: MIT */
/*
 * Memory that no hook sees appear: a big .bss, and a terabyte reserved with
 * MAP_NORESERVE of which a little is touched here and there.
 */
#define _GNU_SOURCE
#include "pattern.h"

#define TIB	((size_t)1 << 40)
#define SPOTS	8000

static char bss[DATA_LEN / 2] __attribute__((aligned(4096)));

int main(void)
{
	char *p = mmap(NULL, TIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const size_t step = TIB / SPOTS & ~(PAGE - 1);

	CHECK(p != MAP_FAILED);
	fill_all(bss, DATA_PAGES / 2, 1);
	for (size_t i = 0; i < SPOTS; i++)
		fill_all(p + i * step, 2, i);
	verify_all(bss, DATA_PAGES / 2, 1);
	for (size_t i = 0; i < SPOTS; i++) {
		verify_all(p + i * step, 2, i);
		CHECK(is_zero(p + i * step + 2 * PAGE));
	}
	for (size_t i = 0; i < SPOTS; i += 2)
		CHECK(!madvise(p + i * step, 3 * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < SPOTS; i++) {
		if (i % 2)
			verify_all(p + i * step, 2, i);
		else
			verify_zero(p + i * step, 2);
	}
	verify_all(bss, DATA_PAGES / 2, 1);
	CHECK(!munmap(p, TIB));
	return 0;
}
