/* SPDX-License-Identifier: MIT */
/*
 * What parent and child own after a fork.
 *
 * The kernel gives the child a copy of all memory - the program's, the
 * pool, the page words - but no registration, no userfaultfd and none of
 * our threads.  So, before any code of the program runs in the child, it
 * opens its own userfaultfd, registers everything again and starts threads.
 * What it cannot register (no permission) it restores at once: the child
 * reads what the parent wrote, in every case.
 *
 * The copy is taken page by page while the parent's other threads run.  For
 * it to be consistent the books must not change meanwhile: from prepare to
 * parent the engine is in SNAPSHOT mode.  Nothing leaves; faults on stored
 * pages are answered with a copy, but the page's word and object stay as
 * they are, and the page is noted in a journal, to be settled afterwards.
 * Events are kept and applied afterwards too; what they do to a page that
 * is asked for in the meantime, fork_origin() says.
 *
 * The child finds such pages by asking the kernel which stored pages are
 * present, and drops their objects.
 */
#ifndef UZ_ENGINE_FORK_H
#define UZ_ENGINE_FORK_H

#include <stdatomic.h>

#include "base/types.h"
#include "base/uffd.h"
#include "engine/fork_list.h"

struct engine;
struct helper;

/* A page that was put back during a fork. */
struct fork_entry {
	uintptr_t addr;		/* there it is */
	uintptr_t origin;	/* there the books have it (fork_origin) */
};

struct fork_state {
	_Atomic uint32_t users;		/* forks going on */
	_Atomic uint32_t snapshot;	/* 1: the books must not change */
	_Atomic uint32_t busy;		/* evictors at work; futex */
	struct fork_list journal;	/* of struct fork_entry */
	struct fork_list events;	/* of struct uffd_event; exclusive */
	_Atomic uint32_t shares;	/* memory is shared with a relative */
	_Atomic uint64_t shared_ns;	/* since then */
	_Atomic bool brief;		/* not for long, the last time */
	_Atomic uint32_t *probe;	/* written before each fork only */
};

MUST_USE int fork_init(struct engine *e);

/*
 * Before a fork, in the program's thread: have memory evicted, as after it
 * nothing that is shared can leave.  Returns when there is room for two, and
 * within a second.  Context: app.
 */
void fork_make_room(struct engine *e);

/*
 * Around fork(), in the program's thread.  Context: app / child.
 *
 * fork_hold and fork_release count the forks going on, also while the engine
 * is asleep or starting: nothing leaves meanwhile, even if another thread
 * wakes it just now.  Between them, fork_prepare if the engine is up.
 */
void fork_hold(struct engine *e);
void fork_release(struct engine *e);
void fork_prepare(struct engine *e);
void fork_parent(struct engine *e);
void fork_child(struct engine *e);

/* After the last fork: settle journal and events.  Context: steward. */
void fork_settle(struct helper *h);

/*
 * In both parent and child: does the other one still share our memory?  As
 * long as it does, changing the pool, or packing what was on probation at the
 * fork, takes memory instead of freeing any: so the one is left alone as far
 * as possible, and the other waits.  For some minutes at most: then the two
 * live on as separate programs.  Context: steward.
 */
void fork_check_shared(struct helper *h);

/*
 * In the child, first: what was put back and what was unmapped or moved while
 * the copy was taken.  Context: steward.
 */
void fork_settle_kept(struct helper *h);

/*
 * In the child, before its servers run; WHOLE: all regions are registered.
 * Context: steward.
 */
void fork_settle_child(struct helper *h, bool whole);

/* In a child that cannot register: put every page back by hand. */
void fork_restore_all(struct helper *h);

static inline bool fork_is_snapshot(const struct fork_state *f)
{
	/* not relaxed: who has just begun a section must see it */
	return atomic_load(&f->snapshot);
}

/*
 * Bracket work that changes the books outside of sections; false: not now.
 * Context: evictors, and servers in direct reclaim.
 */
bool fork_work_begin(struct fork_state *f);
void fork_work_end(struct fork_state *f);

/*
 * Have room for what all servers do until they come here again.  False: there
 * is none, don't read events now.  Exclusive.
 */
bool fork_has_space(struct engine *e);

/*
 * The page at ADDR, which the books have at ORIGIN, is being put back; false:
 * it cannot be now.  In a section.
 */
bool fork_note_page(struct fork_state *f, uintptr_t addr, uintptr_t origin);

/* Keep EV for later: true if it was kept.  Exclusive. */
bool fork_keep_event(struct fork_state *f, const struct uffd_event *ev);

/*
 * Where the books have the page at ADDR, which do not know of the kept events
 * yet; 0: nowhere, since its content is gone.  A fault there must not wait for
 * the end of the fork: that may wait for a lock of libc which the faulting
 * thread holds.  In a section.
 */
uintptr_t fork_origin(const struct fork_state *f, uintptr_t addr);

#endif
