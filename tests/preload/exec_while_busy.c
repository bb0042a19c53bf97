/* SPDX-License-Identifier: MIT */
/*
 * A process whose threads fault as fast as they can executes a program: itself,
 * which makes and reads its own data.  The page of the first life closes as
 * that of a killed process does (run.sh); the second life has one of its own.
 */
#define _GNU_SOURCE
#include "readers.h"

int main(int argc, char **argv)
{
	char *data = map_data((uint64_t)argc - 1);

	if (argc > 1) {
		verify_all(data, DATA_PAGES, (uint64_t)argc - 1);
		return 0;
	}
	start_readers(data);
	sleep_ms(700);
	execl("/proc/self/exe", argv[0], "again", NULL);
	return 1;
}
