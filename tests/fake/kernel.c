/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/fake/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"
#include "tests/fake/actor.h"
#include "tests/fake/call.h"
#include "tests/fake/handle.h"
#include "tests/fake/memory.h"
#include "tests/fake/missing.h"

static bool loud;
static int relatives;

void kernel_start(void)
{
	memory_start();
}

void kernel_be_loud(void)
{
	loud = true;
}

bool kernel_says(const char *text, size_t len)
{
	return loud || memmem(text, len, "fatal:", 6);
}

void kernel_use(uint64_t bytes)
{
	actor_lock();
	handle_use(bytes);
	actor_unlock();
}

void kernel_relatives(int more)
{
	relatives += more;
}

bool kernel_has_relatives(void)
{
	return relatives > 0;
}

void kernel_fork_child(void)
{
	relatives = 1;
	call_fork_child();
	missing_fork_child();
	handle_fork_child();
}

/* The real one. */
long call_pass(const struct call *c)
{
	long ret = syscall(c->nr, c->a, c->b, c->c, c->d, c->e, c->f);

	return ret == -1 ? -errno : ret;
}

/* Asked before anything is done: an errno to say, or how to do it. */
long call_refuse(enum refusal_kind kind, int *how)
{
	const int way = refusal_now(kind);

	actor_pause();
	*how = way < 0 ? way : REFUSAL_NONE;
	return way > 0 ? -way : 0;
}

long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	const struct call call = { nr, a, b, c, d, e, f };
	long (*const groups[])(const struct call *c) = {
		call_thread, call_memory, call_file,
	};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		const long ret = groups[i](&call);

		if (ret != CALL_NOT_MINE)
			return ret;
	}
	fprintf(stderr, "# the fake kernel: call %ld is not known\n", nr);
	abort();
}
