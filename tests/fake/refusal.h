/* SPDX-License-Identifier: MIT */
/*
 * What the fake kernel refuses to the engine, though it could do it: the
 * n-th call of a kind, or calls at random.
 *
 * Context: any; a run begins with one of the two, if it wants any.
 */
#ifndef UZ_FAKE_REFUSAL_H
#define UZ_FAKE_REFUSAL_H

#include "base/types.h"

enum refusal_kind {
	REFUSE_COPY,
	REFUSE_MOVE,
	REFUSE_ZEROPAGE,
	REFUSE_REGISTER,
	REFUSE_UNREGISTER,
	REFUSE_API,
	REFUSE_USERFAULTFD,
	REFUSE_SCAN,
	REFUSE_READ_UFFD,
	REFUSE_READ,
	REFUSE_PREAD,
	REFUSE_OPEN,
	REFUSE_MMAP,
	REFUSE_MPROTECT,
	REFUSE_MADVISE,
	REFUSE_MREMAP,
	REFUSE_MINCORE,
	REFUSE_EPOLL_CREATE,
	REFUSE_EPOLL_ADD,
	REFUSE_EPOLL_WAIT,
	REFUSE_POLL,
	REFUSE_EVENTFD,
	REFUSE_FUTEX_WAIT,
	REFUSE_SLEEP,
	REFUSE_FILES,
	REFUSE_WRITEV,
	REFUSE_THREAD,
	REFUSE_OTHER,		/* priorities, processors, names */
	REFUSAL_KINDS
};

/* Other ways than an errno to do less than was asked for. */
#define REFUSAL_NONE	0
#define REFUSAL_PART	(-1)	/* half of it, then EAGAIN */
#define REFUSAL_LIE	(-2)	/* and some more, called EEXIST */
#define REFUSAL_TORN	(-3)	/* mremap: what was in the way is gone */

#define REFUSAL_ERRS	6

const char *refusal_name(enum refusal_kind kind);
/* The I-th way that KIND can fail; NONE: there are no more. */
int refusal_way(enum refusal_kind kind, unsigned i);

/* Of KIND the Nth call from now on fails by WAY. */
void refusal_nth(enum refusal_kind kind, unsigned n, int way);
/* One in ONE_IN calls fails, of those that may fail at any time; 0 none. */
void refusal_random(unsigned one_in);
/* Calls of KIND so far. */
unsigned refusal_calls(enum refusal_kind kind);

/* The kernel is asked for KIND: what to say.  Positive: an errno. */
int refusal_now(enum refusal_kind kind);

#endif
