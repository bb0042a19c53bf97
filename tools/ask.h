/* SPDX-License-Identifier: MIT */
/*
 * Ask a process under uzswap for something, through its control page
 * (include/uzswap/ctl.h).
 *
 * The page belongs to a process that may be broken or mean, or not be what
 * it seems: it is mapped only if the kernel vouches for its length (seals, a
 * memfd of ordinary pages), nothing in it is used but the copy of an answer,
 * and no wait is without end.  When we give up, the request is taken back, so
 * that a process continued an hour later does not do it then.
 */
#ifndef UZ_TOOLS_ASK_H
#define UZ_TOOLS_ASK_H

#include <uzswap/ctl.h>

#include "client.h"

#define ASK_TIMEOUT_NS	2000000000ull	/* the steward looks once a second */

/* What came back, or how far it is; brought into its bounds. */
struct ask_answer {
	int err;			/* 0 or -errno */
	uint64_t done;			/* bytes; <= total if that is known */
	uint64_t total;			/* 0 unknown */
	uint64_t numbers[UZSWAP_CTL_NUMBERS];	/* <= INT64_MAX */
	char text[UZSWAP_CTL_REASON];	/* clean */
};

struct ask {
	enum uzswap_ctl_kind kind;
	uint64_t args[UZSWAP_CTL_ARGS];
	const char *text;		/* text_len bytes, or NULL */
	size_t text_len;
	uint64_t timeout_ns;		/* without a sign of life; 0 as above */
	uint64_t work_ns;		/* give up then; 0 never */
	/* Called now and then while it works; may be NULL. */
	void (*progress)(void *ctx, const struct ask_answer *so_far);
	void *ctx;
};

/*
 * Ask CLIENT, and wait for the answer.
 *
 * why      out: what went wrong, in words, for people
 *
 * Returns  0           it answered: out->err says what
 *          -ESRCH      it has ended
 *          -EACCES     we may look, but not ask
 *          -ENOTCONN   there is nobody to answer: dormant, a child, gone
 *          -EBADMSG    no control page that can be used
 *          -EBUSY      somebody else is asking
 *          -ETIMEDOUT  no answer: stopped, frozen, or too busy
 */
MUST_USE int ask(const struct client *client, const struct ask *ask,
		 struct ask_answer *out, char *why, size_t why_len);

/* The same, complaining; ZCTL_DONE: there is an answer. */
MUST_USE enum zctl_status ask_for(const struct client *client,
				  const struct ask *ask,
				  struct ask_answer *out);

/*
 * From now on SIGINT and SIGTERM mean to give up what was asked for, once;
 * the second one ends zctl.
 */
void ask_catch_signals(void);

/* Bring the answer in the page into its bounds. */
void ask_take_answer(struct ask_answer *out,
		     const struct uzswap_ctl_answer *page);

#endif
