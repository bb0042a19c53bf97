/* SPDX-License-Identifier: MIT */
#include "tests/fake/program.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/actor.h"
#include "tests/fake/change.h"
#include "tests/fake/kernel.h"
#include "tests/fake/memory.h"
#include "tests/fake/missing.h"

static void enter(void)
{
	actor_pause();
	actor_lock();
}

bool program_read(uintptr_t addr, void *page)
{
	bool ok;

	enter();
	ok = missing_touch(addr, false);
	if (ok)
		memory_copy(page, (void *)addr, PAGE_SIZE);
	actor_unlock();
	return ok;
}

bool program_write(uintptr_t addr, const void *page)
{
	bool ok;

	enter();
	ok = missing_touch(addr, true);
	if (ok)
		memory_copy((void *)addr, page, PAGE_SIZE);
	actor_unlock();
	return ok;
}

void program_map(uintptr_t start, size_t nr)
{
	enter();
	change_map(start, start + nr * PAGE_SIZE);
	actor_unlock();
}

void program_unmap(uintptr_t start, size_t nr)
{
	enter();
	change_unmap(start, start + nr * PAGE_SIZE);
	actor_unlock();
}

bool program_dontneed(uintptr_t start, size_t nr)
{
	long ret;

	enter();
	ret = change_remove(start, start + nr * PAGE_SIZE);
	actor_unlock();
	return !ret;
}

bool program_remap(uintptr_t from, uintptr_t to, size_t nr, bool keep)
{
	long ret;

	enter();
	ret = change_remap(from, nr * PAGE_SIZE, to, keep, false);
	actor_unlock();
	return ret == (long)to;
}

void program_pin(uintptr_t addr, size_t nr, bool on)
{
	enter();
	for (size_t i = 0; i < nr; i++, addr += PAGE_SIZE) {
		struct memory_page *p = missing_touch(addr, true);

		if (p)
			p->pinned = on;
	}
	actor_unlock();
}

void program_lock(uintptr_t addr, size_t nr, bool on)
{
	enter();
	for (size_t i = 0; i < nr; i++)
		memory_page(addr + i * PAGE_SIZE)->locked = on;
	for (size_t i = 0; on && i < nr; i++)
		missing_touch(addr + i * PAGE_SIZE, true);
	actor_unlock();
}

static bool never(void *arg UNUSED)
{
	return false;
}

void program_think(uint64_t ns)
{
	const uint64_t until = actor_now() + ns;

	enter();
	actor_wait(never, NULL, until, "a thought");
	actor_unlock();
}

pid_t program_fork(void)
{
	pid_t pid;

	enter();
	fflush(NULL);
	memory_share();
	pid = fork();
	if (pid == 0) {
		actor_fork_child();
		kernel_fork_child();
	} else if (pid > 0) {
		kernel_relatives(1);
	}
	actor_unlock();
	return pid;
}

/* Others go on for a while, but how long must not be up to the child. */
int program_wait(pid_t child)
{
	int status = 0;
	pid_t got;

	program_think(actor_random(20 * NS_PER_MS));
	do {
		got = waitpid(child, &status, 0);
	} while (got < 0 && errno == EINTR);
	actor_lock();
	kernel_relatives(-1);
	actor_unlock();
	return got == child ? status : -1;
}
