/* SPDX-License-Identifier: MIT */
/*
 * System calls of the engine by groups: each does its own, and leaves others.
 * A call is first asked whether it is to be refused; then another actor may
 * come in between; then it is done as a whole, but for waiting.
 *
 * Context: actors, holding nothing.
 */
#ifndef UZ_FAKE_CALL_H
#define UZ_FAKE_CALL_H

#include "tests/fake/refusal.h"

struct call {
	long nr, a, b, c, d, e, f;
};

#define CALL_NOT_MINE	(-4096L)

long call_memory(const struct call *c);
long call_file(const struct call *c);
long call_thread(const struct call *c);

/* By the real kernel. */
long call_pass(const struct call *c);
/* Negative: it is refused so.  0: HOW to do it. */
long call_refuse(enum refusal_kind kind, int *how);

/* In the child of a fork: nobody else sleeps. */
void call_fork_child(void);

#define REFUSE(kind)							\
	do {								\
		int how_;						\
		const long no_ = call_refuse(kind, &how_);		\
									\
		if (no_)						\
			return no_;					\
	} while (0)

#endif
