/* SPDX-License-Identifier: MIT */
/*
 * Which threads go through their memory in order, and how much is given them
 * at once.  One message for each page is what makes paging slow: a thread
 * that reads or fills in order gets twice as many pages each time.
 *
 * A thread may go through several arrays side by side, so the last streams of
 * each are known.  All of that is a hint, racy on purpose, and shared by
 * threads whose numbers are equal modulo STREAMS.  Context: server.
 */
#ifndef UZ_ENGINE_STREAM_H
#define UZ_ENGINE_STREAM_H

#include <stdatomic.h>

#include "base/pagemap.h"
#include "base/types.h"
#include "base/uffd.h"

#define STREAMS		64u
#define STREAM_WAYS	4u	/* streams of a thread */
#define STREAM_MOST	64u	/* pages: 0.1 ms of restoring */
#define STREAM_LEAST	16u	/* window of a thread that only passes */
#define STREAM_GAP	CHUNK_SIZE /* resident meanwhile, still in order */

struct stream {
	_Atomic int32_t tid;
	_Atomic uint32_t used;		/* by the set's clock */
	_Atomic uint32_t window;	/* pages meant for it last time */
	_Atomic uintptr_t start;	/* of what it was given */
	_Atomic uintptr_t next;		/* the fault that would be in order */
};

struct stream_set {
	struct stream way[STREAM_WAYS];
	_Atomic uint32_t clock;
};

struct streams {
	struct stream_set all[STREAMS];
};

/*
 * The stream that the fault EV goes on with, also if it has met up to GAP
 * bytes that were there; or else the one used longest ago, for a new one.
 *
 * window   out: pages to give; doubled while the thread goes on in order, and
 *          as many as before if it was faster than what is still being brought
 */
struct stream *stream_find(struct streams *s, const struct uffd_event *ev,
			   size_t gap, size_t *window);

/* What S was given last, as far as EV shows it read by now. */
struct page_run stream_last(const struct stream *s,
			    const struct uffd_event *ev);

/* S is given NR of WINDOW pages from EV on: a chunk may end before. */
void stream_note(struct stream *s, const struct uffd_event *ev, size_t window,
		 size_t nr);

#endif
