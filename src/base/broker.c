/* SPDX-License-Identifier: MIT */
#include "base/broker.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/sys.h"

static int connect_to(const char *path)
{
	const struct timeval second = { .tv_sec = 1 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	long fd;
	long ret;

	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, len + 1);
	fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
	if (fd < 0)
		return (int)fd;
	/* also bounds connect(), where the broker is stopped */
	sys_setsockopt((int)fd, SO_SNDTIMEO, &second, sizeof(second));
	sys_setsockopt((int)fd, SO_RCVTIMEO, &second, sizeof(second));
	ret = sys_connect((int)fd, &addr, sizeof(addr));
	if (ret < 0) {
		sys_close((int)fd);
		return (int)ret;
	}
	return (int)fd;
}

static int receive(int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec bytes = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	long n = sys_recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	int device;

	if (n <= 0)
		return n ? (int)n : -EACCES;
	if (msg.msg_controllen < sizeof(struct cmsghdr) ||
	    control.head.cmsg_level != SOL_SOCKET ||
	    control.head.cmsg_type != SCM_RIGHTS ||
	    control.head.cmsg_len != CMSG_LEN(sizeof(device)))
		return -EPROTO;
	memcpy(&device, CMSG_DATA(&control.head), sizeof(device));
	return device;
}

int broker_ask(const char *path)
{
	int fd = connect_to(path);
	int device;

	if (fd < 0)
		return fd;
	device = receive(fd);
	sys_close(fd);
	return device;
}
