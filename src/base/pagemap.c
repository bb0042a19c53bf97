/* SPDX-License-Identifier: MIT */
/*
 * PAGEMAP_SCAN walks page tables and skips what is not there, so that a
 * terabyte of untouched reservation costs nothing; the old way costs eight
 * bytes read per page and looks at one chunk per call.  The constants are
 * those of the kernel's binary interface, which older headers lack.
 */
#include "base/pagemap.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/proc.h"
#include "base/sys.h"

#define BIT_PRESENT	((uint64_t)1 << 63)
#define BIT_SWAPPED	((uint64_t)1 << 62)
#define BIT_FILE	((uint64_t)1 << 61)
#define BIT_EXCLUSIVE	((uint64_t)1 << 56)

#define CAT_FILE	((uint64_t)1 << 2)
#define CAT_PRESENT	((uint64_t)1 << 3)
#define CAT_PFNZERO	((uint64_t)1 << 5)
#define CAT_HUGE	((uint64_t)1 << 6)

struct scan_run {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define IOC_SCAN	_IOWR('f', 16, struct scan_arg)

static long scan(struct pagemap *pm, struct scan_arg *arg)
{
	arg->size = sizeof(*arg);
	arg->category_mask = CAT_PRESENT | CAT_FILE | CAT_PFNZERO;
	arg->category_inverted = CAT_FILE | CAT_PFNZERO;
	arg->return_mask = CAT_HUGE;
	return sys_ioctl(pm->fd, IOC_SCAN, arg);
}

int pagemap_open(struct pagemap *pm, void *words)
{
	long fd = proc_open_self("pagemap");
	struct scan_run one;
	struct scan_arg arg = {
		.vec = (uintptr_t)&one, .vec_len = 1,
		.start = (uintptr_t)words, .end = (uintptr_t)words + PAGE_SIZE,
	};

	pm->fd = -1;
	pm->words = words;
	if (fd < 0)
		return (int)fd;
	pm->fd = (int)fd;
	pm->has_scan = scan(pm, &arg) >= 0;
	return 0;
}

void pagemap_close(struct pagemap *pm)
{
	if (pm->fd >= 0)
		sys_close(pm->fd);
	pm->fd = -1;
}

static long read_words(struct pagemap *pm, uintptr_t start, uintptr_t end)
{
	size_t len = min_size((end - start) / PAGE_SIZE, CHUNK_PAGES) * 8;
	long ret = sys_pread(pm->fd, pm->words, len,
			     (off_t)(start / PAGE_SIZE * 8));

	return ret < 0 ? ret : ret / 8;
}

static bool is_anon_here(uint64_t word)
{
	return (word & BIT_PRESENT) && !(word & BIT_FILE);
}

static long present_by_words(struct pagemap *pm, uintptr_t *next,
			     uintptr_t start, uintptr_t end,
			     struct page_run *out, size_t nr)
{
	long pages = read_words(pm, start, end);
	size_t n = 0;

	*next = start;
	if (pages < 0)
		return pages;
	for (long i = 0; i < pages; i++, *next += PAGE_SIZE) {
		if (!is_anon_here(pm->words[i]))
			continue;
		if (n && out[n - 1].end == *next) {
			out[n - 1].end += PAGE_SIZE;
			continue;
		}
		if (n == nr)
			return (long)n;
		out[n++] = (struct page_run){ *next, *next + PAGE_SIZE,
					      false };
	}
	if (pages == 0)
		*next = end;
	return (long)n;
}

long pagemap_present(struct pagemap *pm, uintptr_t *next, uintptr_t start,
		     uintptr_t end, struct page_run *out, size_t nr)
{
	struct scan_run runs[64];
	struct scan_arg arg = {
		.start = start, .end = end, .vec = (uintptr_t)runs,
		.vec_len = min_size(nr, ARRAY_SIZE(runs)),
		/* who asks for one run wants its start: stop there */
		.max_pages = nr == 1,
	};
	long ret;

	if (!pm->has_scan)
		return present_by_words(pm, next, start, end, out, nr);
	ret = scan(pm, &arg);
	*next = start;
	if (ret < 0)
		return ret;
	*next = arg.walk_end > start ? arg.walk_end : end;
	for (long i = 0; i < ret; i++)
		out[i] = (struct page_run){ runs[i].start, runs[i].end,
					    runs[i].categories & CAT_HUGE };
	return ret;
}

long pagemap_count(struct pagemap *pm, uintptr_t start, uintptr_t end)
{
	struct page_run runs[64];
	uintptr_t next = start;
	long total = 0;

	while (start < end) {
		long n = pagemap_present(pm, &next, start, end, runs,
					 ARRAY_SIZE(runs));

		if (n < 0)
			return n;
		for (long i = 0; i < n; i++)
			total += (long)((runs[i].end - runs[i].start) /
					PAGE_SIZE);
		start = next;
	}
	return total;
}

size_t pagemap_alike(struct pagemap *pm, uintptr_t addr, size_t nr,
		     bool *exclusive)
{
	const uint64_t bits = BIT_PRESENT | BIT_EXCLUSIVE;
	long got = read_words(pm, addr, addr + nr * PAGE_SIZE);
	long n = 0;

	*exclusive = got > 0 && (pm->words[0] & BIT_EXCLUSIVE);
	while (n < got && (pm->words[n] & BIT_PRESENT) &&
	       !((pm->words[n] ^ pm->words[0]) & bits))
		n++;
	return (size_t)n;
}

/*
 * mincore() calls a page that the kernel has swapped out "not here"; then the
 * page table is read.  A descriptor of its own: this may be a forked child.
 */
static void find_swapped(uintptr_t addr, size_t nr, unsigned char *here)
{
	const long fd = proc_open_self("pagemap");
	uint64_t words[64];

	for (size_t i = 0; fd >= 0 && i < nr; i++) {
		const size_t at = i % ARRAY_SIZE(words);
		const uintptr_t page = addr / PAGE_SIZE + i;

		if (!at && sys_pread((int)fd, words, sizeof(words),
				     (off_t)(page * sizeof(*words))) <
		    (long)sizeof(words))
			break;
		here[i] |= !!(words[at] & (BIT_PRESENT | BIT_SWAPPED));
	}
	if (fd >= 0)
		sys_close((int)fd);
}

/*
 * EAGAIN: the kernel has no page to answer with just now.  "No" instead would
 * be believed: who asks has no other way to know where a page's bytes are.
 */
void pagemap_are_here(uintptr_t addr, size_t nr, unsigned char *here)
{
	size_t there = 0;
	long ret;

	while ((ret = sys_mincore(addr, nr * PAGE_SIZE, here)) == -EAGAIN)
		sys_yield();
	for (size_t i = 0; i < nr; i++) {
		here[i] = !ret && (here[i] & 1);
		there += here[i];
	}
	if (there < nr && sys_has_swap())
		find_swapped(addr, nr, here);
}

bool pagemap_is_here(uintptr_t addr)
{
	unsigned char here;

	pagemap_are_here(addr, 1, &here);
	return here;
}
