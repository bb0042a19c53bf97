/* SPDX-License-Identifier: MIT */
/*
 * A text is made when it is opened, and anew when it is read from its
 * beginning.
 */
#include "tests/fake/handle.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/actor.h"
#include "tests/fake/kernel.h"
#include "tests/fake/missing.h"
#include "tests/fake/pagemap_fake.h"

#define FIRST_FD	512
#define HANDLES		64
#define WATCHED		8u
#define TEXT_LEN	(256 * KIB)
#define TOTAL		(64 * MIB)	/* of the machine */

struct handle {
	enum handle_kind kind;
	uint8_t uffd;
	bool raised;			/* EVENT */
	void (*make)(struct handle *h);	/* TEXT */
	char *text;
	size_t len;
	size_t at;
	struct {
		int fd;
		uint32_t number;
	} watched[WATCHED];		/* EPOLL; fd 0: none */
};

static struct handle all[HANDLES];
static uint64_t used;

void handle_use(uint64_t bytes)
{
	used = bytes;
}

/* --- texts ---------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void add(struct handle *h, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(h->text + h->len, TEXT_LEN - h->len, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= TEXT_LEN - h->len)
		abort();
	h->len += (size_t)n;
}

static void make_mappings(struct handle *h, bool details)
{
	uintptr_t at = memory_program();
	uintptr_t to;

	for (; at < memory_program_end(); at = to) {
		const struct memory_page *p = memory_page(at);

		to = memory_run_end(at, memory_program_end());
		if (!p->mapped)
			continue;
		add(h, "%lx-%lx rw-p 00000000 00:00 0 \n", at, to);
		if (details)
			add(h, "Rss: 0 kB\nVmFlags: rd wr mr mw me ac%s%s \n",
			    p->locked ? " lo" : "", p->secret ? " dd" : "");
	}
}

static void make_maps(struct handle *h)
{
	make_mappings(h, false);
}

static void make_smaps(struct handle *h)
{
	make_mappings(h, true);
}

static void make_statm(struct handle *h)
{
	const size_t pages = memory_present() + used / PAGE_SIZE;

	add(h, "999999 %zu 0 1 0 %u 0\n", pages, MEMORY_PROGRAM_PAGES);
}

static void make_meminfo(struct handle *h)
{
	add(h, "MemTotal: %zu kB\nMemFree: 1 kB\nMemAvailable: %zu kB\n",
	    TOTAL / KIB, TOTAL / KIB / 2);
}

static const struct {
	const char *name;
	void (*make)(struct handle *h);
} texts[] = {
	{ "/proc/meminfo", make_meminfo },
	{ "/proc/self/statm", make_statm },
	{ "/proc/thread-self/statm", make_statm },
	{ "/proc/self/maps", make_maps },
	{ "/proc/thread-self/maps", make_maps },
	{ "/proc/self/smaps", make_smaps },
	{ "/proc/thread-self/smaps", make_smaps },
};

static void make_text(struct handle *h)
{
	h->len = 0;
	h->make(h);
}

static size_t take_text(const struct handle *h, void *buf, size_t len,
			uint64_t from)
{
	if (from >= h->len)
		return 0;
	len = min_size(len, h->len - from);
	memory_copy(buf, h->text + from, len);
	return len;
}

/* --- opening and closing -------------------------------------------------- */

static struct handle *find(int fd)
{
	return fd >= FIRST_FD && fd < FIRST_FD + HANDLES
	       ? &all[fd - FIRST_FD] : NULL;
}

enum handle_kind handle_kind(int fd)
{
	const struct handle *h = find(fd);

	return h ? h->kind : HANDLE_NONE;
}

static struct handle *claim(enum handle_kind kind)
{
	for (struct handle *h = all; h < all + HANDLES; h++) {
		if (h->kind)
			continue;
		*h = (struct handle){ .kind = kind };
		return h;
	}
	fprintf(stderr, "# the fake kernel: descriptors are leaking\n");
	abort();
}

static long fd_of(const struct handle *h)
{
	return FIRST_FD + (h - all);
}

static long open_text(void (*make)(struct handle *h))
{
	struct handle *h = claim(HANDLE_TEXT);

	h->make = make;
	h->text = malloc(TEXT_LEN);
	if (!h->text)
		abort();
	make_text(h);
	return fd_of(h);
}

