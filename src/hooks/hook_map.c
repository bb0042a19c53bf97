/* SPDX-License-Identifier: MIT */
/*
 * Doors through which address space comes and goes.
 *
 * Only growth is reported; unmapping, moving and the like reach the engine
 * as events of the userfaultfd.  brk and sbrk go on to libc, which keeps the
 * break in a variable of its own.
 *
 * What takes a mapping away does it inside the gate (engine/gate.h).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sys.h"
#include "hooks/hooks.h"

static int (*next_brk)(void *addr);
static void *(*next_sbrk)(intptr_t increment);

void hook_map_init(void)
{
	next_brk = dlsym(RTLD_NEXT, "brk");
	next_sbrk = dlsym(RTLD_NEXT, "sbrk");
}

static inline uintptr_t caller_of(void *return_address)
{
	return (uintptr_t)__builtin_extract_return_addr(return_address);
}

static void *map(void *addr, size_t len, int prot, int flags, int fd,
		 off_t off, void *caller)
{
	const bool private = (flags & MAP_ANONYMOUS) && (flags & MAP_PRIVATE);
	unsigned pass = flags & MAP_FIXED ? gate_enter(&hooks_engine.gate)
					  : GATE_SLOTS;
	long ret;

	if (hooks_are_profiling() && (flags & MAP_FIXED))
		profile_unmap(&hooks_profile, (uintptr_t)addr, len);
	ret = sys_mmap((uintptr_t)addr, len, prot, flags, fd, off);
	gate_leave(&hooks_engine.gate, pass);
	hook_malloc_mapped(caller_of(caller));
	if ((flags & MAP_FIXED) && !sys_failed(ret))
		hooks_forget((uintptr_t)addr, len);
	if (private && (prot & PROT_WRITE) && !sys_failed(ret))
		hooks_grown(len);
	if (hooks_are_profiling() && private && !sys_failed(ret) &&
	    hook_malloc_samples(len, caller_of(caller)))
		hook_profile_add(UZSWAP_PROFILE_MMAP, (void *)ret, len);
	return (void *)hooks_result(ret);
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t off)
{
	return map(addr, len, prot, flags, fd, off,
		   __builtin_return_address(0));
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd,
		    off_t off)
{
	return map(addr, len, prot, flags, fd, off,
		   __builtin_return_address(0));
}

EXPORT int munmap(void *addr, size_t len)
{
	unsigned pass = gate_enter(&hooks_engine.gate);
	long ret;

	if (hooks_are_profiling())
		profile_unmap(&hooks_profile, (uintptr_t)addr, len);
	ret = sys_munmap((uintptr_t)addr, len);
	gate_leave(&hooks_engine.gate, pass);
	if (!ret) {
		hooks_forget((uintptr_t)addr, len);
		hooks_shrunk(len);
	}
	return (int)hooks_result(ret);
}

EXPORT void *mremap(void *addr, size_t old_len, size_t new_len, int flags,
		    ...)
{
	void *to = NULL;
	unsigned pass;
	long ret;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_list ap;

		va_start(ap, flags);
		to = va_arg(ap, void *);
		va_end(ap);
	}
	pass = gate_enter(&hooks_engine.gate);
	if (hooks_are_profiling())
		profile_unmap(&hooks_profile, (uintptr_t)addr, old_len);
	ret = hooks_remap((uintptr_t)addr, old_len, new_len, flags,
			  (uintptr_t)to);
	gate_leave(&hooks_engine.gate, pass);
	if (!sys_failed(ret) && !(flags & MREMAP_DONTUNMAP) && old_len)
		exempt_move(&hooks_engine.exempt, (uintptr_t)addr, old_len,
			    (uintptr_t)ret, new_len);
	if (!sys_failed(ret) && new_len > old_len)
		hooks_grown(new_len - old_len);
	if (hooks_are_profiling() && !sys_failed(ret) &&
	    hook_malloc_samples(new_len,
				caller_of(__builtin_return_address(0))))
		hook_profile_add(UZSWAP_PROFILE_MMAP, (void *)ret, new_len);
	return (void *)hooks_result(ret);
}

EXPORT int mprotect(void *addr, size_t len, int prot)
{
	long ret = sys_mprotect((uintptr_t)addr, len, prot);

	if (!ret && (prot & PROT_WRITE))
		hooks_grown(len);
	return (int)hooks_result(ret);
}

EXPORT int brk(void *addr)
{
	uintptr_t old = (uintptr_t)sys_brk(0);
	unsigned pass = gate_enter(&hooks_engine.gate);
	int ret = next_brk(addr);

	gate_leave(&hooks_engine.gate, pass);
	if (!ret && (uintptr_t)addr > old)
		hooks_grown((uintptr_t)addr - old);
	return ret;
}

EXPORT void *sbrk(intptr_t increment)
{
	unsigned pass = gate_enter(&hooks_engine.gate);
	void *ret = next_sbrk(increment);

	gate_leave(&hooks_engine.gate, pass);
	if (increment > 0 && ret != (void *)-1)
		hooks_grown((size_t)increment);
	return ret;
}
