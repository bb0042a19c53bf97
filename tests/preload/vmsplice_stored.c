/* SPDX-License-Identifier: MIT */
/*
 * vmsplice of stored pages into a pipe, splice from there into a file, and
 * tee between pipes: the file has what the pages had.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/uio.h>

#include "pattern.h"

#define AT_ONCE	8u	/* pages; a pipe takes sixteen */

int main(void)
{
	static char page[PAGE];
	FILE *f = tmpfile();
	char *p = map_data(0);
	int one[2];
	int two[2];
	loff_t at = 0;

	CHECK(f && !pipe(one) && !pipe(two));
	for (size_t n = 0; n + AT_ONCE <= DATA_PAGES; n += 40) {
		struct iovec v = { p + n * PAGE, AT_ONCE * PAGE };

		CHECK(vmsplice(one[1], &v, 1, 0) == (long)v.iov_len);
		CHECK(tee(one[0], two[1], v.iov_len, 0) == (long)v.iov_len);
		for (size_t done = 0; done < v.iov_len;) {
			long len = splice(one[0], NULL, fileno(f), &at,
					  v.iov_len - done, 0);

			CHECK(len > 0);
			done += (size_t)len;
		}
		for (size_t i = 0; i < AT_ONCE; i++) {
			size_t had = 0;

			while (had < PAGE) {
				long len = read(two[0], page + had,
						PAGE - had);

				CHECK(len > 0);
				had += (size_t)len;
			}
			verify(page, n + i);
			CHECK(pread(fileno(f), page, PAGE,
				    at - (loff_t)((AT_ONCE - i) * PAGE)) ==
			      (long)PAGE);
			verify(page, n + i);
		}
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
