/* SPDX-License-Identifier: MIT */
/*
 * Faults and events wait on the stack of who raised them, in lists.
 */
#include "tests/fake/missing.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/sys.h"
#include "tests/fake/actor.h"

#define UFFDS		6u
#define FEATURE_MOVE	((uint64_t)1 << 16)
#define FEATURES	(FEATURE_MOVE | UFFD_FEATURE_THREAD_ID |	\
			 UFFD_FEATURE_PAGEFAULT_FLAG_WP |		\
			 UFFD_FEATURE_EVENT_REMOVE |			\
			 UFFD_FEATURE_EVENT_UNMAP |			\
			 UFFD_FEATURE_EVENT_REMAP)

struct fault {
	uintptr_t addr;
	bool write;
	int who;
	bool read;
	bool woken;
	struct fault *next;
};

struct event {
	const struct uffd_msg *msg;
	bool read;
	struct event *next;
};

struct missing {
	bool open;
	uint64_t features;
	unsigned changing;	/* changes whose raisers have not run again */
	bool lied;		/* and who asks again meets such a change */
	struct fault *faults;	/* who waits for a page, oldest first */
	struct event *events;	/* not read yet, oldest first */
};

/* A run that COPY, ZEROPAGE or MOVE is asked for. */
struct run {
	struct missing *u;
	uint8_t nr;
	uintptr_t to;
	uintptr_t from;		/* 0: zeros */
	size_t len;
	bool move;
	bool holes;		/* are passed over */
	bool quiet;
	int how;
};

static struct missing all[UFFDS + 1];

/* --- who waits ------------------------------------------------------------ */

static void wake(struct missing *u, uintptr_t start, size_t len)
{
	for (struct fault *f = u->faults; f; f = f->next)
		if (f->addr - start < len)
			f->woken = true;
	actor_changed();
}

static bool fault_is_over(void *fault)
{
	return ((struct fault *)fault)->woken;
}

static void wait_for_page(struct missing *u, uintptr_t addr, bool write)
{
	struct fault f = { .addr = addr, .write = write, .who = actor_id() };
	struct fault **end = &u->faults;

	while (*end)
		end = &(*end)->next;
	*end = &f;
	actor_changed();
	actor_wait(fault_is_over, &f, ACTOR_NEVER, "a page");
	for (end = &u->faults; *end != &f; end = &(*end)->next)
		;
	*end = f.next;
}

struct memory_page *missing_touch(uintptr_t addr, bool write)
{
	for (;;) {
		struct memory_page *p = memory_page(addr);

		if (!p || !p->mapped)
			return NULL;
		if (!p->present && p->uffd) {
			wait_for_page(&all[p->uffd], addr & PAGE_MASK, write);
			continue;
		}
		if (!p->present)
			memory_fill(addr & PAGE_MASK, p, NULL);
		if (write)
			p->shared = false;
		return p;
	}
}

/* --- events --------------------------------------------------------------- */

bool missing_has_events(uint8_t nr)
{
	return nr && all[nr].features & UFFD_FEATURE_EVENT_UNMAP;
}

void missing_begin(uint8_t nr)
{
	all[nr].changing++;
}

struct event_wait {
	struct missing *u;
	struct event *e;
};

static bool event_is_over(void *wait)
{
	const struct event_wait *w = wait;

	return w->e->read || !w->u->open;
}

void missing_end(uint8_t nr, const struct uffd_msg *msg)
{
	struct missing *u = &all[nr];
	struct event e = { .msg = msg };
	struct event_wait w = { u, &e };
	struct event **end = &u->events;

	if (u->open) {
		while (*end)
			end = &(*end)->next;
		*end = &e;
		actor_changed();
		actor_wait(event_is_over, &w, ACTOR_NEVER,
			   "an event to be read");
	}
	u->changing--;
}

/* --- the descriptor ------------------------------------------------------- */

uint8_t missing_open(void)
{
	for (uint8_t nr = 1; nr <= UFFDS; nr++) {
		if (all[nr].open || all[nr].faults || all[nr].changing)
			continue;
		memset(&all[nr], 0, sizeof(all[nr]));
		all[nr].open = true;
		return nr;
	}
	return 0;
}

