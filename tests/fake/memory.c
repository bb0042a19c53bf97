/* SPDX-License-Identifier: MIT */
/*
 * A few stretches, each with an array of its pages; the first is the
 * program's.
 */
#include "tests/fake/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)	((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len)	((void)(at), (void)(len))
#endif

#define STRETCHES	32u
#define RUBBISH		0xdbdbdbdbdbdbdbdbu

#define KERNEL __attribute__((noinline, no_sanitize("address", "thread")))

struct stretch {
	uintptr_t start;
	size_t nr;
	struct memory_page *pages;
};

static struct stretch all[STRETCHES];
static unsigned nr_stretches;

/* volatile: not to become memcpy(), which sanitizers look at */
KERNEL void memory_copy(void *to, const void *from, size_t len)
{
	volatile char *t = to;
	const volatile char *f = from;
	size_t i = 0;

	if (!(((uintptr_t)to | (uintptr_t)from) & 7))
		for (; i + 8 <= len; i += 8)
			*(volatile uint64_t *)(t + i) =
				*(const volatile uint64_t *)(f + i);
	for (; i < len; i++)
		t[i] = f[i];
}

KERNEL static void set_words(uintptr_t addr, uint64_t word)
{
	volatile uint64_t *at = (uint64_t *)addr;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*at); i++)
		at[i] = word;
}

static bool is_program(uintptr_t addr)
{
	return addr - all[0].start < all[0].nr * PAGE_SIZE;
}

static struct stretch *add_stretch(uintptr_t start, size_t len)
{
	struct stretch *s = &all[nr_stretches];

	if (nr_stretches == STRETCHES)
		return NULL;
	s->start = start;
	s->nr = len / PAGE_SIZE;
	s->pages = calloc(s->nr, sizeof(*s->pages));
	if (!s->pages)
		return NULL;
	nr_stretches++;
	return s;
}

void memory_start(void)
{
	const size_t len = MEMORY_PROGRAM_PAGES * PAGE_SIZE;
	char *p = mmap((void *)MEMORY_PLACE, len + CHUNK_SIZE,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	/* it goes over the end of a chunk, some pages behind its beginning */
	if (p == MAP_FAILED ||
	    !add_stretch(round_up((size_t)p, CHUNK_SIZE) + 5 * PAGE_SIZE, len))
		abort();
	ASAN_POISON_MEMORY_REGION((void *)all[0].start, len);
}

uintptr_t memory_program(void)
{
	return all[0].start;
}

struct memory_page *memory_page(uintptr_t addr)
{
	for (unsigned i = 0; i < nr_stretches; i++) {
		const size_t at = (addr - all[i].start) / PAGE_SIZE;

		if (at < all[i].nr)
			return &all[i].pages[at];
	}
	return NULL;
}

bool memory_know(uintptr_t start, size_t len)
{
	struct stretch *s;

	if (memory_page(start))
		return true;
	s = add_stretch(start, len);
	/* some of it may only be address space yet */
	if (!s || mprotect((void *)start, len, PROT_READ | PROT_WRITE))
		return false;
	for (size_t i = 0; i < s->nr; i++) {
		s->pages[i].mapped = true;
		memory_drop(start + i * PAGE_SIZE, &s->pages[i]);
	}
	return true;
}

void memory_each(uintptr_t start, uintptr_t end,
		 void (*fn)(uintptr_t addr, struct memory_page *p, void *ctx),
		 void *ctx)
{
	for (; start < end; start += PAGE_SIZE) {
		struct memory_page *p = memory_page(start);

		if (p)
			fn(start, p, ctx);
	}
}

static bool are_one(const struct memory_page *a, const struct memory_page *b)
{
	return a->mapped && b->mapped && a->uffd == b->uffd &&
	       a->mapping == b->mapping && a->locked == b->locked &&
	       a->secret == b->secret;
}

uintptr_t memory_run_end(uintptr_t addr, uintptr_t end)
{
	const struct memory_page *first = memory_page(addr);
	const struct memory_page *p;

	for (addr += PAGE_SIZE; addr < end; addr += PAGE_SIZE) {
		p = memory_page(addr);
		if (!first || !p || !are_one(first, p))
			break;
	}
	return addr;
}

bool memory_is_one(uintptr_t start, uintptr_t end)
{
	const struct memory_page *p = memory_page(start);

	return p && p->mapped && memory_run_end(start, end) >= end;
}

void memory_fill(uintptr_t addr, struct memory_page *p, const void *from)
{
	if (!is_program(addr))
		ASAN_UNPOISON_MEMORY_REGION((void *)addr, PAGE_SIZE);
	if (from)
		memory_copy((void *)addr, from, PAGE_SIZE);
	else
		set_words(addr, 0);
	p->present = true;
	p->used = true;
	p->shared = false;
}

void memory_drop(uintptr_t addr, struct memory_page *p)
{
	/* the engine's own reads as zeros, but where that is a fault */
	const bool zeros = !is_program(addr) && !p->uffd;

	if (!is_program(addr))
		ASAN_UNPOISON_MEMORY_REGION((void *)addr, PAGE_SIZE);
	/* else it still is as mmap() made it, and shall not take memory */
	if (p->used)
		set_words(addr, zeros ? 0 : RUBBISH);
	if (!zeros)
		ASAN_POISON_MEMORY_REGION((void *)addr, PAGE_SIZE);
	p->present = false;
	p->shared = false;
}

void memory_register(uintptr_t addr, struct memory_page *p, uint8_t uffd)
{
	p->uffd = uffd;
	if (!p->present)
		memory_drop(addr, p);
}

void memory_open(uintptr_t addr, bool open)
{
	if (!is_program(addr))
		return;
	if (open)
		ASAN_UNPOISON_MEMORY_REGION((void *)addr, PAGE_SIZE);
	else
		ASAN_POISON_MEMORY_REGION((void *)addr, PAGE_SIZE);
}

size_t memory_present(void)
{
	size_t nr = 0;

	for (unsigned s = 0; s < nr_stretches; s++)
		for (size_t i = 0; i < all[s].nr; i++)
			nr += all[s].pages[i].present;
	return nr;
}

void memory_share(void)
{
	for (unsigned s = 0; s < nr_stretches; s++)
		for (size_t i = 0; i < all[s].nr; i++)
			all[s].pages[i].shared = all[s].pages[i].present;
}

void memory_forget(uint8_t uffd)
{
	for (unsigned s = 0; s < nr_stretches; s++)
		for (size_t i = 0; i < all[s].nr; i++)
			if (!uffd || all[s].pages[i].uffd == uffd)
				memory_register(all[s].start + i * PAGE_SIZE,
						&all[s].pages[i], 0);
}
