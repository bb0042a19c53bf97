/* SPDX-License-Identifier: MIT */
/*
 * mremap with MREMAP_DONTUNMAP, through libc and by number, of memory that is
 * stored: its content is at the new address, and the old one is empty and can
 * be used; again and again, in parts.  With a terabyte reserved besides, of
 * which a page here and there is used.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "pattern.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4	/* Linux 5.7 */
#endif

#define PART		(DATA_PAGES / 8)
#define RESERVED	((size_t)1 << 40)
#define APART		(RESERVED / 512)

static char *move(char *from, size_t pages, int by_number)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	void *to = by_number
		? (void *)syscall(SYS_mremap, from, pages * PAGE,
				  pages * PAGE, flags, NULL)
		: mremap(from, pages * PAGE, pages * PAGE, flags, NULL);

	if (to == MAP_FAILED && errno == EINVAL)
		SKIP("no MREMAP_DONTUNMAP in this kernel");
	CHECK(to != MAP_FAILED);
	return to;
}

int main(void)
{
	char *far = mmap(NULL, RESERVED, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			 MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *p = map_data(0);

	for (size_t i = 0; far != MAP_FAILED && i < 512; i++)
		fill(far + i * APART, 500000 + i);
	for (size_t n = 0; n < DATA_PAGES; n += PART) {
		char *part = p + n * PAGE;
		char *to = move(part, PART, n / PART % 2);

		verify_all(to, PART, n);
		verify_zero(part, PART);
		fill_all(part, PART, n + 1000000);
		verify_all(to, PART, n);
		CHECK(!munmap(to, PART * PAGE));
	}
	verify_all(p, DATA_PAGES, 1000000);
	for (size_t i = 0; far != MAP_FAILED && i < 512; i++)
		verify(far + i * APART, 500000 + i);
	return 0;
}
