/* SPDX-License-Identifier: MIT */
/*
 * io_uring with stored pages as buffers, plain and registered (pinned by the
 * kernel for as long as they are registered); by raw system calls, as no
 * library is needed for one request at a time.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "pattern.h"

#define PINNED	64	/* pages registered */

static struct io_uring_sqe *sqes;
static char *sq, *cq;
static struct io_uring_params params;
static int ring;

static unsigned *at(char *base, unsigned off)
{
	return (unsigned *)(void *)(base + off);
}

static int submit(const struct io_uring_sqe *what)
{
	unsigned tail = *at(sq, params.sq_off.tail);
	unsigned mask = *at(sq, params.sq_off.ring_mask);
	unsigned head = *at(cq, params.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(cq + params.cq_off.cqes);

	sqes[tail & mask] = *what;
	at(sq, params.sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(at(sq, params.sq_off.tail), tail + 1,
			 __ATOMIC_RELEASE);
	CHECK(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		      NULL, 0) == 1);
	CHECK(__atomic_load_n(at(cq, params.cq_off.tail), __ATOMIC_ACQUIRE) !=
	      head);
	__atomic_store_n(at(cq, params.cq_off.head), head + 1,
			 __ATOMIC_RELEASE);
	return cqes[head & *at(cq, params.cq_off.ring_mask)].res;
}

static void transfer(int fd, int op, char *p)
{
	struct io_uring_sqe sqe = {
		.opcode = (uint8_t)op, .fd = fd, .addr = (uintptr_t)p,
		.len = PAGE, .buf_index = 0,
	};

	CHECK(submit(&sqe) == (int)PAGE);
}

static void open_ring(void)
{
	const int prot = PROT_READ | PROT_WRITE;

	ring = (int)syscall(SYS_io_uring_setup, 8, &params);
	if (ring < 0)
		SKIP("no io_uring for us");
	sq = mmap(NULL, params.sq_off.array + 8 * sizeof(unsigned), prot,
		  MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries *
		  sizeof(struct io_uring_cqe), prot, MAP_SHARED, ring,
		  IORING_OFF_CQ_RING);
	sqes = mmap(NULL, 8 * sizeof(*sqes), prot, MAP_SHARED, ring,
		    IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED);
	CHECK((void *)sqes != MAP_FAILED);
}

int main(void)
{
	FILE *f = tmpfile();
	struct iovec pinned;
	char *p;

	CHECK(f);
	p = map_data(0);
	open_ring();
	pinned = (struct iovec){ p + PAGE, PINNED * PAGE };
	CHECK(!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		       &pinned, 1));
	for (size_t n = 100; n + 1 < DATA_PAGES; n += 29) {
		size_t k = 1 + n % PINNED;

		transfer(fileno(f), IORING_OP_WRITE, p + n * PAGE);
		transfer(fileno(f), IORING_OP_READ, p + (n + 1) * PAGE);
		verify(p + (n + 1) * PAGE, n);
		fill(p + (n + 1) * PAGE, n + 1);
		transfer(fileno(f), IORING_OP_READ_FIXED, p + k * PAGE);
		verify(p + k * PAGE, n);
		fill(p + k * PAGE, k + n);
		transfer(fileno(f), IORING_OP_WRITE_FIXED, p + k * PAGE);
		transfer(fileno(f), IORING_OP_READ, p + n * PAGE);
		verify(p + n * PAGE, k + n);
		fill(p + n * PAGE, n);
		fill(p + k * PAGE, k);
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
