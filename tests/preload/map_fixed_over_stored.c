/* SPDX-License-Identifier: MIT */
/*
 * mmap(MAP_FIXED) over stored pages: anonymous memory, then a file, then
 * anonymous memory again, at odd offsets and lengths.  The new mapping shows
 * its own content, what lies beside it keeps its own.
 */
#define _GNU_SOURCE
#include "pattern.h"

static void map_over(char *p, size_t pages, int fd)
{
	void *q = mmap(p, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0),
		       fd, 0);

	CHECK(q == p);
}

int main(void)
{
	FILE *f = tmpfile();
	char *from;
	char *p;

	CHECK(f && !ftruncate(fileno(f), 100 * PAGE));
	from = mmap(NULL, 100 * PAGE, PROT_WRITE, MAP_SHARED, fileno(f), 0);
	CHECK(from != MAP_FAILED);
	fill_all(from, 100, 77);
	p = map_data(0);
	for (size_t n = 37; n + 100 < DATA_PAGES; n += 700) {
		map_over(p + n * PAGE, 100, -1);
		verify_zero(p + n * PAGE, 100);
		fill_all(p + n * PAGE, 50, 5);
		map_over(p + (n + 50) * PAGE, 30, fileno(f));
		verify_all(p + (n + 50) * PAGE, 30, 77);
		map_over(p + (n + 70) * PAGE, 20, -1);
	}
	for (size_t n = 0; n < DATA_PAGES; n++) {
		size_t at = n < 37 ? 699 : (n - 37) % 700;

		if (n >= 37 && n - at + 100 >= DATA_PAGES)
			at = 699;
		if (at < 50)
			verify(p + n * PAGE, 5 + at);
		else if (at < 70)
			verify(p + n * PAGE, 77 + at - 50);
		else if (at < 100)
			CHECK(is_zero(p + n * PAGE));
		else
			verify(p + n * PAGE, n);
	}
	return 0;
}
