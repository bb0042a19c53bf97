/* SPDX-License-Identifier: MIT */
/*
 * The head of the robust list lies 0x2e0 behind the beginning of glibc's
 * struct pthread; half a page to either side covers any version's.  Threads
 * of our own have no such list.  Some microseconds per thread.
 */
#define _GNU_SOURCE
#include "engine/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "base/sys.h"
#include "base/text.h"
#include "engine/engine.h"

#define BEFORE		1024u
#define AFTER		(DESCRIPTOR_LEN - BEFORE)

/* By a call that survives an address of a thread that has just ended. */
static void have_resident(uintptr_t page)
{
	char byte;
	struct iovec local = { &byte, 1 };
	struct iovec remote = { (void *)page, 1 };

	sys_process_vm_readv((pid_t)sys_getpid(), &local, &remote);
}

static void pin_thread(struct engine *e, pid_t tid)
{
	uintptr_t head = sys_robust_list(tid);

	if (!head)
		return;
	pin_add(&e->cold.pins, head - BEFORE);
	pin_add(&e->cold.pins, head + AFTER - 1);
	have_resident((head - BEFORE) & PAGE_MASK);
	have_resident((head + AFTER - 1) & PAGE_MASK);
}

void descriptor_pin_all(struct engine *e)
{
	long fd = sys_open("/proc/self/task", O_RDONLY | O_DIRECTORY |
			   O_CLOEXEC, 0);
	_Alignas(uint64_t) char buf[2048];
	long len;

	if (fd < 0)
		return;
	while ((len = sys_getdents((int)fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < len;) {
			const struct dirent64 *d = (const void *)(buf + at);
			const char *name = d->d_name;

			at += d->d_reclen;
			if (*name >= '1' && *name <= '9')
				pin_thread(e, (pid_t)text_take_u64(&name));
		}
	}
	sys_close((int)fd);
}
