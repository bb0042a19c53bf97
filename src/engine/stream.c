/* SPDX-License-Identifier: MIT */
/*
 * A gap of what is resident is no end of a stream: half of a large array may
 * be there, in stretches.  At random, a fault is as near after the last one
 * once in a thousand times for each 2 GiB, and doubles a window of one page.
 */
#include "engine/stream.h"

static struct stream *of(struct streams *s, int32_t tid)
{
	return &s->all[(uint32_t)tid % STREAMS];
}

size_t stream_window(struct streams *streams, const struct uffd_event *ev,
		     size_t gap)
{
	struct stream *s = of(streams, ev->tid);
	uintptr_t next = atomic_load_explicit(&s->next, memory_order_relaxed);
	size_t n = 1;

	if (atomic_load_explicit(&s->tid, memory_order_relaxed) == ev->tid &&
	    ev->addr - next <= gap)
		n = 2 * (size_t)atomic_load_explicit(&s->window,
						     memory_order_relaxed);
	return n < STREAM_MOST ? max_size(n, 1) : STREAM_MOST;
}

struct page_run stream_last(struct streams *streams,
			    const struct uffd_event *ev)
{
	struct stream *s = of(streams, ev->tid);
	struct page_run last = { 0 };

	last.end = atomic_load_explicit(&s->next, memory_order_relaxed);
	last.start = last.end - PAGE_SIZE *
		atomic_load_explicit(&s->window, memory_order_relaxed);
	return last;
}

void stream_note(struct streams *streams, const struct uffd_event *ev,
		 size_t nr)
{
	struct stream *s = of(streams, ev->tid);

	atomic_store_explicit(&s->tid, ev->tid, memory_order_relaxed);
	atomic_store_explicit(&s->window, (uint32_t)nr, memory_order_relaxed);
	atomic_store_explicit(&s->next, ev->addr + nr * PAGE_SIZE,
			      memory_order_relaxed);
}
