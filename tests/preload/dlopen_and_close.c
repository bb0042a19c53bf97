/* SPDX-License-Identifier: MIT */
/*
 * Libraries are loaded and unloaded while memory is short: their mappings come
 * and go between stored ranges, their constructors and symbols work, and
 * locale data and the like too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "pattern.h"

#define ROUNDS	60

int main(void)
{
	static const char *const names[] = { "libm.so.6", "libresolv.so.2",
					     "libanl.so.1", "libutil.so.1" };
	char *p = map_data(0);

	for (int i = 0; i < ROUNDS; i++) {
		void *lib = dlopen(names[i % 4], RTLD_NOW | RTLD_LOCAL);
		size_t n = (size_t)i * 600 % (DATA_PAGES - 600);

		CHECK(lib);
		if (i % 4 == 0) {
			double (*f)(double) =
				(double (*)(double))dlsym(lib, "floor");

			CHECK(f && f(2.5) == 2);
		}
		verify_all(p + n * PAGE, 600, n);
		CHECK(!dlclose(lib));
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
