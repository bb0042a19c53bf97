/* SPDX-License-Identifier: MIT */
/*
 * Pages with the same bytes: one object for all of them, for as long as one
 * of them needs it, whatever is done to it meanwhile; and for no other page.
 */
#include "store/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/count.h"
#include "store/sum.h"
#include "tests/unit/page_owner.h"

static int start_sharing(void **state)
{
	int ret = start(state);

	store_set_share_equal(&store, true);
	return ret;
}

/* Page I of those that are equal modulo NR. */
static void put_one_of(unsigned i, unsigned nr)
{
	fill(1, i % nr);
	sums[i] = sum_of(page);
	assert_int_equal(store_put(&store, &refs[i], codec, i, page), 0);
	assert_true(store_is_of(&store, refs[i], i));
}

static void drop(unsigned i)
{
	store_drop(&store, refs[i]);
	refs[i].bits = 0;
}

static uint64_t nr_objects(void)
{
	return usage().pages - usage().shared;
}

static void test_equal_pages_share_one_object(void **state)
{
	uint64_t joined = count_get(UZSWAP_COUNT_shared);

	(void)state;
	for (unsigned i = 0; i < 700; i++)
		put_one_of(i, 7);
	assert_int_equal(usage().pages, 700);
	assert_int_equal(nr_objects(), 7);
	assert_int_equal(count_get(UZSWAP_COUNT_shared) - joined, 693);
	check_all(700);
}

static void test_an_object_stays_as_long_as_a_page_needs_it(void **state)
{
	uint64_t r = 4711;
	unsigned order[600];

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		put_one_of(i, 50);
		order[i] = i;
	}
	for (unsigned i = 599; i > 0; i--) {
		unsigned j = (unsigned)(roll(&r) >> 20) % i;
		unsigned other = order[j];

		order[j] = order[i];
		order[i] = other;
	}
	for (unsigned i = 0; i < 600; i++) {
		drop(order[i]);
		for (unsigned j = i + 1; j < 600; j += 7)
			check(order[j]);
		assert_int_equal(usage().pages, 599 - i);
	}
	assert_int_equal(usage().packed, 0);
	/* and they can be had again */
	put_one_of(0, 1);
	put_one_of(1, 1);
	assert_int_equal(nr_objects(), 1);
	check_all(2);
}

static int by_sum(const void *one, const void *other)
{
	uint32_t x = *(const uint32_t *)one;
	uint32_t y = *(const uint32_t *)other;

	return (x > y) - (x < y);
}

/* A page that packs, and number N of them. */
static uint32_t sum_numbered(uint32_t n)
{
	memset(page, 'x', PAGE_SIZE);
	memcpy(page + 128, &n, sizeof(n));
	return (uint32_t)sum_bytes(page, PAGE_SIZE, 0);
}

static void test_the_same_sum_is_not_the_same_page(void **state)
{
	const uint32_t nr = 300000;
	struct { uint32_t sum, n; } *all = calloc(nr, sizeof(*all));
	uint64_t differ = count_get(UZSWAP_COUNT_share_refused);
	unsigned found = 0;

	(void)state;
	assert_non_null(all);
	for (uint32_t n = 0; n < nr; n++) {
		all[n].sum = sum_numbered(n);
		all[n].n = n;
	}
	qsort(all, nr, sizeof(*all), by_sum);
	for (uint32_t i = 1; i < nr && found < NR_PAGES / 2; i++) {
		if (all[i].sum != all[i - 1].sum)
			continue;
		for (unsigned k = 0; k < 2; k++) {
			unsigned at = 2 * found + k;

			sum_numbered(all[i - k].n);
			sums[at] = sum_of(page);
			assert_int_equal(store_put(&store, &refs[at], codec,
						   at, page), 0);
		}
		found++;
	}
	free(all);
	assert_true(found > 0);
	assert_int_equal(usage().shared, 0);
	assert_int_equal(count_get(UZSWAP_COUNT_share_refused) - differ, found);
	check_all(2 * found);
}

