/* SPDX-License-Identifier: MIT */
/*
 * What acts on memory of which nothing is known is the engine's own business:
 * the real kernel does that.
 */
#define _GNU_SOURCE
#include "tests/fake/call.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/fake/actor.h"
#include "tests/fake/change.h"
#include "tests/fake/memory.h"
#include "tests/fake/missing.h"

static bool is_known(long addr)
{
	bool known;

	actor_lock();
	known = memory_page((uintptr_t)addr);
	actor_unlock();
	return known;
}

static long do_madvise(const struct call *c)
{
	const uintptr_t start = (uintptr_t)c->a;
	const uintptr_t end = start + round_up((size_t)c->b, PAGE_SIZE);
	long ret = 0;

	actor_lock();
	if (!memory_page(start))
		ret = call_pass(c);
	else if (c->c == MADV_DONTNEED)
		ret = change_remove(start, end);
	else if (c->c == 23 /* MADV_POPULATE_WRITE */)
		ret = change_populate(start, end);
	else if (c->c == 20 /* MADV_COLD */ && memory_page(start)->locked)
		ret = -EINVAL;
	actor_unlock();
	return ret;
}

static long do_mincore(const struct call *c)
{
	unsigned char *out = (unsigned char *)c->c;

	actor_lock();
	for (long i = 0; i < c->b; i += (long)PAGE_SIZE) {
		const struct memory_page *p =
			memory_page((uintptr_t)(c->a + i));

		out[(size_t)i / PAGE_SIZE] = !p || p->present;
	}
	actor_unlock();
	return 0;
}

static long do_mmap(const struct call *c)
{
	const uintptr_t start = (uintptr_t)c->a;
	struct call there = *c;
	long ret = c->a;

	if (!c->a)
		there.a = (long)MEMORY_PLACE_ENGINE;
	if (!is_known(c->a))
		return call_pass(&there);
	actor_lock();
	if ((c->d & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE &&
	    memory_page(start)->mapped)
		ret = -EEXIST;
	else
		ret = change_map(start, start + (size_t)c->b);
	actor_unlock();
	return ret;
}

static long do_mremap(const struct call *c, int how)
{
	long ret;

	actor_lock();
	ret = change_remap((uintptr_t)c->a, (size_t)c->b, (uintptr_t)c->e,
			   c->d & 4 /* MREMAP_DONTUNMAP */,
			   how == REFUSAL_TORN);
	actor_unlock();
	return ret;
}

/* Of this process: bytes to where they are stored, a fault if need be. */
static long do_process_vm(const struct call *c)
{
	const struct iovec *local = (const struct iovec *)c->b;
	const struct iovec *remote = (const struct iovec *)c->d;
	const bool write = c->nr == SYS_process_vm_writev;
	const uintptr_t addr = (uintptr_t)remote->iov_base;
	long ret = -EFAULT;

	actor_lock();
	if (missing_touch(addr, write)) {
		if (write)
			memory_copy((void *)addr, local->iov_base,
				    remote->iov_len);
		else
			memory_copy(local->iov_base, (void *)addr,
				    remote->iov_len);
		ret = (long)remote->iov_len;
	}
	actor_unlock();
	return ret;
}

/*
 * In memory that is known it changes nothing; but in a child that could not
 * register, the engine makes a page writable, writes to it, and undoes that.
 */
static long do_mprotect(const struct call *c)
{
	const uintptr_t addr = (uintptr_t)c->a;
	struct memory_page *p;
	long ret = 0;

	actor_lock();
	p = memory_page(addr);
	if (!p) {
		ret = call_pass(c);
	} else if (c->b == (long)PAGE_SIZE && p->mapped) {
		p->open = !p->open;
		missing_touch(addr, p->open);
		memory_open(addr, p->open);
	}
	actor_unlock();
	return ret;
}

long call_memory(const struct call *c)
{
	int how;
	long no;

	switch (c->nr) {
	case SYS_madvise:
		REFUSE(REFUSE_MADVISE);
		return do_madvise(c);
	case SYS_mincore:
		REFUSE(REFUSE_MINCORE);
		return do_mincore(c);
	case SYS_mmap:
		REFUSE(REFUSE_MMAP);
		return do_mmap(c);
	case SYS_mremap:
		no = call_refuse(REFUSE_MREMAP, &how);
		return no ? no : do_mremap(c, how);
	case SYS_munmap:
		return call_pass(c);
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		REFUSE(REFUSE_MPROTECT);
		return do_mprotect(c);
	case SYS_process_vm_readv:
	case SYS_process_vm_writev:
		REFUSE(REFUSE_WRITEV);
		return do_process_vm(c);
	case SYS_brk:
		return 16 * MIB;
	}
	return CALL_NOT_MINE;
}
