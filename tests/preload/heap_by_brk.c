/* SPDX-License-Identifier: MIT */
/*
 * A heap grown by sbrk and by malloc in small pieces (glibc takes those from
 * the break without asking anybody), shrunk again by free and malloc_trim, and
 * grown once more: zeros where it is new, contents where it is not.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <sys/syscall.h>

#include "pattern.h"

#define PIECE	(3 * PAGE)

static char **fill_heap(size_t nr, uint64_t seed)
{
	char **all = malloc(nr * sizeof(*all));

	CHECK(all);
	for (size_t i = 0; i < nr; i++) {
		all[i] = malloc(PIECE);
		CHECK(all[i]);
		fill(all[i], seed + i);
		fill(all[i] + PAGE, seed + i + 1);
	}
	return all;
}

static void verify_heap(char **all, size_t nr, uint64_t seed)
{
	for (size_t i = 0; i < nr; i++) {
		verify(all[i], seed + i);
		verify(all[i] + PAGE, seed + i + 1);
	}
}

int main(void)
{
	const size_t nr = DATA_LEN / PIECE;
	char **all;
	char *top;

	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	for (int round = 0; round < 3; round++) {
		all = fill_heap(nr, (uint64_t)round << 32);
		verify_heap(all, nr, (uint64_t)round << 32);
		for (size_t i = nr; i--;)
			free(all[i]);
		free(all);
		malloc_trim(0);
	}
	top = sbrk((intptr_t)DATA_LEN);
	CHECK(top != (void *)-1);
	fill_all(top, DATA_PAGES, 1);
	verify_all(top, DATA_PAGES, 1);
	CHECK(sbrk(-(intptr_t)DATA_LEN) != (void *)-1);
	CHECK(sbrk((intptr_t)DATA_LEN) == top);
	verify_zero(top, DATA_PAGES);
	/* and once more past libc */
	fill_all(top, DATA_PAGES, 2);
	CHECK(syscall(SYS_brk, top) == (long)top);
	CHECK(syscall(SYS_brk, top + DATA_LEN) == (long)(top + DATA_LEN));
	verify_zero(top, DATA_PAGES);
	return 0;
}
