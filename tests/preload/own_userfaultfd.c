/* SPDX-License-Identifier: MIT */
/*
 * A program that uses userfaultfd itself: its range stays its own, its thread
 * gets its faults, and the rest of its memory is stored meanwhile.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "pattern.h"

#define PAGES	1024

static char *own;
static int fd;

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
		fill(page, (at - (uintptr_t)own) / PAGE + 5);
		CHECK(!ioctl(fd, UFFDIO_COPY, &copy));
	}
	return arg;
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t t;
	char *p;

	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		SKIP("no userfaultfd for this user");
	CHECK(!ioctl(fd, UFFDIO_API, &api));
	own = map_pages(PAGES);
	reg.range.start = (uintptr_t)own;
	reg.range.len = PAGES * PAGE;
	CHECK(!ioctl(fd, UFFDIO_REGISTER, &reg));
	CHECK(!pthread_create(&t, NULL, serve, NULL));
	verify_all(own, PAGES / 2, 5);
	p = map_data(0);
	verify_all(own, PAGES, 5);
	verify_all(p, DATA_PAGES, 0);
	CHECK(!madvise(own, PAGES * PAGE, MADV_DONTNEED));
	verify_all(own, PAGES, 5);
	verify_all(p, DATA_PAGES, 0);
	return 0;
}
