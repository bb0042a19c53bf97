/* SPDX-License-Identifier: MIT */
#ifndef REAL_RESP_H
#define REAL_RESP_H
/*
 * resp.h - the part of the Redis protocol a test client needs, pipelined.
 *
 * Commands are collected by resp_command() and go out with resp_flush();
 * afterwards one resp_read() per command gives the replies in order.
 * A lost connection is reported once, by RESP_LOST.
 */
#include <stddef.h>
#include <stdint.h>

struct resp;

struct resp_reply {
	char type;		/* '+' '-' ':' '$', or 'n' for a null */
	const char *text;	/* until the next call; not terminated */
	size_t len;
};

enum resp_result {
	RESP_OK,
	RESP_LOST,
};

/* Connect to a unix socket, or to 127.0.0.1 if `where` is a number. */
struct resp *resp_open(const char *where);
void resp_close(struct resp *r);

/* Append one command of n arguments. */
void resp_command(struct resp *r, size_t n, const char *const *arg,
		  const size_t *len);

enum resp_result resp_flush(struct resp *r);
enum resp_result resp_read(struct resp *r, struct resp_reply *reply);

#endif
