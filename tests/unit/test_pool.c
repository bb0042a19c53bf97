/* SPDX-License-Identifier: MIT */
/*
 * The pool: objects of every length, damage, and each race of compaction
 * forced once, from inside moved().
 */
#include "store/pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pool_owner.h"

/* --- in and out ----------------------------------------------------------- */

static void test_objects_of_every_length_come_back(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (size_t len = 1; len <= POOL_MAX_LEN; len++) {
		assert_int_equal(put(len, len), 0);
		assert_int_equal(refs[len].bits >> POOL_REF_BITS, 0);
		sum += len;
	}
	assert_int_equal(usage().objects, POOL_MAX_LEN);
	assert_int_equal(usage().packed, sum);
	for (size_t len = 1; len <= POOL_MAX_LEN; len++)
		check(len);
	for (size_t len = 1; len <= POOL_MAX_LEN; len++)
		drop(len);
	assert_int_equal(usage().objects, 0);
	assert_int_equal(usage().packed, 0);
}

static void test_any_damaged_bit_is_noticed(void **state)
{
	struct pool_object o;
	unsigned missed = 0;

	(void)state;
	assert_int_equal(put(1, 777), 0);
	assert_int_equal(pool_find(&pool, &o, refs[1]), 0);
	for (size_t i = 0; i < 777 * 8; i++) {
		unsigned char *at = (unsigned char *)o.buf + i / 8;
		struct pool_object again;

		*at ^= (unsigned char)(1 << i % 8);
		missed += pool_find(&pool, &again, refs[1]) != -EBADMSG;
		*at ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(missed, 0);
	check(1);
}

/* In the header are 13 bits of the sum; alone they would miss 24 or so. */
static void test_other_objects_in_its_place_are_noticed(void **state)
{
	const unsigned len = 778;	/* leaves 4 bytes of its slot */
	const unsigned tries = 200000;
	struct pool_object o;
	unsigned missed = 0;
	uint64_t r = 99;

	(void)state;
	assert_int_equal(put(1, len), 0);
	assert_int_equal(pool_find(&pool, &o, refs[1]), 0);
	for (unsigned i = 0; i < tries; i++) {
		unsigned char *at = (unsigned char *)o.buf;
		struct pool_object again;

		r = r * 6364136223846793005u + 1442695040888963407u;
		memcpy(at + (r >> 40) % (len - sizeof(r)), &r, sizeof(r));
		missed += pool_find(&pool, &again, refs[1]) != -EBADMSG;
	}
	assert_int_equal(missed, 0);
	drop(1);
}

static void test_wild_refs_find_nothing(void **state)
{
	uint64_t r = 88172645463325252ull;
	struct pool_object o;

	(void)state;
	assert_int_equal(put(1, 1000), 0);
	for (int i = 0; i < 100000; i++) {
		struct pool_ref ref;

		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		ref.bits = r >> (r % 60);
		if (ref.bits != refs[1].bits)
			assert_int_equal(pool_find(&pool, &o, ref), -EBADMSG);
	}
	o.len = 1;
	assert_int_equal(pool_find(&pool, &o, (struct pool_ref){ 0 }),
			 -EBADMSG);
	assert_int_equal(o.len, 0);
}

/* --- compaction ----------------------------------------------------------- */

static bool refuse(uint64_t owner, struct pool_ref from, struct pool_ref to)
{
	(void)owner;
	(void)from;
	(void)to;
	return false;
}

static void test_a_busy_owner_keeps_its_object(void **state)
{
	struct pool_usage before;

	(void)state;
	put_and_drop_most(300, 2000);
	before = usage();
	react = refuse;
	for (int i = 0; i < 10; i++)
		assert_int_equal(pool_compact(&pool, 1000), 0);
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, before.objects);
	assert_int_equal(usage().packed, before.packed);
	check_rest(300);
	react = agree;
	assert_true(pool_compact(&pool, 1000) > 0);
	check_rest(300);
}

/* The program frees the page just now. */
static bool drop_it(uint64_t owner, struct pool_ref from, struct pool_ref to)
{
	(void)to;
	assert_int_equal(refs[owner].bits, from.bits);
	drop(owner);
	return false;
}

static void test_a_drop_while_moving_frees_both(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = drop_it;
	compact_all();
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100 - nr_moved);
	check_rest(300);
}

/* The page leaves again at once: its slot must not be the old one. */
static bool drop_and_put(uint64_t owner, struct pool_ref from,
			 struct pool_ref to)
{
	drop(owner);
	assert_int_equal(put(owner, lens[owner]), 0);
	assert_int_not_equal(refs[owner].bits, from.bits);
	assert_int_not_equal(refs[owner].bits, to.bits);
	return agree(owner, from, to);
}

static void test_a_slot_is_not_reused_while_moving(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = drop_and_put;
	for (int i = 0; i < 20; i++)
		pool_compact(&pool, 1000);
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100);
	check_rest(300);
}

