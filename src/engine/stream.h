/* SPDX-License-Identifier: MIT */
/*
 * Which threads go through their memory in order, and how much is given them
 * at once.  One message for each page is what makes paging slow: a thread
 * that reads or fills in order gets twice as many pages each time.
 *
 * What is known of a thread is a hint, racy on purpose, and shared by those
 * whose numbers are equal modulo STREAMS.  Context: server.
 */
#ifndef UZ_ENGINE_STREAM_H
#define UZ_ENGINE_STREAM_H

#include <stdatomic.h>

#include "base/pagemap.h"
#include "base/types.h"
#include "base/uffd.h"

#define STREAMS		64u
#define STREAM_MOST	64u	/* pages: 0.1 ms of restoring */
#define STREAM_LEAST	16u	/* window of a thread that only passes */
#define STREAM_GAP	CHUNK_SIZE /* resident meanwhile, still in order */

struct stream {
	_Atomic int32_t tid;
	_Atomic uint32_t window;	/* pages given last time */
	_Atomic uintptr_t next;		/* the fault that would be in order */
};

struct streams {
	struct stream all[STREAMS];
};

/*
 * Pages to give for the fault EV: doubled while the thread goes on in order,
 * also if it has met up to GAP bytes that were there.
 */
size_t stream_window(struct streams *s, const struct uffd_event *ev,
		     size_t gap);

/* What the thread was given last, and has read to the end by now. */
struct page_run stream_last(struct streams *s, const struct uffd_event *ev);

/* It was given NR pages from EV on. */
void stream_note(struct streams *s, const struct uffd_event *ev, size_t nr);

#endif
