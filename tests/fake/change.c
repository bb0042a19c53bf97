/* SPDX-License-Identifier: MIT */
#include "tests/fake/change.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/actor.h"
#include "tests/fake/missing.h"

#define PIECES		256u
#define LINGER_IN	4u
#define LINGER_MOST_NS	NS_PER_MS

/* What has been unmapped, and is to be told. */
struct piece {
	uint8_t uffd;
	struct uffd_msg msg;
};

struct pieces {
	unsigned nr;
	struct piece all[PIECES];
};

static struct uffd_msg message(uint8_t event, uintptr_t start, uintptr_t end)
{
	struct uffd_msg msg = { .event = event };

	msg.arg.remove.start = start;
	msg.arg.remove.end = end;
	return msg;
}

static bool never(void *arg UNUSED)
{
	return false;
}

/* Whoever makes the change may lose its processor here. */
static void let_others(void)
{
	if (actor_random(LINGER_IN) == 0)
		actor_wait(never, NULL, actor_now() +
			   actor_random(LINGER_MOST_NS), "its processor");
	actor_unlock();
	actor_pause();
	actor_lock();
}

static void drop(uintptr_t addr, struct memory_page *p, void *ctx UNUSED)
{
	if (p->mapped)
		memory_drop(addr, p);
}

static void set_mapped(uintptr_t addr, struct memory_page *p, void *mapped)
{
	*p = (struct memory_page){
		.mapped = mapped != NULL, .used = p->used,
	};
	memory_drop(addr, p);
}

long change_remove(uintptr_t start, uintptr_t end)
{
	while (start < end) {
		const struct memory_page *p = memory_page(start);
		const uintptr_t to = memory_run_end(start, end);
		const uint8_t uffd = p->uffd;	/* it may be unregistered */

		if (!p->mapped)
			return -ENOMEM;
		if (p->locked)
			return -EINVAL;
		if (missing_has_events(uffd)) {
			const struct uffd_msg msg =
				message(UFFD_EVENT_REMOVE, start, to);

			missing_begin(uffd);
			let_others();
			missing_end(uffd, &msg);
			let_others();
		}
		memory_each(start, to, drop, NULL);
		start = to;
	}
	return 0;
}

/* Unmap [START, END); who is to be told of it later, in PIECES. */
static void take_away(struct pieces *pieces, uintptr_t start, uintptr_t end)
{
	const uintptr_t from = start;

	pieces->nr = 0;
	while (start < end) {
		const struct memory_page *p = memory_page(start);
		const uintptr_t to = memory_run_end(start, end);

		if (p && p->mapped && missing_has_events(p->uffd)) {
			if (pieces->nr == PIECES)
				abort();
			pieces->all[pieces->nr++] = (struct piece){
				p->uffd,
				message(UFFD_EVENT_UNMAP, start, to),
			};
			missing_begin(p->uffd);
		}
		start = to;
	}
	memory_each(from, end, set_mapped, NULL);
}

static void tell(struct pieces *pieces)
{
	for (unsigned i = 0; i < pieces->nr; i++) {
		let_others();
		missing_end(pieces->all[i].uffd, &pieces->all[i].msg);
	}
}

long change_unmap(uintptr_t start, uintptr_t end)
{
	struct pieces pieces;

	take_away(&pieces, start, end);
	tell(&pieces);
	return 0;
}

long change_map(uintptr_t start, uintptr_t end)
{
	struct pieces pieces;

	take_away(&pieces, start, end);
	memory_each(start, end, set_mapped, &pieces);
	tell(&pieces);
	return (long)start;
}

static void move_page(uintptr_t from, uintptr_t to, bool keep, uint32_t as)
{
	struct memory_page *f = memory_page(from);
	struct memory_page *t = memory_page(to);

	if (f->present)
		memory_fill(to, t, (void *)from);
	t->mapped = true;
	t->mapping = as;
	t->shared = f->shared;
	t->pinned = f->pinned;
	t->secret = f->secret;
	t->uffd = missing_has_events(f->uffd) ? f->uffd : 0;
	memory_drop(from, f);
	f->pinned = false;
	if (keep)
		return;
	*f = (struct memory_page){ .used = true };
	memory_drop(from, f);
}

long change_remap(uintptr_t from, size_t len, uintptr_t to, bool keep,
		  bool torn)
{
	static uint32_t mappings;
	struct pieces pieces;
	struct uffd_msg msg = { .event = UFFD_EVENT_REMAP };
	uint8_t uffd;

	if (!memory_is_one(from, from + len) || !memory_page(to) ||
	    !memory_page(to + len - PAGE_SIZE))
		return -EFAULT;
	uffd = memory_page(from)->uffd;
	if (keep && memory_page(from)->locked)
		return -EINVAL;
	take_away(&pieces, to, to + len);
	if (!torn) {
		mappings++;
		for (size_t i = 0; i < len; i += PAGE_SIZE)
			move_page(from + i, to + i, keep, mappings);
	}
	if (!torn && missing_has_events(uffd))
		missing_begin(uffd);
	tell(&pieces);
	if (torn)
		return -ENOMEM;
	if (missing_has_events(uffd)) {
		msg.arg.remap.from = from;
		msg.arg.remap.to = to;
		msg.arg.remap.len = len;
		let_others();
		missing_end(uffd, &msg);
	}
	return (long)to;
}

long change_populate(uintptr_t start, uintptr_t end)
{
	for (; start < end; start += PAGE_SIZE)
		if (!missing_touch(start, true))
			return -ENOMEM;
	return 0;
}
