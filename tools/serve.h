/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server, by libmicrohttpd, for zctl metrics --listen.
 *
 * It answers GET and HEAD of one path with what a callback gives, one
 * request at a time, until SIGINT or SIGTERM.  There is no encryption and no
 * login: listen on loopback or a socket file, and let a proxy do the rest.
 */
#ifndef UZ_TOOLS_SERVE_H
#define UZ_TOOLS_SERVE_H

#include "zctl.h"

#define SERVE_DEFAULT	"127.0.0.1:9933"

/*
 * What to answer, given the header Accept (or "").
 *
 * type     out: Content-Type, static text
 * len      out: bytes
 *
 * Returns  the text, which will be freed; NULL: internal error
 */
typedef char *serve_answer(void *arg, const char *accept, const char **type,
			   size_t *len);

/*
 * Open a listening socket: HOST:PORT, [HOST]:PORT, :PORT, unix:PATH; or, when
 * systemd has passed one on, that one, whatever WHERE says.
 *
 * Returns  the descriptor, or -1 after complaining
 */
int serve_open(const char *where);

/* Serve PATH on the socket FD, which is closed. */
enum zctl_status serve_run(int fd, const char *path, serve_answer *answer,
			   void *arg);

#endif
