/* SPDX-License-Identifier: MIT */
#include "tests/fake/pagemap_fake.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "tests/fake/kernel.h"
#include "tests/fake/memory.h"

#define BIT_PRESENT	((uint64_t)1 << 63)
#define BIT_EXCLUSIVE	((uint64_t)1 << 56)

struct run {
	uint64_t start, end, categories;
};

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask;
	uint64_t return_mask;
};

static uint64_t word_of(uintptr_t addr)
{
	const struct memory_page *p = memory_page(addr);
	const bool alone = !kernel_has_relatives();

	if (p && !p->present)
		return 0;
	return BIT_PRESENT |
	       ((p && !p->shared) || alone ? BIT_EXCLUSIVE : 0);
}

long pagemap_fake_read(void *buf, size_t len, uint64_t offset)
{
	uint64_t *words = buf;
	const size_t nr = len / sizeof(*words);
	const uint64_t first = offset / sizeof(*words);

	for (size_t i = 0; i < nr; i++)
		words[i] = word_of((first + i) * PAGE_SIZE);
	return (long)(nr * sizeof(*words));
}

/* From START on: the next page that is known and present, or END. */
static uintptr_t next_present(uintptr_t at, uintptr_t end)
{
	const uintptr_t last = memory_program_end();

	if (at < memory_program())
		at = memory_program();
	for (; at < end && at < last; at += PAGE_SIZE)
		if (memory_page(at)->present)
			return at;
	return end;
}

long pagemap_fake_scan(unsigned long cmd, void *arg)
{
	struct scan *s = arg;
	struct run *runs = (struct run *)(uintptr_t)s->vec;
	uint64_t pages = 0;
	long nr = 0;
	uintptr_t at = s->start;

	if (_IOC_NR(cmd) != 16)
		return -ENOTTY;
	s->walk_end = s->end;
	while ((at = next_present(at, s->end)) < s->end) {
		if (nr && runs[nr - 1].end == at) {
			runs[nr - 1].end += PAGE_SIZE;
		} else if ((uint64_t)nr == s->vec_len) {
			s->walk_end = at;
			break;
		} else {
			runs[nr++] = (struct run){ at, at + PAGE_SIZE, 0 };
		}
		at += PAGE_SIZE;
		pages++;
		if (s->max_pages && pages == s->max_pages) {
			s->walk_end = at;
			break;
		}
	}
	return nr;
}
