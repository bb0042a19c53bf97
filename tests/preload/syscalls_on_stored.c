/* SPDX-License-Identifier: MIT */
/*
 * The kernel reads from and writes to stored pages: read, write, readv, writev,
 * pread, pwrite on a file, a pipe and a socket, recvmsg with control data,
 * process_vm_readv, and structures of every day (stat, getrandom, times).  No
 * call may fail with EFAULT or come back short.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "pattern.h"

#define STEP	37	/* pages between the places tried */

static char *data;
static size_t at;

/* The next page that has not been touched for long. */
static char *old_page(size_t *n)
{
	at = (at + STEP) % (DATA_PAGES - 4);
	*n = at;
	return data + at * PAGE;
}

static void by_file(int fd)
{
	size_t n;
	char *p = old_page(&n);
	struct iovec v[2] = { { p, PAGE / 2 }, { p + PAGE / 2, PAGE / 2 } };
	size_t m;
	char *q;

	CHECK(pwrite(fd, p, PAGE, 0) == (ssize_t)PAGE);
	q = old_page(&m);
	CHECK(pread(fd, q, PAGE, 0) == (ssize_t)PAGE);
	verify(q, n);
	fill(q, m);
	CHECK(pwritev(fd, v, 2, 0) == (ssize_t)PAGE);
	q = old_page(&m);
	v[0].iov_base = q;
	v[1].iov_base = q + PAGE / 2;
	CHECK(preadv(fd, v, 2, 0) == (ssize_t)PAGE);
	verify(q, n);
	fill(q, m);
}

static void by_pair(int from, int to)
{
	size_t n, m;
	char *p = old_page(&n);
	char *q;

	CHECK(write(to, p, PAGE) == (ssize_t)PAGE);
	q = old_page(&m);
	CHECK(read(from, q, PAGE) == (ssize_t)PAGE);
	verify(q, n);
	fill(q, m);
}

static void by_message(const int pair[2])
{
	char control[64];
	size_t n, m, k;
	char *p = old_page(&n);
	char *q = old_page(&m);
	struct iovec v = { p, PAGE };
	struct msghdr *msg = (struct msghdr *)(void *)old_page(&k);

	*msg = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1 };
	CHECK(sendmsg(pair[0], msg, 0) == (ssize_t)PAGE);
	v.iov_base = q;
	msg->msg_control = control;
	msg->msg_controllen = sizeof(control);
	CHECK(recvmsg(pair[1], msg, 0) == (ssize_t)PAGE);
	verify(q, n);
	fill(q, m);
	fill(msg, k);
}

static void by_kernel(void)
{
	size_t n, m;
	char *p = old_page(&n);
	char page[PAGE];
	struct iovec local = { page, PAGE };
	struct iovec remote = { p, PAGE };
	struct stat *st;

	CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	      (ssize_t)PAGE);
	verify(page, n);
	st = (struct stat *)(void *)old_page(&m);
	CHECK(!stat("/", st) && S_ISDIR(st->st_mode));
	fill(st, m);
	p = old_page(&m);
	CHECK(getrandom(p, 256, 0) == 256);
	fill(p, m);
	CHECK(!access(strcpy(old_page(&m), "/"), F_OK));
	fill(data + m * PAGE, m);
}

int main(void)
{
	FILE *f = tmpfile();
	int pipes[2], pair[2];

	CHECK(f && !pipe(pipes));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	data = map_data(0);
	for (int i = 0; i < 1500; i++) {
		by_file(fileno(f));
		by_pair(pipes[0], pipes[1]);
		by_pair(pair[0], pair[1]);
		by_message(pair);
		by_kernel();
	}
	verify_all(data, DATA_PAGES, 0);
	return 0;
}
