/* SPDX-License-Identifier: MIT */
/* The clock of the vDSO is the one of the system call. */
#include "base/vdso.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/sys.h"

#define LOOKS	100000

static void test_tells_the_time_of_the_system_call(void **state)
{
	(void)state;
	for (int n = 0; n < LOOKS; n++) {
		const uint64_t before = sys_clock_ns(CLOCK_MONOTONIC);
		const uint64_t now = sys_now_ns();

		assert_in_range(now, before, sys_clock_ns(CLOCK_MONOTONIC));
	}
}

static int start(void **state)
{
	(void)state;
	vdso_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tells_the_time_of_the_system_call),
		cmocka_unit_test_setup(test_tells_the_time_of_the_system_call,
				       start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
