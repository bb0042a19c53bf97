/* SPDX-License-Identifier: MIT */
/* Each side raises its flag and then looks at the other's. */
#include "engine/still.h"

#include "base/thread.h"
#include "base/sys.h"

#define POLL_NS	NS_PER_MS	/* a wake-up may have been missed */

void still_begin(struct still *s)
{
	for (;;) {
		atomic_fetch_add(&s->moving, 1);
		if (!atomic_load(&s->changing))
			return;
		atomic_fetch_sub(&s->moving, 1);
		thread_wait(&s->changing, 1, POLL_NS);
	}
}

void still_end(struct still *s)
{
	atomic_fetch_sub(&s->moving, 1);
}

bool still_change(struct still *s)
{
	atomic_store(&s->changing, 1);
	if (!atomic_load(&s->moving))
		return true;
	still_changed(s);
	return false;
}

void still_changed(struct still *s)
{
	atomic_store(&s->changing, 0);
	sys_futex_wake(&s->changing, 1 << 16);
}

void still_fork_child(struct still *s)
{
	atomic_store(&s->moving, 0);
	atomic_store(&s->changing, 0);
}
