/* SPDX-License-Identifier: MIT */
/*
 * Streams: windows double in order, survive a gap and a reader who is faster
 * than what comes along, end at the chunk without being made smaller, and
 * several of one thread do not end each other.
 */
#include "engine/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define A	(4096 * MIB)
#define B	(8192 * MIB)
#define AT(base, page)	((base) + (page) * PAGE_SIZE)

static struct streams streams;

static int clear(void **state)
{
	(void)state;
	memset(&streams, 0, sizeof(streams));
	return 0;
}

static struct uffd_event fault(int32_t tid, uintptr_t addr)
{
	return (struct uffd_event){ .tid = tid, .addr = addr };
}

/* TID asks at ADDR and is given all of its window, which is returned. */
static size_t give(int32_t tid, uintptr_t addr)
{
	const struct uffd_event ev = fault(tid, addr);
	size_t window;
	struct stream *s = stream_find(&streams, &ev, STREAM_GAP, &window);

	stream_note(s, &ev, window, window);
	return window;
}

/* The same in order from ADDR on, until the window is as large as can be. */
static uintptr_t give_most(int32_t tid, uintptr_t addr)
{
	size_t window;

	do {
		window = give(tid, addr);
		addr += window * PAGE_SIZE;
	} while (window < STREAM_MOST);
	return addr;
}

static void test_doubles_in_order(void **state)
{
	(void)state;
	assert_int_equal(give(1, AT(A, 0)), 1);
	assert_int_equal(give(1, AT(A, 1)), 2);
	assert_int_equal(give(1, AT(A, 3)), 4);
	assert_int_equal(give(2, AT(A, 7)), 1);
	assert_int_equal(give(1, give_most(1, AT(A, 7))), STREAM_MOST);
}

static void test_goes_on_after_a_gap(void **state)
{
	uintptr_t next = give_most(1, A);

	(void)state;
	assert_int_equal(give(1, next + STREAM_GAP), STREAM_MOST);
	next += STREAM_GAP + STREAM_MOST * PAGE_SIZE;
	assert_int_equal(give(1, next + STREAM_GAP + PAGE_SIZE), 1);
	assert_int_equal(give(1, A), 1);
}

static void test_reader_is_faster(void **state)
{
	uintptr_t next = give_most(1, A);
	const uintptr_t start = AT(next, -(uintptr_t)STREAM_MOST);
	const struct uffd_event ev = fault(1, AT(start, 5));
	struct page_run last;
	size_t window;
	struct stream *s = stream_find(&streams, &ev, STREAM_GAP, &window);

	(void)state;
	assert_int_equal(window, STREAM_MOST);
	last = stream_last(s, &ev);
	assert_int_equal(last.start, start);
	assert_int_equal(last.end, ev.addr);
	stream_note(s, &ev, window, window);
	assert_int_equal(give(1, AT(ev.addr, STREAM_MOST)), STREAM_MOST);
}

static void test_a_chunk_ends(void **state)
{
	const struct uffd_event end = fault(1, give_most(1, A));
	const struct uffd_event after = fault(1, AT(end.addr, 3));
	struct page_run last;
	size_t window;
	struct stream *s = stream_find(&streams, &end, STREAM_GAP, &window);

	(void)state;
	stream_note(s, &end, window, 3);
	assert_ptr_equal(stream_find(&streams, &after, STREAM_GAP, &window),
			 s);
	assert_int_equal(window, STREAM_MOST);
	last = stream_last(s, &after);
	assert_int_equal(last.start, end.addr);
	assert_int_equal(last.end, after.addr);
}

static void test_side_by_side(void **state)
{
	uintptr_t a = give_most(1, A);
	uintptr_t b = give_most(1, B);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(give(1, a), STREAM_MOST);
		assert_int_equal(give(1, b), STREAM_MOST);
		a += STREAM_MOST * PAGE_SIZE;
		b += STREAM_MOST * PAGE_SIZE;
		/* and some that go nowhere */
		for (size_t k = 0; k < STREAM_WAYS - 2; k++)
			assert_int_equal(give(1, (100 + 10 * i + k) * GIB), 1);
	}
	for (size_t k = 0; k < STREAM_WAYS; k++)
		give(1, (200 + k) * GIB);
	assert_int_equal(give(1, a), 1);
}

/* Who was given nothing asks again, and is given something. */
static void test_nothing_given(void **state)
{
	const struct uffd_event ev = fault(1, A);
	size_t window;
	struct stream *s = stream_find(&streams, &ev, 0, &window);

	(void)state;
	stream_note(s, &ev, 0, 0);
	stream_find(&streams, &ev, 0, &window);
	assert_true(window > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_doubles_in_order, clear),
		cmocka_unit_test_setup(test_goes_on_after_a_gap, clear),
		cmocka_unit_test_setup(test_reader_is_faster, clear),
		cmocka_unit_test_setup(test_a_chunk_ends, clear),
		cmocka_unit_test_setup(test_side_by_side, clear),
		cmocka_unit_test_setup(test_nothing_given, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
