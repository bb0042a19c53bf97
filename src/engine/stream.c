/* SPDX-License-Identifier: MIT */
/*
 * A gap of what is resident is no end of a stream: half of a large array may
 * be there, in stretches.  At random, a fault is as near after one of the last
 * once in 250 times for each 2 GiB, and doubles a window of one page.
 */
#include "engine/stream.h"

#define GET(field)	atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, to)	atomic_store_explicit(&(field), to, \
					      memory_order_relaxed)

struct stream *stream_find(struct streams *streams,
			   const struct uffd_event *ev, size_t gap,
			   size_t *window)
{
	struct stream_set *set = &streams->all[(uint32_t)ev->tid % STREAMS];
	const uint32_t now = GET(set->clock) + 1;
	struct stream *oldest = &set->way[0];

	SET(set->clock, now);
	for (size_t i = 0; i < STREAM_WAYS; i++) {
		struct stream *s = &set->way[i];
		bool ours = GET(s->tid) == ev->tid;
		bool goes_on = ours && ev->addr - GET(s->next) <= gap;

		if (goes_on || (ours && ev->addr > GET(s->start) &&
				ev->addr < GET(s->next))) {
			SET(s->used, now);
			*window = min_size((size_t)GET(s->window) << goes_on,
					   STREAM_MOST);
			return s;
		}
		if (now - GET(s->used) > now - GET(oldest->used))
			oldest = s;
	}
	SET(oldest->tid, ev->tid);
	SET(oldest->used, now);
	stream_note(oldest, ev, 1, 0);
	*window = 1;
	return oldest;
}

struct page_run stream_last(const struct stream *s,
			    const struct uffd_event *ev)
{
	return (struct page_run){
		.start = GET(s->start),
		.end = min_size(GET(s->next), ev->addr),
	};
}

void stream_note(struct stream *s, const struct uffd_event *ev, size_t window,
		 size_t nr)
{
	SET(s->window, (uint32_t)max_size(window, 1));
	SET(s->start, ev->addr);
	SET(s->next, ev->addr + nr * PAGE_SIZE);
}