void missing_close(uint8_t nr)
{
	struct missing *u = &all[nr];

	u->open = false;
	u->events = NULL;
	memory_forget(nr);
	wake(u, 0, SIZE_MAX);
}

void missing_fork_child(void)
{
	memory_forget(0);
	memset(all, 0, sizeof(all));
}

bool missing_is_readable(uint8_t nr)
{
	for (const struct fault *f = all[nr].faults; f; f = f->next)
		if (!f->read && !f->woken)
			return true;
	return all[nr].events;
}

long missing_read(uint8_t nr, void *buf, size_t len)
{
	struct missing *u = &all[nr];
	struct uffd_msg *msg = buf;
	struct uffd_msg *end = msg + len / sizeof(*msg);

	for (struct fault *f = u->faults; f && msg < end; f = f->next) {
		if (f->read || f->woken)
			continue;
		f->read = true;
		*msg = (struct uffd_msg){ .event = UFFD_EVENT_PAGEFAULT };
		msg->arg.pagefault.address = f->addr;
		msg->arg.pagefault.flags = f->write
			? UFFD_PAGEFAULT_FLAG_WRITE : 0;
		msg->arg.pagefault.feat.ptid = (uint32_t)f->who;
		msg++;
	}
	while (u->events && msg < end) {
		*msg++ = *u->events->msg;
		u->events->read = true;
		u->events = u->events->next;
		actor_changed();
	}
	len = (size_t)((char *)msg - (char *)buf);
	return len ? (long)len : -EAGAIN;
}

/* --- COPY, ZEROPAGE, MOVE ------------------------------------------------- */

/* Is all of the destination one mapping of ours? */
static bool is_ours(const struct run *r)
{
	return memory_is_one(r->to, r->to + r->len) &&
	       memory_page(r->to)->uffd == r->nr;
}

static int check_source(const struct run *r)
{
	const struct memory_page *p = r->from ? memory_page(r->from) : NULL;

	if (!r->from)
		return 0;
	if (r->move)
		return p && (!memory_is_one(r->from, r->from + r->len) ||
			     p->locked) ? EINVAL : 0;
	if (p && !p->present && p->uffd) {
		fprintf(stderr, "# COPY from a page that is not there\n");
		abort();
	}
	/* the first page: that is all anybody asks for */
	return p || sys_is_readable(r->from) ? 0 : EFAULT;
}

/* One page; an errno if it can't be. */
static int put_page(const struct run *r, size_t at)
{
	struct memory_page *to = memory_page(r->to + at);
	struct memory_page *from = r->from ? memory_page(r->from + at) : NULL;

	if (to->present)
		return EEXIST;
	if (!r->move) {
		memory_fill(r->to + at, to,
			    r->from && (!from || from->present)
			    ? (void *)(r->from + at) : NULL);
		return 0;
	}
	if (from && !from->present)
		return r->holes ? 0 : ENOENT;
	if (from && (from->shared || from->pinned))
		return EBUSY;
	memory_fill(r->to + at, to, (void *)(r->from + at));
	if (from)
		memory_drop(r->from + at, from);
	return 0;
}

/*
 * After the first half some pages more are moved, as a kernel does that moves
 * several at a time, and the first of them is said to have been there.  Who
 * asks again may meet a change of the mappings.
 */
static int move_and_lie(const struct run *r, size_t at)
{
	const size_t some = (1 + actor_random(4)) * PAGE_SIZE;
	const size_t end = min_size(at + some, r->len);
	int err = put_page(r, at);

	if (err)
		return EAGAIN;
	while (!err && (at += PAGE_SIZE) < end)
		err = put_page(r, at);
	r->u->lied = actor_random(2);
	return EEXIST;
}

