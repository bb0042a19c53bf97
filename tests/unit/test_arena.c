/* SPDX-License-Identifier: MIT */
/*
 * The arena: pieces that do not overlap, zeroed and aligned; its end is an
 * answer, not a crash; what is released reads as zeros again.
 */
#define _GNU_SOURCE
#include "base/arena.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/proc.h"

#define THREADS	4
#define PIECES	200

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	return arena_start(&arena, 64 * MIB);
}

static bool is_zero(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static void test_pieces_are_zeroed_and_ours(void **state)
{
	char *a = arena_alloc(&arena, 1);
	char *b = arena_alloc(&arena, 3 * PAGE_SIZE + 1);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal((uintptr_t)a % PAGE_SIZE, 0);
	assert_true(b >= a + PAGE_SIZE);
	assert_true(is_zero(a, PAGE_SIZE));
	assert_true(is_zero(b, 4 * PAGE_SIZE));
	memset(b, 1, 4 * PAGE_SIZE);
	assert_true(is_zero(a, PAGE_SIZE));
	assert_true(arena_owns(&arena, (uintptr_t)b));
	assert_false(arena_owns(&arena, (uintptr_t)&arena));
	assert_int_equal(arena.committed, 5 * PAGE_SIZE);
}

/*
 * Where a mapping of the program, alike in all ways, lies right below, the
 * kernel must not make one mapping of it and ours: it would never be managed.
 */
static void test_what_is_mapped_below_stays_apart(void **state)
{
	const size_t len = 16 * PAGE_SIZE;
	uintptr_t below = arena.base - len;
	char *ours = arena_alloc(&arena, PAGE_SIZE);
	uintptr_t start = 0;
	uintptr_t end = 0;
	char line[512];
	FILE *maps;

	(void)state;
	assert_non_null(ours);
	*ours = 1;
	if (mmap((void *)below, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		 MAP_FIXED_NOREPLACE, -1, 0) != (void *)below)
		skip();		/* something else is there */
	maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) && end <= below)
		assert_int_equal(sscanf(line, "%" SCNxPTR "-%" SCNxPTR,
					&start, &end), 2);
	fclose(maps);
	assert_true(start <= below);
	assert_int_equal(end, arena.base);
	munmap((void *)below, len);
}

static void test_overlaps_is_exact(void **state)
{
	uintptr_t s = arena.base;
	uintptr_t e = arena.end;

	(void)state;
	assert_false(arena_overlaps(&arena, s - PAGE_SIZE, s));
	assert_true(arena_overlaps(&arena, s - PAGE_SIZE, s + 1));
	assert_true(arena_overlaps(&arena, e - 1, e + PAGE_SIZE));
	assert_false(arena_overlaps(&arena, e, e + PAGE_SIZE));
	assert_true(arena_overlaps(&arena, 0, UINTPTR_MAX));
}

static void test_reserve_aligns_and_commits_in_parts(void **state)
{
	char *p = arena_reserve(&arena, 4 * CHUNK_SIZE, CHUNK_SIZE);

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % CHUNK_SIZE, 0);
	assert_int_equal(arena_commit(&arena, p + CHUNK_SIZE, PAGE_SIZE), 0);
	p[CHUNK_SIZE] = 1;
	assert_int_equal(arena_commit(&arena, p, 4 * CHUNK_SIZE), 0);
	assert_int_equal(p[CHUNK_SIZE], 1);
}

static void test_the_end_is_null(void **state)
{
	(void)state;
	assert_null(arena_alloc(&arena, 65 * MIB));
	assert_null(arena_reserve(&arena, SIZE_MAX - 2 * PAGE_SIZE,
				  PAGE_SIZE));
	assert_non_null(arena_alloc(&arena, 40 * MIB));
	assert_null(arena_alloc(&arena, 40 * MIB));
	assert_non_null(arena_alloc(&arena, 20 * MIB));
}

static void test_released_memory_reads_as_zeros(void **state)
{
	char *p = arena_alloc(&arena, 8 * PAGE_SIZE);

	(void)state;
	memset(p, 7, 8 * PAGE_SIZE);
	arena_release(&arena, p + PAGE_SIZE, 2 * PAGE_SIZE);
	assert_int_equal(p[0], 7);
	assert_true(is_zero(p + PAGE_SIZE, 2 * PAGE_SIZE));
	assert_int_equal(p[3 * PAGE_SIZE], 7);
}

/* Memory just beside it, of the same kind, as jemalloc maps it. */
static void map_at(uintptr_t addr, int prot)
{
	mmap((void *)addr, PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS |
	     MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static void test_no_mapping_is_the_programs_and_ours(void **state)
{
	static char buf[65536];
	struct proc_maps maps;
	struct proc_map m;

	(void)state;
	assert_int_equal((uintptr_t)arena_alloc(&arena, PAGE_SIZE), arena.base);
	for (uintptr_t n = 1; n <= 2; n++) {
		map_at(arena.base - n * PAGE_SIZE, PROT_READ | PROT_WRITE);
		map_at(arena.end + (n - 1) * PAGE_SIZE, PROT_NONE);
	}
	assert_int_equal(proc_maps_open(&maps, buf, sizeof(buf)), 0);
	while (proc_maps_next(&maps, &m)) {
		assert_false(m.start < arena.base && m.end > arena.base);
		assert_false(m.start < arena.end && m.end > arena.end);
	}
	proc_maps_close(&maps);
}

static void *take_pieces(void *arg)
{
	for (size_t i = 0; i < PIECES; i++) {
		char *p = arena_alloc(&arena, (i % 3 + 1) * PAGE_SIZE);

		if (!p || !is_zero(p, (i % 3 + 1) * PAGE_SIZE))
			return NULL;
		memset(p, 1, (i % 3 + 1) * PAGE_SIZE);
	}
	return arg;
}

static void test_threads_get_different_pieces(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_pieces, t),
				 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(t[i], &ret);
		assert_non_null(ret);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pieces_are_zeroed_and_ours, setup),
		cmocka_unit_test_setup(
			test_what_is_mapped_below_stays_apart, setup),
		cmocka_unit_test_setup(test_overlaps_is_exact, setup),
		cmocka_unit_test_setup(
			test_reserve_aligns_and_commits_in_parts, setup),
		cmocka_unit_test_setup(
			test_no_mapping_is_the_programs_and_ours, setup),
		cmocka_unit_test_setup(test_the_end_is_null, setup),
		cmocka_unit_test_setup(test_released_memory_reads_as_zeros,
				       setup),
		cmocka_unit_test_setup(test_threads_get_different_pieces,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
