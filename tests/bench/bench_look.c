/* SPDX-License-Identifier: MIT */
/*
 * bench_look PID - read the statistics of a process again and again.
 *
 * It does what `zctl stats --json --watch` does for each line, by the same
 * functions, but for printing and pausing: so as often as it can be done.
 * How often that was is told by a number of 64 bits at the beginning of the
 * file that is its standard output.  For bench/stats_cost.py, which stops and
 * continues it; it ends with the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/client.h"
#include "tools/option_page.h"

static volatile uint64_t *map_count(void)
{
	void *at;

	if (ftruncate(STDOUT_FILENO, sizeof(uint64_t)))
		return NULL;
	at = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
		  STDOUT_FILENO, 0);
	return at == MAP_FAILED ? NULL : at;
}

int main(int argc, char **argv)
{
	static struct option_page options;
	struct client client;
	char why[160] = "not under uzswap";
	volatile uint64_t *count = map_count();

	if (argc != 2 || !count) {
		fprintf(stderr, "usage: bench_look PID >FILE\n");
		return 99;
	}
	if (client_open(&client, atoi(argv[1]), why, sizeof(why)) ||
	    client.kind != CLIENT_PAGE) {
		fprintf(stderr, "bench_look: %s: %s\n", argv[1], why);
		return 1;
	}
	while (client_refresh(&client, why, sizeof(why)) == 0 &&
	       option_page_read(&options, client.fd) == 0)
		++*count;
	return 0;
}