static void test_compaction_moves_what_nobody_reads(void **state)
{
	struct pool_ref was;
	struct pool_ref is;

	(void)state;
	/* pairs, and every tenth of them stays */
	for (unsigned i = 0; i < NR_PAGES; i++)
		put_one_of(i, NR_PAGES / 2);
	for (unsigned i = 0; i < NR_PAGES; i++)
		if (i % (NR_PAGES / 2) % 10)
			drop(i);
	/* read all of them */
	for (unsigned e = 1; e <= NR_PAGES / 2; e++)
		if (joint_object(&store.joint, e).bits)
			joint_pin(&store.joint, e);
	assert_int_equal(store_compact(&store, NR_PAGES), 0);
	was = joint_object(&store.joint, 1);
	for (unsigned e = 1; e <= NR_PAGES / 2; e++)
		if (joint_object(&store.joint, e).bits && e % 20 == 1)
			joint_unpin(&store.joint, e);
	/* the others' readers are threads that a child does not have */
	store_fork_child(&store);
	assert_true(store_compact(&store, NR_PAGES) > 0);
	is = joint_object(&store.joint, 1);
	assert_true(was.bits && is.bits);
	for (unsigned i = 0; i < NR_PAGES; i++)
		if (refs[i].bits) {
			check(i);
			assert_true(store_is_of(&store, refs[i], i));
		}
}

/* Whoever has the other reference drops it while the object is packed anew. */
static void drop_second(uint64_t owner)
{
	(void)owner;
	if (refs[1].bits)
		drop(1);
}

static void test_a_shared_object_is_packed_again_for_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++)
		put_one_of(i, 4);
	assert_int_equal(repack(0, 40), 4);
	assert_int_equal(usage().nr_by_codec[CODEC_ZSTD], 4);
	check_all(40);
	/* one that comes later joins the object as it is now */
	put_one_of(40, 4);
	assert_int_equal(nr_objects(), 4);
	check_all(41);
	/* who reads it keeps it where it is */
	for (unsigned i = 0; i < 40; i++)
		drop(i);
	drop(40);
	put_one_of(0, 1);
	put_one_of(1, 1);
	joint_pin(&store.joint, (uint32_t)(refs[0].bits >> 2));
	assert_int_equal(repack(0, 2), 0);
	joint_unpin(&store.joint, (uint32_t)(refs[0].bits >> 2));
	check_all(2);
	meanwhile = drop_second;
	assert_int_equal(repack(0, 1), 1);
	check(0);
}

static void test_more_pages_than_an_entry_counts(void **state)
{
	const unsigned nr = 70000;
	struct store_ref *many = calloc(nr, sizeof(*many));

	(void)state;
	assert_non_null(many);
	fill(1, 1);
	sums[0] = sum_of(page);
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(store_put(&store, &many[i], codec, i, page),
				 0);
	assert_int_equal(nr_objects(), 2);
	assert_int_equal(usage().pages, nr);
	for (unsigned i = 0; i < nr; i++) {
		refs[0] = many[i];
		if (i % 1000 == 0)
			check(0);
		store_drop(&store, many[i]);
	}
	assert_int_equal(usage().pages, 0);
	assert_int_equal(usage().packed, 0);
	free(many);
}

static void test_it_is_switched_while_pages_are_stored(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		put_one_of(i, 10);
	store_set_share_equal(&store, false);
	for (unsigned i = 100; i < 200; i++)
		put_one_of(i, 10);
	assert_int_equal(nr_objects(), 110);
	store_set_share_equal(&store, true);
	for (unsigned i = 200; i < 300; i++)
		put_one_of(i, 10);
	assert_int_equal(nr_objects(), 110);
	check_all(300);
	for (unsigned i = 0; i < 300; i++)
		drop(i);
	assert_int_equal(usage().pages, 0);
}

static void test_where_all_pages_differ_few_get_an_entry(void **state)
{
	const unsigned nr = 12000;
	struct store_ref *many = calloc(nr, sizeof(*many));

	(void)state;
	assert_non_null(many);
	for (unsigned i = 0; i < nr; i++) {
		fill(1, i);
		assert_int_equal(store_put(&store, &many[i], codec, i, page),
				 0);
	}
	assert_int_equal(usage().shared, 0);
	assert_true(atomic_load(&store.joint.nr) < 2048 + nr / 8);
	/* until there are equal ones: those of the sample show it */
	for (unsigned i = 0; i < nr / 2; i++) {
		struct store_ref ref;

		fill(1, i);
		assert_int_equal(store_put(&store, &ref, codec, nr + i, page),
				 0);
	}
	assert_true(usage().shared > 1024);
	free(many);
}

