/* SPDX-License-Identifier: MIT */
/*
 * run.sh: status=137
 *
 * SIGKILL in a process whose threads fault as fast as they can.  Nothing runs
 * on the way out; but who watches its statistics page still has it, and there
 * the counters close (run.sh).
 */
#define _GNU_SOURCE
#include <signal.h>

#include "readers.h"

int main(void)
{
	char *data = map_data(0);

	start_readers(data);
	sleep_ms(700);
	raise(SIGKILL);
	return 1;
}
