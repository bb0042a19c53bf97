/* SPDX-License-Identifier: MIT */
/*
 * resp.c - the part of the Redis protocol a test client needs, pipelined.
 *
 * One blocking socket, one buffer each way.  The whole batch is written
 * before the first reply is read; the server keeps replies in its own memory
 * meanwhile, so batches are kept small by the caller (tens of commands).
 */
#include "resp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct buffer {
	char *data;
	size_t start;
	size_t end;
	size_t size;
};

struct resp {
	int fd;
	struct buffer out;
	struct buffer in;
};

static void need(struct buffer *b, size_t room)
{
	if (b->start == b->end)
		b->start = b->end = 0;
	if (b->size - b->end >= room)
		return;
	if (b->start > 0) {
		memmove(b->data, b->data + b->start, b->end - b->start);
		b->end -= b->start;
		b->start = 0;
	}
	while (b->size - b->end < room) {
		b->size = b->size ? b->size * 2 : 65536;
		b->data = realloc(b->data, b->size);
		if (!b->data) {
			perror("realloc");
			exit(99);
		}
	}
}

static int connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int connect_port(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int one = 1;
	int fd;

	a.sin_port = htons((uint16_t)atoi(port));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct resp *resp_open(const char *where)
{
	struct resp *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	if (where[strspn(where, "0123456789")] == '\0')
		r->fd = connect_port(where);
	else
		r->fd = connect_unix(where);
	if (r->fd < 0) {
		free(r);
		return NULL;
	}
	return r;
}

void resp_close(struct resp *r)
{
	close(r->fd);
	free(r->out.data);
	free(r->in.data);
	free(r);
}

void resp_command(struct resp *r, size_t n, const char *const *arg,
		  const size_t *len)
{
	size_t room = 32;

	for (size_t i = 0; i < n; i++)
		room += len[i] + 32;
	need(&r->out, room);
	r->out.end += (size_t)sprintf(r->out.data + r->out.end, "*%zu\r\n", n);
	for (size_t i = 0; i < n; i++) {
		char *p = r->out.data + r->out.end;
		size_t head = (size_t)sprintf(p, "$%zu\r\n", len[i]);

		memcpy(p + head, arg[i], len[i]);
		memcpy(p + head + len[i], "\r\n", 2);
		r->out.end += head + len[i] + 2;
	}
}

enum resp_result resp_flush(struct resp *r)
{
	while (r->out.start < r->out.end) {
		ssize_t n = send(r->fd, r->out.data + r->out.start,
				 r->out.end - r->out.start, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return RESP_LOST;
		r->out.start += (size_t)n;
	}
	r->out.start = r->out.end = 0;
	return RESP_OK;
}

static enum resp_result fill(struct resp *r, size_t room)
{
	ssize_t n;

	need(&r->in, room);
	do {
		n = recv(r->fd, r->in.data + r->in.end,
			 r->in.size - r->in.end, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return RESP_LOST;
	r->in.end += (size_t)n;
	return RESP_OK;
}

/* The next line without its end; `in.start` is moved behind it. */
static enum resp_result line(struct resp *r, const char **text, size_t *len)
{
	for (;;) {
		char *p = r->in.data + r->in.start;
		char *e = NULL;

		if (r->in.end > r->in.start)
			e = memchr(p, '\n', r->in.end - r->in.start);
		if (e && e > p) {
			*text = p;
			*len = (size_t)(e - p) - 1;
			r->in.start += *len + 2;
			return RESP_OK;
		}
		if (fill(r, 16384) != RESP_OK)
			return RESP_LOST;
	}
}

enum resp_result resp_read(struct resp *r, struct resp_reply *reply)
{
	const char *text;
	size_t len;
	long bulk;

	if (line(r, &text, &len) != RESP_OK || len < 1)
		return RESP_LOST;
	reply->type = text[0];
	reply->text = text + 1;
	reply->len = len - 1;
	if (reply->type != '$')
		return RESP_OK;
	bulk = strtol(text + 1, NULL, 10);
	if (bulk < 0) {
		reply->type = 'n';
		reply->len = 0;
		return RESP_OK;
	}
	len = (size_t)bulk + 2;
	while (r->in.end - r->in.start < len)
		if (fill(r, len) != RESP_OK)
			return RESP_LOST;
	reply->text = r->in.data + r->in.start;
	reply->len = (size_t)bulk;
	r->in.start += len;
	return RESP_OK;
}
