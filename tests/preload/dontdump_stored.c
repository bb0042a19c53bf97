/* SPDX-License-Identifier: MIT */
/*
 * MADV_DONTDUMP on memory that may be stored already: what is to be kept out
 * of a core dump is in no pool after a moment, but in RAM, with its content;
 * MADV_DODUMP takes that back.
 */
#include "pattern.h"

#define SECRETS		8u
#define SECRET_PAGES	300u

static unsigned nr_resident(char *p, size_t pages)
{
	static unsigned char here[DATA_PAGES];
	unsigned nr = 0;

	CHECK(!mincore(p, pages * PAGE, here));
	for (size_t n = 0; n < pages; n++)
		nr += here[n] & 1;
	return nr;
}

static void wait_until_resident(char *p)
{
	for (int i = 0; i < 6000; i++) {
		if (nr_resident(p, SECRET_PAGES) == SECRET_PAGES)
			return;
		sleep_ms(10);
	}
	CHECK(nr_resident(p, SECRET_PAGES) == SECRET_PAGES);
}

int main(void)
{
	char *p = map_data(0);
	char *q;

	for (size_t i = 0; i < SECRETS; i++) {
		char *secret = p + i * DATA_PAGES / SECRETS * PAGE;

		CHECK(!madvise(secret, SECRET_PAGES * PAGE, MADV_DONTDUMP));
		wait_until_resident(secret);
	}
	q = map_data(1000000);
	for (size_t i = 0; i < SECRETS; i++) {
		char *secret = p + i * DATA_PAGES / SECRETS * PAGE;

		CHECK(nr_resident(secret, SECRET_PAGES) == SECRET_PAGES);
		verify_all(secret, SECRET_PAGES,
			   i * DATA_PAGES / SECRETS);
		CHECK(!madvise(secret, SECRET_PAGES * PAGE, MADV_DODUMP));
	}
	verify_all(p, DATA_PAGES, 0);
	verify_all(q, DATA_PAGES, 1000000);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
