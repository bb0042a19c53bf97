/* SPDX-License-Identifier: MIT */
/*
 * With room for everything, memory that is not used for a while is stored all
 * the same, when that is asked for; what is used stays where it is.
 *
 * run.sh: limit=8589934592 conf=min_age:300ms,max_stall:60ms engines=move
 */
#include <fcntl.h>

#include "pattern.h"

#define HOT_PAGES	(DATA_PAGES / 4)	/* behind the cold ones */
#define COLD_PAGES	(DATA_PAGES - HOT_PAGES)
#define SECONDS_MOST	90

/* How many of PAGES at P are in RAM. */
static size_t present(const char *p, size_t pages)
{
	static uint64_t words[DATA_PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY);
	size_t nr = 0;

	CHECK(fd >= 0);
	CHECK(pread(fd, words, pages * 8, (off_t)((uintptr_t)p / PAGE * 8)) ==
	      (ssize_t)(pages * 8));
	close(fd);
	for (size_t i = 0; i < pages; i++)
		nr += words[i] >> 63;
	return nr;
}

int main(void)
{
	int wanted = !!getenv("UZSWAP_CONF");
	char *p = map_data(0);
	char *hot = p + COLD_PAGES * PAGE;
	double end = now() + (wanted ? SECONDS_MOST : 1);

	while (now() < end) {
		for (int i = 0; i < 10; i++) {
			verify_all(hot, HOT_PAGES, COLD_PAGES);
			sleep_ms(10);
		}
		if (present(p, COLD_PAGES) < COLD_PAGES / 4)
			break;
	}
	fprintf(stderr, "in RAM: %zu of %zu cold, %zu of %zu hot\n",
		present(p, COLD_PAGES), COLD_PAGES,
		present(hot, HOT_PAGES), HOT_PAGES);
	if (wanted) {
		CHECK(present(p, COLD_PAGES) < COLD_PAGES / 4);
		CHECK(present(hot, HOT_PAGES) > HOT_PAGES * 9 / 10);
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