/* How far in *COUNT. */
static long put_run(struct run *r, int64_t *count)
{
	const size_t half = round_down(r->len / 2, PAGE_SIZE);
	const bool stops = r->how != REFUSAL_NONE;
	size_t at = 0;
	int err = 0;

	*count = 0;
	if (r->u->changing || r->u->lied) {
		r->u->lied = false;
		return -EAGAIN;
	}
	if (!r->move && !is_ours(r))
		return -ENOENT;
	err = check_source(r);
	if (!err && !is_ours(r))
		err = ENOENT;
	while (!err && at < r->len) {
		if (stops && at >= half && (at || r->how == REFUSAL_LIE))
			break;
		err = put_page(r, at);
		if (!err)
			at += PAGE_SIZE;
	}
	if (!err && at < r->len && r->how == REFUSAL_LIE && r->move)
		err = move_and_lie(r, at);
	else if (!err && at < r->len)
		err = EAGAIN;
	if (at && !r->quiet)
		wake(r->u, r->to, at);
	*count = (int64_t)at;
	if (!err)
		return 0;
	/* a part of it: the reason is for who asks again, if it lasts */
	return at ? -EAGAIN : -err;
}

struct move_arg {
	uint64_t dst, src, len, mode;
	int64_t move;
};

static long do_copy(struct run r, struct uffdio_copy *a)
{
	r.to = a->dst;
	r.from = a->src;
	r.len = a->len;
	r.quiet = a->mode & UFFDIO_COPY_MODE_DONTWAKE;
	return put_run(&r, (int64_t *)&a->copy);
}

static long do_zero(struct run r, struct uffdio_zeropage *a)
{
	r.to = a->range.start;
	r.len = a->range.len;
	return put_run(&r, (int64_t *)&a->zeropage);
}

static long do_move(struct run r, struct move_arg *a)
{
	r.to = a->dst;
	r.from = a->src;
	r.len = a->len;
	r.move = true;
	r.quiet = a->mode & 1;
	r.holes = a->mode & 2;
	return put_run(&r, &a->move);
}

/* --- registering ---------------------------------------------------------- */

struct registering {
	uint8_t nr;
	bool some;
	bool others;
};

static void look_at(uintptr_t addr UNUSED, struct memory_page *p, void *ctx)
{
	struct registering *r = ctx;

	r->some |= p->mapped;
	r->others |= p->mapped && p->uffd && p->uffd != r->nr;
}

static void set_uffd(uintptr_t addr, struct memory_page *p, void *ctx)
{
	if (p->mapped)
		memory_register(addr, p, *(uint8_t *)ctx);
}

static long do_register(uint8_t nr, const struct uffdio_register *a)
{
	const uintptr_t end = a->range.start + a->range.len;
	struct registering r = { .nr = nr };

	if (!memory_know(a->range.start, a->range.len))
		return -ENOMEM;
	memory_each(a->range.start, end, look_at, &r);
	if (!r.some)
		return -EINVAL;
	if (r.others)
		return -EBUSY;
	memory_each(a->range.start, end, set_uffd, &nr);
	return 0;
}

static long do_unregister(struct missing *u, const struct uffdio_range *a)
{
	uint8_t none = 0;

	memory_each(a->start, a->start + a->len, set_uffd, &none);
	wake(u, a->start, a->len);
	return 0;
}

static long do_api(struct missing *u, struct uffdio_api *a)
{
	if (a->features & ~FEATURES)
		return -EINVAL;
	u->features = a->features;
	a->features = FEATURES;
	return 0;
}

long missing_ioctl(uint8_t nr, unsigned long cmd, void *arg, int how)
{
	struct run r = { .u = &all[nr], .nr = nr, .how = how };
	const struct uffdio_range *range = arg;

	switch (cmd) {
	case UFFDIO_API:
		return do_api(&all[nr], arg);
	case UFFDIO_REGISTER:
		return do_register(nr, arg);
	case UFFDIO_UNREGISTER:
		return do_unregister(&all[nr], arg);
	case UFFDIO_WAKE:
		wake(&all[nr], range->start, range->len);
		return 0;
	case UFFDIO_COPY:
		return do_copy(r, arg);
	case UFFDIO_ZEROPAGE:
		return do_zero(r, arg);
	case _IOWR(UFFDIO, 0x05, struct move_arg):
		return do_move(r, arg);
	}
	return -EINVAL;
}
