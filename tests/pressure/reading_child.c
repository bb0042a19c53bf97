/* SPDX-License-Identifier: MIT */
/*
 * A child that only reads what its parent wrote: 64 MiB, some pages in
 * a row here and there; and gives up other pages all the time, as Redis does
 * with what it has saved.
 *
 *	reading_child
 *
 * The child prints its PID and waits for a line; reads and compares a quarter
 * of a million pages, says "read", and waits for another.  Status 0 if all
 * was as the parent wrote it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096u
#define PAGES	(64u << 8)
#define READS	(16u * PAGES)
#define ROW	32u		/* pages read one after the other */
#define OTHER	(8u * PAGE)
#define OTHERS	(256u * PAGE)	/* enough to be managed */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Half of a page can be packed. */
static void fill(char *page, uint32_t i)
{
	uint64_t seed = i + 88172645463325252u;

	for (unsigned at = 0; at < PAGE / 2; at += 8) {
		uint64_t n = next_random(&seed);

		memcpy(page + at, &n, sizeof(n));
	}
	memset(page + PAGE / 2, (int)i, PAGE / 2);
}

static int child(const char *memory)
{
	static char right[PAGE];
	uint64_t seed = 1;
	uint32_t i = 0;
	char *other = mmap(NULL, OTHERS, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (other == MAP_FAILED)
		return 99;
	printf("%ld\n", (long)getpid());
	fflush(stdout);
	getchar();
	for (unsigned n = 0; n < READS; n++) {
		if (n % ROW == 0) {
			i = (uint32_t)next_random(&seed);
			memset(other, (int)i, OTHER);
			madvise(other, OTHER, MADV_DONTNEED);
		}
		i = (i + 1) % PAGES;
		fill(right, i);
		if (memcmp(memory + (size_t)i * PAGE, right, PAGE)) {
			printf("page %u is wrong\n", i);
			return 1;
		}
	}
	puts("read");
	fflush(stdout);
	getchar();
	return 0;
}

int main(void)
{
	char *memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t pid;

	if (memory == MAP_FAILED)
		return 99;
	for (uint32_t i = 0; i < PAGES; i++)
		fill(memory + (size_t)i * PAGE, i);
	pid = fork();
	if (pid < 0)
		return 99;
	if (!pid)
		_exit(child(memory));
	waitpid(pid, &status, 0);
	return status != 0;
}
