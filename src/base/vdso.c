/* SPDX-License-Identifier: MIT */
/*
 * A vDSO is an ELF image that is there already: dynamic section, symbols,
 * names.  It is the kernel's, but another's word all the same: every address
 * has to lie within the pages that are mapped, and what is found has to tell
 * the time that the system call does.
 */
#include "base/vdso.h"

#include <elf.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/proc.h"
#include "base/sys.h"

#define IMAGE_MOST	(64 * 1024u)	/* two pages as a rule */
#define SYMBOLS_MOST	256u
#define AUXV_MOST	64u

#if defined(__x86_64__)
#define CLOCK_NAME	"__vdso_clock_gettime"
#else
#define CLOCK_NAME	"__kernel_clock_gettime"
#endif

typedef int clock_fn(clockid_t which, struct timespec *ts);

static clock_fn *_Atomic clock_of_vdso;

static uint64_t ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
}

uint64_t sys_now_ns(void)
{
	clock_fn *fn = atomic_load_explicit(&clock_of_vdso,
					    memory_order_relaxed);
	struct timespec ts;

	if (unlikely(!fn) || fn(CLOCK_MONOTONIC, &ts))
		return sys_clock_ns(CLOCK_MONOTONIC);
	return ns_of(&ts);
}

/* Where the kernel has put it, or 0. */
static uintptr_t find_image(void)
{
	Elf64_auxv_t auxv[AUXV_MOST];
	const long n = proc_read("/proc/self/auxv", (char *)auxv,
				 sizeof(auxv));

	for (long i = 0; i < n / (long)sizeof(auxv[0]); i++)
		if (auxv[i].a_type == AT_SYSINFO_EHDR)
			return auxv[i].a_un.a_val;
	return 0;
}

struct image {
	uintptr_t start;
	uintptr_t end;
	uintptr_t bias;		/* what its addresses are relative to */
	const Elf64_Sym *symbols;
	const char *names;
	uint32_t nr;		/* of symbols */
};

static bool has(const struct image *im, uintptr_t at, size_t len)
{
	return at >= im->start && at <= im->end && len <= im->end - at;
}

/* The symbols are as many as there are in the chains of the hash table. */
static bool read_dynamic(struct image *im, uintptr_t at)
{
	for (; has(im, at, sizeof(Elf64_Dyn)); at += sizeof(Elf64_Dyn)) {
		const Elf64_Dyn *d = (const Elf64_Dyn *)at;
		uintptr_t value = d->d_un.d_ptr;

		if (value < im->start)
			value += im->bias;
		if (d->d_tag == DT_NULL)
			break;
		if (d->d_tag == DT_SYMTAB)
			im->symbols = (const Elf64_Sym *)value;
		else if (d->d_tag == DT_STRTAB)
			im->names = (const char *)value;
		else if (d->d_tag == DT_HASH &&
			 has(im, value, 2 * sizeof(uint32_t)))
			im->nr = ((const uint32_t *)value)[1];
	}
	return im->nr && im->nr <= SYMBOLS_MOST &&
	       has(im, (uintptr_t)im->symbols,
		   im->nr * sizeof(im->symbols[0])) &&
	       has(im, (uintptr_t)im->names, sizeof(CLOCK_NAME));
}

static bool read_headers(struct image *im)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)im->start;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(im->start + eh->e_phoff);
	uintptr_t dynamic = 0;

	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    !has(im, (uintptr_t)ph, eh->e_phnum * sizeof(*ph)))
		return false;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && !im->bias)
			im->bias = im->start + ph[i].p_offset - ph[i].p_vaddr;
		else if (ph[i].p_type == PT_DYNAMIC)
			dynamic = im->start + ph[i].p_offset;
	}
	return dynamic && read_dynamic(im, dynamic);
}

static clock_fn *find_clock(const struct image *im)
{
	for (uint32_t i = 0; i < im->nr; i++) {
		const Elf64_Sym *s = &im->symbols[i];
		const char *name = im->names + s->st_name;

		if (s->st_shndx != SHN_UNDEF &&
		    has(im, (uintptr_t)name, sizeof(CLOCK_NAME)) &&
		    !memcmp(name, CLOCK_NAME, sizeof(CLOCK_NAME)) &&
		    has(im, im->bias + s->st_value, 1))
			return (clock_fn *)(im->bias + s->st_value);
	}
	return NULL;
}

/* How much is mapped from START on. */
static size_t mapped(uintptr_t start)
{
	size_t len = 0;

	while (len < IMAGE_MOST && sys_is_readable(start + len))
		len += PAGE_SIZE;
	return len;
}

void vdso_start(void)
{
	struct image im = { .start = find_image() };
	struct timespec ts;
	clock_fn *fn;
	uint64_t before;

	im.end = im.start ? im.start + mapped(im.start) : 0;
	if (!has(&im, im.start, PAGE_SIZE) || !read_headers(&im))
		return;
	fn = find_clock(&im);
	before = sys_clock_ns(CLOCK_MONOTONIC);
	if (fn && !fn(CLOCK_MONOTONIC, &ts) && ns_of(&ts) >= before &&
	    ns_of(&ts) <= sys_clock_ns(CLOCK_MONOTONIC))
		atomic_store(&clock_of_vdso, fn);
}