/* --- the table alone ------------------------------------------------------ */

#define NR_ENTRIES	150000u
#define FIRST_OWNER	1000000u

static struct joint_table table;
static uint32_t entries[NR_ENTRIES];

static uint32_t sum_for(uint32_t i)
{
	return i * 2654435761u;
}

static struct pool_ref object_for(uint32_t i)
{
	return (struct pool_ref){ ((uint64_t)i + 1) << 11 };
}

static int start_table(void **state)
{
	(void)state;
	if (arena_start(&arena, 256 * MIB))
		return -1;
	return joint_start(&table, &arena, FIRST_OWNER, NR_ENTRIES);
}

static int stop_table(void **state)
{
	(void)state;
	munmap((void *)arena.base, arena.end - arena.base);
	return 0;
}

static void test_entries_are_found_while_the_table_grows(void **state)
{
	(void)state;
	assert_int_equal(joint_len(&table), 0);
	for (uint32_t i = 0; i < NR_ENTRIES; i++) {
		entries[i] = joint_take(&table);
		assert_true(entries[i] > 0);
		joint_publish(&table, entries[i], sum_for(i), object_for(i));
		assert_int_equal(joint_find(&table, sum_for(i / 2)),
				 entries[i / 2]);
		joint_unpin(&table, entries[i / 2]);
		joint_drop(&table, entries[i / 2]);
	}
	/* that is all there is room for */
	assert_int_equal(joint_take(&table), 0);
	assert_true(joint_len(&table) < NR_ENTRIES * 20 + 3 * PAGE_SIZE);
	for (uint32_t i = 0; i < NR_ENTRIES; i++) {
		struct pool_ref object = joint_drop(&table, entries[i]);

		assert_true(object.bits == object_for(i).bits);
		assert_int_equal(joint_find(&table, sum_for(i)), 0);
	}
	assert_int_equal(joint_saved(&table), 0);
	assert_true(joint_take(&table) > 0);
}

static void test_who_may_move_an_object(void **state)
{
	uint32_t entry = joint_take(&table);
	uint64_t owner = joint_owner(&table, entry);
	struct pool_ref a = object_for(1);
	struct pool_ref b = object_for(2);

	(void)state;
	assert_true(joint_is_owner(&table, owner));
	assert_false(joint_is_owner(&table, FIRST_OWNER - 1));
	assert_false(joint_is_owner(&table, 0));
	/* the put has not ended */
	assert_false(joint_moved(&table, owner, a, b));
	joint_publish(&table, entry, 5, a);
	assert_false(joint_moved(&table, owner, b, a));
	assert_true(joint_pin(&table, entry).bits == a.bits);
	assert_false(joint_moved(&table, owner, a, b));
	joint_unpin(&table, entry);
	assert_true(joint_moved(&table, owner, a, b));
	assert_true(joint_object(&table, entry).bits == b.bits);
	assert_true(joint_drop(&table, entry).bits == b.bits);
	/* it is dropped: a move that was under way comes too late */
	assert_false(joint_moved(&table, owner, b, a));
	assert_true(joint_object(&table, entry).bits == 0);
	assert_true(joint_object(&table, 0).bits == 0);
	assert_true(joint_object(&table, UINT32_MAX).bits == 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start_sharing, stop)
	const struct CMUnitTest tests[] = {
		T(test_equal_pages_share_one_object),
		T(test_an_object_stays_as_long_as_a_page_needs_it),
		T(test_the_same_sum_is_not_the_same_page),
		T(test_compaction_moves_what_nobody_reads),
		T(test_a_shared_object_is_packed_again_for_all),
		T(test_more_pages_than_an_entry_counts),
		T(test_it_is_switched_while_pages_are_stored),
		T(test_where_all_pages_differ_few_get_an_entry),
#undef T
#define T(f) cmocka_unit_test_setup_teardown(f, start_table, stop_table)
		T(test_entries_are_found_while_the_table_grows),
		T(test_who_may_move_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
