/* SPDX-License-Identifier: MIT */
/*
 * mremap(): of a mapping that is one to the program and several to the
 * kernel, as parts of it are registered (engine/still.h).
 *
 * Those are moved one by one, as the kernel itself moves several since Linux
 * 6.17; before, and for all but moves to a fixed place still, it wants one.
 * Mappings that differ in more than that are left to the kernel's judgement.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "base/proc.h"
#include "base/sys.h"
#include "hooks/hooks.h"

/* So much never fits behind a mapping, whatever is there. */
#define TOO_MUCH	(((uintptr_t)1 << ADDR_BITS) - PAGE_SIZE)

#define BUF_LEN		2048

struct move {
	uintptr_t from;
	uintptr_t end;		/* of what is moved */
	uintptr_t to;
	size_t grows;		/* bytes more for the last */
	int flags;
};

/* Is it one mapping to the kernel?  It can't grow so far, but would say. */
static bool is_one(uintptr_t addr, size_t len)
{
	return sys_mremap(addr, len, TOO_MUCH, 0, 0) != -EFAULT;
}

static bool is_plain(const struct proc_map *m)
{
	return !m->shared && !m->inode;
}

/* Are these, without a gap, mappings of anonymous memory with equal rights? */
static bool are_alike(uintptr_t addr, uintptr_t end)
{
	struct proc_map first = { 0 };
	struct proc_maps maps;
	struct proc_map m;
	char buf[BUF_LEN];
	bool alike = true;

	if (proc_maps_open(&maps, buf, sizeof(buf)))
		return false;
	while (alike && addr < end && proc_maps_next(&maps, &m)) {
		if (m.end <= addr)
			continue;
		if (!first.end)
			first = m;
		alike = m.start <= addr && is_plain(&m) &&
			m.readable == first.readable &&
			m.writable == first.writable &&
			m.executable == first.executable;
		addr = m.end;
	}
	proc_maps_close(&maps);
	return alike && addr >= end;
}

static long move_one(const struct move *mv, const struct proc_map *m)
{
	uintptr_t start = m->start > mv->from ? m->start : mv->from;
	uintptr_t end = m->end < mv->end ? m->end : mv->end;
	size_t len = end - start;

	return sys_mremap(start, len, end == mv->end ? len + mv->grows : len,
			  mv->flags, mv->to + (start - mv->from));
}

/*
 * Each of the mappings in turn; the first error ends it.  DONE: what has been
 * moved by then, bytes.
 */
static long move_all(const struct move *mv, size_t *done)
{
	struct proc_maps maps;
	struct proc_map m;
	char buf[BUF_LEN];
	long ret = -EFAULT;

	*done = 0;
	if (proc_maps_open(&maps, buf, sizeof(buf)))
		return -EFAULT;
	while (proc_maps_next(&maps, &m) && m.start < mv->end) {
		if (m.end <= mv->from)
			continue;
		/* gaps are as good as anything, but not where it begins */
		ret = *done || m.start <= mv->from ? move_one(mv, &m) : -EFAULT;
		if (sys_failed(ret))
			break;
		*done = min_size(m.end, mv->end) - mv->from;
	}
	proc_maps_close(&maps);
	return sys_failed(ret) ? ret : (long)mv->to;
}

static void move_back(const struct move *mv, size_t done)
{
	const struct move back = {
		.from = mv->to,
		.end = mv->to + done,
		.to = mv->from,
		.flags = MREMAP_MAYMOVE | MREMAP_FIXED,
	};

	if (done)
		move_all(&back, &done);
}

/* Where nothing is, for LEN bytes. */
static long find_place(size_t len)
{
	return sys_mmap(0, len, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* The last of the mappings has to grow where it is. */
static long grow_in_place(uintptr_t addr, size_t old_len, size_t new_len)
{
	struct proc_map m = { 0 };
	struct proc_maps maps;
	char buf[BUF_LEN];
	uintptr_t end = addr + old_len;
	long ret = -EFAULT;

	if (proc_maps_open(&maps, buf, sizeof(buf)))
		return -EFAULT;
	while (proc_maps_next(&maps, &m) && m.end < end)
		;
	proc_maps_close(&maps);
	if (m.start < end && m.end == end)
		ret = sys_mremap(m.start, end - m.start,
				 end - m.start + new_len - old_len, 0, 0);
	return sys_failed(ret) ? ret : (long)addr;
}

static long remap_parts(uintptr_t addr, size_t old_len, size_t new_len,
			int flags, uintptr_t to)
{
	struct move mv = {
		.from = addr,
		.end = addr + min_size(old_len, new_len),
		.to = to,
		.grows = new_len > old_len ? new_len - old_len : 0,
		.flags = flags | MREMAP_FIXED,
	};
	size_t done;
	long ret;

	if (!(flags & MREMAP_MAYMOVE))
		return grow_in_place(addr, old_len, new_len);
	if (!(flags & MREMAP_FIXED)) {
		ret = find_place(new_len);
		if (sys_failed(ret))
			return ret;
		mv.to = (uintptr_t)ret;
	} else if (addr < to + new_len && to < addr + old_len) {
		return -EINVAL;
	}
	if (new_len < old_len)
		sys_munmap(addr + new_len, old_len - new_len);
	ret = move_all(&mv, &done);
	if (sys_failed(ret))
		move_back(&mv, done);
	if (sys_failed(ret) && !(flags & MREMAP_FIXED))
		sys_munmap(mv.to, new_len);
	return ret;
}

/* The steward holds still. */
static long remap(uintptr_t addr, size_t old_len, size_t new_len, int flags,
		  uintptr_t to)
{
	/* what the kernel does in parts, with an error in the middle */
	if ((flags & MREMAP_FIXED) && old_len == new_len &&
	    !is_one(addr, old_len))
		return remap_parts(addr, old_len, new_len, flags, to);

	long ret = sys_mremap(addr, old_len, new_len, flags, to);

	if (ret == -EFAULT && old_len && are_alike(addr, addr + old_len))
		ret = remap_parts(addr, old_len, new_len, flags, to);
	return ret;
}

long hooks_remap(uintptr_t addr, size_t old_len, size_t new_len, int flags,
		 uintptr_t to)
{
	struct still *still = &hooks_engine.still;
	uint64_t mask;
	long ret;

	if (atomic_load(&hooks.mode) != HOOKS_AWAKE)
		return sys_mremap(addr, old_len, new_len, flags, to);
	sys_sigprocmask_all(&mask);	/* no handler, which may jump away */
	still_begin(still);
	ret = remap(addr, round_up(old_len, PAGE_SIZE),
		    round_up(new_len, PAGE_SIZE), flags, to);
	still_end(still);
	sys_sigprocmask_set(mask);
	return ret;
}
