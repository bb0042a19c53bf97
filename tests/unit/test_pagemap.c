/* SPDX-License-Identifier: MIT */
/*
 * A page that was written is here, wherever the kernel has put it: in RAM, or
 * in its own swap, if the machine has some.  One never touched is not.
 */
#include "base/pagemap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/sys.h"

#define NR	200u	/* more than are read at a time */

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

static char *map_pages(void)
{
	char *p = mmap(NULL, NR * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(madvise(p, NR * PAGE_SIZE, MADV_NOHUGEPAGE), 0);
	for (size_t i = 0; i < NR; i += 3)
		p[i * PAGE_SIZE] = 1;
	return p;
}

static void assert_every_third(const char *p)
{
	unsigned char here[NR];

	pagemap_are_here((uintptr_t)p, NR, here);
	for (size_t i = 0; i < NR; i++) {
		const uintptr_t page = (uintptr_t)p + i * PAGE_SIZE;

		assert_int_equal(here[i], i % 3 == 0);
		assert_int_equal(pagemap_is_here(page), i % 3 == 0);
	}
}

static void test_in_ram(void **state)
{
	char *p = map_pages();

	(void)state;
	assert_every_third(p);
	munmap(p, NR * PAGE_SIZE);
}

static void test_in_swap(void **state)
{
	char *p;

	(void)state;
	if (!sys_has_swap()) {
		print_message("# no swap on this machine\n");
		skip();
	}
	p = map_pages();
	assert_int_equal(madvise(p, NR * PAGE_SIZE, MADV_PAGEOUT), 0);
	assert_every_third(p);
	munmap(p, NR * PAGE_SIZE);
}

static void test_not_mapped(void **state)
{
	char *p = map_pages();

	(void)state;
	munmap(p, NR * PAGE_SIZE);
	assert_false(pagemap_is_here((uintptr_t)p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_ram),
		cmocka_unit_test(test_in_swap),
		cmocka_unit_test(test_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
