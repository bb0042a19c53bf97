/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server: see serve.h.
 *
 * libmicrohttpd runs in one thread of its own, where all answers are made;
 * the main thread waits for the signal that ends it.
 */
#define _GNU_SOURCE
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "units.h"

#define PASSED_FD	3	/* the first descriptor passed by systemd */
#define BACKLOG		16
#define MOST_CLIENTS	16u
#define IDLE_SECONDS	10u	/* then a client is hung up on */

struct server {
	const char *path;
	serve_answer *answer;
	void *arg;
};

/* The descriptor systemd has passed on, or -1. */
static int passed_socket(void)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *nr_text = getenv("LISTEN_FDS");
	uint64_t pid;
	uint64_t nr;

	if (!pid_text || !nr_text || units_parse_u64(&pid, pid_text) < 0 ||
	    units_parse_u64(&nr, nr_text) < 0 || pid != (uint64_t)getpid() ||
	    nr < 1)
		return -1;
	fcntl(PASSED_FD, F_SETFD, FD_CLOEXEC);
	return PASSED_FD;
}

static int fail(const char *where, int fd)
{
	zctl_error("%s: %s", where, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A socket file that nobody answers on is in the way, and goes. */
static void remove_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (lstat(addr->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

static int open_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd;
	int ret;

	if (strlen(path) >= sizeof(addr.sun_path) || !*path) {
		zctl_error("unix:%s: not a path of a socket", path);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	remove_stale(&addr);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(path, fd);
	mask = umask(0117);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret < 0 || listen(fd, BACKLOG) < 0)
		return fail(path, fd);
	return fd;
}

/* Split HOST:PORT at the last colon; brackets around HOST are taken off. */
static bool split_address(char *host, size_t len, const char **port,
			  const char *where)
{
	const char *colon = strrchr(where, ':');
	size_t n;

	if (!colon || !colon[1])
		return false;
	*port = colon + 1;
	n = (size_t)(colon - where);
	if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	} else if (memchr(where, ':', n)) {
		return false;	/* IPv6 without brackets: which colon? */
	}
	if (n >= len)
		return false;
	memcpy(host, where, n);
	host[n] = 0;
	return true;
}

static int open_tcp(const char *where)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char host[256];
	const char *port;
	int one = 1;
	int fd;
	int ret;

	if (!split_address(host, sizeof(host), &port, where)) {
		zctl_error("--listen=%s: not HOST:PORT or unix:PATH", where);
		return -1;
	}
	ret = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	if (ret) {
		zctl_error("--listen=%s: %s", where, gai_strerror(ret));
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0)
		fd = fail(where, fd);
	freeaddrinfo(found);
	return fd;
}

int serve_open(const char *where)
{
	int fd = passed_socket();

	if (fd >= 0)
		return fd;
	return strncmp(where, "unix:", 5) == 0 ? open_unix(where + 5)
					       : open_tcp(where);
}

static enum MHD_Result reply(struct MHD_Connection *connection,
			     unsigned status, const char *type, char *text,
			     size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, text,
						MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ret;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					"GET, HEAD");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection,
				  unsigned status, const char *text)
{
	char *copy = strdup(text);

	return copy ? reply(connection, status, "text/plain; charset=utf-8",
			    copy, strlen(copy)) : MHD_NO;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	static int seen;
	const struct server *server = arg;
	const char *accept;
	const char *type;
	size_t len;
	char *text;

	(void)version;
	(void)upload;
	if (!*state) {		/* only the head has been read */
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size) {	/* a body is read and forgotten */
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				  "GET and HEAD only\n");
	if (strcmp(url, "/") == 0)
		return reply_text(connection, MHD_HTTP_OK,
				  "zctl metrics: see /metrics\n");
	if (strcmp(url, server->path) != 0)
		return reply_text(connection, MHD_HTTP_NOT_FOUND,
				  "not found, see /metrics\n");
	accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_ACCEPT);
	text = server->answer(server->arg, accept ? accept : "", &type, &len);
	if (!text)
		return reply_text(connection,
				  MHD_HTTP_INTERNAL_SERVER_ERROR,
				  "cannot look at processes\n");
	return reply(connection, MHD_HTTP_OK, type, text, len);
}

enum zctl_status serve_run(int fd, const char *path, serve_answer *answer,
			   void *arg)
{
	struct server server = { path, answer, arg };
	struct MHD_Daemon *daemon;
	sigset_t ends;
	int number;

	/* before the thread starts, which inherits it */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
				  MHD_USE_AUTO, 0, NULL, NULL, handle,
				  &server,
				  MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_CONNECTION_LIMIT, MOST_CLIENTS,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				  MHD_OPTION_END);
	if (!daemon) {
		zctl_error("cannot serve: %s", strerror(errno));
		close(fd);
		return ZCTL_FAILED;
	}
	sigwait(&ends, &number);
	MHD_stop_daemon(daemon);
	return ZCTL_DONE;
}