/* Somebody claims the moved object and is done with it at once. */
static bool agree_and_drop(uint64_t owner, struct pool_ref from,
			   struct pool_ref to)
{
	bool yes = agree(owner, from, to);

	check(owner);
	drop(owner);
	return yes;
}

static void test_a_moved_object_may_be_dropped_at_once(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	react = agree_and_drop;
	compact_all();
	assert_true(nr_moved > 0);
	assert_int_equal(usage().objects, 100 - nr_moved);
	check_rest(300);
}

static void test_the_new_owner_is_asked(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	for (unsigned i = 0; i < 300; i += 3) {
		pool_set_owner(&pool, refs[i], i + 1000);
		refs[i + 1000] = refs[i];
		refs[i].bits = 0;
	}
	compact_all();
	assert_true(nr_moved > 0);
	for (unsigned i = 0; i < 300; i += 3) {
		struct pool_object o;

		assert_int_equal(pool_find(&pool, &o, refs[i + 1000]), 0);
		assert_memory_equal(o.buf, bytes_of(i, 2000), 2000);
	}
}

static void test_the_child_of_a_fork_has_new_locks(void **state)
{
	(void)state;
	put_and_drop_most(300, 2000);
	lock_take(&pool.slabs.lock);
	for (uint32_t i = 0; i < pool.classes.nr; i++)
		lock_take(&pool.class[i].lock);
	pool_fork_child(&pool);
	compact_all();
	check_rest(300);
	assert_int_equal(put(300, 3000), 0);
}

/* --- shared with another process ------------------------------------------ */

static void protect(int prot)
{
	assert_int_equal(mprotect(pool.slabs.base,
				  pool.slabs.next_page * PAGE_SIZE, prot), 0);
}

/* Objects FROM..END-1, some of each length. */
static void put_many(unsigned from, unsigned end)
{
	for (unsigned i = from; i < end; i++)
		assert_int_equal(put(i, 100 + i % 50 * 20), 0);
}

/* A seventh goes at a time, of each length: a slab without any is reused. */
static void test_a_sealed_slab_is_only_read(void **state)
{
	struct pool_usage u;

	(void)state;
	put_many(0, 2000);
	for (unsigned i = 0; i < 2000; i += 7)
		drop(i);
	u = usage();
	pool_seal(&pool);
	protect(PROT_READ);
	for (unsigned i = 1; i < 2000; i += 7)
		drop(i);
	assert_int_equal(usage().objects, u.objects - 286);
	assert_int_equal(usage().used, u.used);
	put_many(2000, 3000);
	for (unsigned i = 2000; i < 3000; i += 7)
		drop(i);
	assert_true(pool_is_valid(&pool));
	for (unsigned i = 0; i < 3000; i++)
		if (refs[i].bits)
			check(i);
	/* a second fork; what came since the first is sealed, too */
	pool_seal(&pool);
	protect(PROT_READ);
	for (unsigned i = 2; i < 3000; i += 7)
		if (refs[i].bits)
			drop(i);
	put_many(3000, 4000);
	assert_true(pool_is_valid(&pool));
	protect(PROT_READ | PROT_WRITE);
	pool_unseal(&pool);
	assert_true(pool_is_valid(&pool));
	for (unsigned i = 0; i < 4000; i++) {
		if (!refs[i].bits)
			continue;
		check(i);
		drop(i);
	}
	u = usage();
	assert_int_equal(u.objects, 0);
	pool_compact(&pool, 1);
	assert_true(usage().used <= 32 * PAGE_SIZE);
}

static void test_epochs_begin_anew(void **state)
{
	(void)state;
	put_many(0, 500);
	for (uint32_t i = 0; i < pool.classes.nr; i++)
		pool.class[i].epoch = UINT16_MAX - 1;
	for (unsigned n = 0; n < 4; n++) {
		pool_seal(&pool);
		protect(PROT_READ);
		put_many(500 * n + 500, 500 * n + 1000);
		for (unsigned i = n; i < 500 * n + 500; i += 7)
			if (refs[i].bits)
				drop(i);
		assert_true(pool_is_valid(&pool));
	}
	protect(PROT_READ | PROT_WRITE);
	pool_unseal(&pool);
	for (unsigned i = 0; i < 2500; i++)
		if (refs[i].bits)
			check(i);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_objects_of_every_length_come_back),
		TEST(test_any_damaged_bit_is_noticed),
		TEST(test_other_objects_in_its_place_are_noticed),
		TEST(test_wild_refs_find_nothing),
		TEST(test_a_busy_owner_keeps_its_object),
		TEST(test_a_drop_while_moving_frees_both),
		TEST(test_a_slot_is_not_reused_while_moving),
		TEST(test_a_moved_object_may_be_dropped_at_once),
		TEST(test_the_new_owner_is_asked),
		TEST(test_the_child_of_a_fork_has_new_locks),
		TEST(test_a_sealed_slab_is_only_read),
		TEST(test_epochs_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
