/* SPDX-License-Identifier: MIT */
/*
 * Stored ranges are unmapped and their addresses used again.  What is mapped
 * there next must read as zeros, and then as what is written to it, never as
 * what was stored; its neighbours must stay as they are.  Both through libc
 * and as raw system calls.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "pattern.h"

#define PIECE	512		/* pages; holes of this size */
#define ROUNDS	6

static void unmap(int raw, void *p, size_t len)
{
	CHECK((raw ? (int)syscall(SYS_munmap, p, len) : munmap(p, len)) == 0);
}

static void map_again(int raw, void *p, size_t len)
{
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	void *q = raw ? (void *)syscall(SYS_mmap, p, len, prot, flags, -1, 0)
		      : mmap(p, len, prot, flags, -1, 0);

	CHECK(q == p);
}

int main(void)
{
	char *p = map_data(0);
	size_t pieces = DATA_PAGES / PIECE;
	uint64_t version[DATA_PAGES / PIECE] = { 0 };

	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (size_t i = round % 3; i < pieces; i += 3) {
			char *at = p + i * PIECE * PAGE;

			unmap(round & 1, at, PIECE * PAGE);
			map_again(round & 1, at, PIECE * PAGE);
			if (i % 2)
				verify_zero(at, PIECE);
			version[i] = (uint64_t)round << 32;
			fill_all(at, PIECE, version[i] + i * PIECE);
		}
		for (size_t i = 0; i < pieces; i++)
			verify_all(p + i * PIECE * PAGE, PIECE,
				   version[i] + i * PIECE);
	}
	unmap(0, p, DATA_LEN);
	map_again(1, p, DATA_LEN);
	verify_zero(p, DATA_PAGES);
	return 0;
}