long handle_open(const char *path)
{
	if (!strcmp(path, "/dev/userfaultfd"))
		return fd_of(claim(HANDLE_DEVICE));
	if (!strcmp(path, "/proc/self/pagemap"))
		return fd_of(claim(HANDLE_PAGEMAP));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(path, texts[i].name))
			return open_text(texts[i].make);
	return -ENOENT;
}

long handle_open_uffd(void)
{
	const uint8_t nr = missing_open();
	struct handle *h;

	if (!nr)
		return -EMFILE;
	h = claim(HANDLE_UFFD);
	h->uffd = nr;
	return fd_of(h);
}

long handle_open_event(void)
{
	return fd_of(claim(HANDLE_EVENT));
}

long handle_open_epoll(void)
{
	return fd_of(claim(HANDLE_EPOLL));
}

long handle_close(int fd)
{
	struct handle *h = find(fd);

	if (!h || !h->kind)
		return -EBADF;
	if (h->kind == HANDLE_UFFD)
		missing_close(h->uffd);
	free(h->text);
	h->text = NULL;
	h->kind = HANDLE_NONE;
	return 0;
}

void handle_fork_child(void)
{
	for (int i = 0; i < HANDLES; i++) {
		free(all[i].text);
		all[i] = (struct handle){ 0 };
	}
}

/* --- reading and waiting -------------------------------------------------- */

long handle_read(int fd, void *buf, size_t len)
{
	struct handle *h = find(fd);

	if (h && h->kind == HANDLE_UFFD)
		return missing_read(h->uffd, buf, len);
	if (!h || h->kind != HANDLE_TEXT)
		return -EBADF;
	if (!h->at)
		make_text(h);
	len = take_text(h, buf, len, h->at);
	h->at += len;
	return (long)len;
}

long handle_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	struct handle *h = find(fd);

	if (h && h->kind == HANDLE_PAGEMAP)
		return pagemap_fake_read(buf, len, offset);
	if (!h || h->kind != HANDLE_TEXT)
		return -EBADF;
	if (!offset)
		make_text(h);
	return (long)take_text(h, buf, len, offset);
}

long handle_write(int fd, const void *buf UNUSED, size_t len)
{
	struct handle *h = find(fd);

	if (!h || h->kind != HANDLE_EVENT)
		return -EBADF;
	h->raised = true;
	actor_changed();
	return (long)len;
}

long handle_ioctl(int fd, unsigned long cmd, void *arg, int how)
{
	struct handle *h = find(fd);

	if (h && h->kind == HANDLE_UFFD)
		return missing_ioctl(h->uffd, cmd, arg, how);
	if (h && h->kind == HANDLE_PAGEMAP)
		return pagemap_fake_scan(cmd, arg);
	if (h && h->kind == HANDLE_DEVICE)
		return handle_open_uffd();
	return -EBADF;
}

static bool is_ready(int fd)
{
	const struct handle *h = find(fd);

	if (h && h->kind == HANDLE_UFFD)
		return missing_is_readable(h->uffd);
	return h && h->kind == HANDLE_EVENT && h->raised;
}

long handle_epoll_add(int epoll, int fd, uint32_t number)
{
	struct handle *h = find(epoll);

	for (unsigned i = 0; h && i < WATCHED; i++) {
		if (h->watched[i].fd)
			continue;
		h->watched[i].fd = fd;
		h->watched[i].number = number;
		return handle_kind(fd) ? 0 : -EBADF;
	}
	return -EBADF;
}

long handle_epoll_ready(int epoll)
{
	struct handle *h = find(epoll);

	for (unsigned i = 0; i < WATCHED; i++)
		if (h->watched[i].fd && is_ready(h->watched[i].fd))
			return h->watched[i].number;
	return -EAGAIN;
}

long handle_poll(struct pollfd *fds, unsigned nr)
{
	long ready = 0;

	for (unsigned i = 0; i < nr; i++) {
		/* what is logged goes there */
		const bool is = fds[i].fd == 2 || is_ready(fds[i].fd);

		fds[i].revents = is ? fds[i].events : 0;
		ready += is;
	}
	return ready;
}
