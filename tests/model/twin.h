/* SPDX-License-Identifier: MIT */
/*
 * Threads of a program on the fake kernel that know each byte of their memory:
 * a page is a seed, and what it holds follows from that.
 */
#ifndef UZ_TESTS_TWIN_H
#define UZ_TESTS_TWIN_H

#include <stdio.h>
#include <unistd.h>

#include "base/types.h"

struct engine;
struct twin;

/* Not an assertion: it ends the process whichever thread finds it. */
#define TWIN_CHECK(x)							\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "# %s:%d: %s\n", __FILE__,	\
				__LINE__, #x);				\
			_exit(1);					\
		}							\
	} while (0)

void twin_start(struct engine *e, uint64_t seed, unsigned steps, bool forks);
struct twin *twin_of(unsigned thread);

/* The life of a thread, and whether one is still alive. */
void twin_run(struct twin *t);
bool twin_is_busy(void);

/* Everything is as it should be. */
void twin_look_at_all(void);

#endif
