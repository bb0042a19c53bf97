/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the fake kernel: userfaultfds and what they are waited for
 * by, and the files of /proc that the engine reads.  There are no others.
 *
 * Context: actor_lock().
 */
#ifndef UZ_FAKE_HANDLE_H
#define UZ_FAKE_HANDLE_H

#include "base/types.h"

struct pollfd;

enum handle_kind {
	HANDLE_NONE,
	HANDLE_UFFD,
	HANDLE_DEVICE,		/* /dev/userfaultfd */
	HANDLE_PAGEMAP,
	HANDLE_TEXT,
	HANDLE_EVENT,
	HANDLE_EPOLL,
};

enum handle_kind handle_kind(int fd);

long handle_open(const char *path);
long handle_open_uffd(void);
long handle_open_event(void);
long handle_open_epoll(void);
long handle_close(int fd);
void handle_fork_child(void);

long handle_read(int fd, void *buf, size_t len);
long handle_pread(int fd, void *buf, size_t len, uint64_t offset);
long handle_write(int fd, const void *buf, size_t len);
long handle_ioctl(int fd, unsigned long cmd, void *arg, int how);
long handle_epoll_add(int epoll, int fd, uint32_t number);
/* One number that is ready; -EAGAIN. */
long handle_epoll_ready(int epoll);
/* How many are ready. */
long handle_poll(struct pollfd *fds, unsigned nr);

/* Bytes used besides what is known of. */
void handle_use(uint64_t bytes);

#endif
