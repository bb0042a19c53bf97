/* SPDX-License-Identifier: MIT */
/*
 * A program that uses userfaultfd itself: its range stays its own, its thread
 * gets its faults, and the rest of its memory is stored meanwhile.  Memory
 * that has been used, and may be stored by then, can be registered as well:
 * it keeps what was written there until the program drops it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "pattern.h"

#define PAGES	1024
#define OWN	5
#define TAKEN	7000000

static char *own;
static char *taken;	/* a part of memory that was stored before */
static _Atomic long answered;
static int fd;

static uint64_t seed_of(uintptr_t at)
{
	if (at - (uintptr_t)own < PAGES * PAGE)
		return OWN + (at - (uintptr_t)own) / PAGE;
	CHECK(at - (uintptr_t)taken < PAGES * PAGE);
	return TAKEN + (at - (uintptr_t)taken) / PAGE;
}

static void *serve(void *arg)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	struct uffd_msg msg;

	while (read(fd, &msg, sizeof(msg)) == sizeof(msg)) {
		uintptr_t at = msg.arg.pagefault.address & ~(PAGE - 1);
		struct uffdio_copy copy = { .dst = at,
					    .src = (uintptr_t)page,
					    .len = PAGE };

		CHECK(msg.event == UFFD_EVENT_PAGEFAULT);
		fill(page, seed_of(at));
		atomic_fetch_add(&answered, 1);
		CHECK(!ioctl(fd, UFFDIO_COPY, &copy));
	}
	return arg;
}

static void take(char *p, int by_number)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)p, .len = PAGES * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (by_number)
		CHECK(!syscall(SYS_ioctl, fd, UFFDIO_REGISTER, &reg));
	else
		CHECK(!ioctl(fd, UFFDIO_REGISTER, &reg));
}

static void give(char *p)
{
	struct uffdio_range range = { (uintptr_t)p, PAGES * PAGE };

	CHECK(!ioctl(fd, UFFDIO_UNREGISTER, &range));
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t t;
	char *p;

	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		SKIP("no userfaultfd for this user");
	CHECK(!ioctl(fd, UFFDIO_API, &api));
	own = map_pages(PAGES);
	take(own, 0);
	CHECK(!pthread_create(&t, NULL, serve, NULL));
	verify_all(own, PAGES / 2, OWN);
	p = map_data(0);
	verify_all(own, PAGES, OWN);
	CHECK(atomic_load(&answered) == PAGES);
	verify_all(p, DATA_PAGES, 0);
	CHECK(!madvise(own, PAGES * PAGE, MADV_DONTNEED));
	verify_all(own, PAGES, OWN);
	CHECK(atomic_load(&answered) == 2 * PAGES);
	verify_all(p, DATA_PAGES, 0);

	for (int i = 0; i < 4; i++) {
		size_t at = (size_t)i * 2 * PAGES;

		taken = p + at * PAGE;
		take(taken, i % 2);
		verify_all(taken, PAGES, at);
		CHECK(atomic_load(&answered) == (2 + i) * PAGES);
		CHECK(!madvise(taken, PAGES * PAGE, MADV_DONTNEED));
		verify_all(taken, PAGES, TAKEN);
		CHECK(atomic_load(&answered) == (3 + i) * PAGES);
		give(taken);
		verify_all(taken, PAGES, TAKEN);
		fill_all(taken, PAGES, at);
	}
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
