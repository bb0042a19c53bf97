/* SPDX-License-Identifier: MIT */
/*
 * Core files with libelf: see core_file.h.  Memory is read with pread() and
 * not mapped, so that a file that somebody cuts off is an error only.
 */
#define _GNU_SOURCE
#include "core_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE	EM_X86_64
#else
#define MACHINE	EM_AARCH64
#endif

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct core_piece *)a)->addr;
	uint64_t y = ((const struct core_piece *)b)->addr;

	return x < y ? -1 : x > y;
}

/* What of a segment is really in the file. */
static void add_piece(struct core_file *core, const GElf_Phdr *ph)
{
	uint64_t len = ph->p_filesz;
	uint64_t end = (uint64_t)core->len;

	if (ph->p_type != PT_LOAD || ph->p_offset >= end)
		return;
	if (len > end - ph->p_offset)
		len = end - ph->p_offset;
	if (len && ph->p_vaddr + len > ph->p_vaddr)
		core->pieces[core->nr++] = (struct core_piece){
			ph->p_vaddr, len, ph->p_offset,
		};
}

static int take_pieces(struct core_file *core, Elf *elf)
{
	GElf_Ehdr head;
	GElf_Phdr ph;
	size_t nr;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &head) ||
	    head.e_type != ET_CORE || head.e_machine != MACHINE ||
	    elf_getphdrnum(elf, &nr))
		return -ENOEXEC;
	core->pieces = calloc(nr + 1, sizeof(*core->pieces));
	if (!core->pieces)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (gelf_getphdr(elf, (int)i, &ph))
			add_piece(core, &ph);
	qsort(core->pieces, core->nr, sizeof(*core->pieces), by_addr);
	return 0;
}

int core_open(struct core_file *core, const char *path)
{
	struct stat st;
	Elf *elf;
	int ret;

	*core = (struct core_file){
		.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
	};
	if (core->fd < 0 || fstat(core->fd, &st)) {
		ret = -errno;
		core_close(core);
		return ret;
	}
	core->len = st.st_size;
	elf_version(EV_CURRENT);
	elf = S_ISREG(st.st_mode) ? elf_begin(core->fd, ELF_C_READ, NULL)
				  : NULL;
	ret = elf ? take_pieces(core, elf) : -ENOEXEC;
	elf_end(elf);
	if (ret)
		core_close(core);
	return ret;
}

void core_close(struct core_file *core)
{
	if (core->fd >= 0)
		close(core->fd);
	free(core->pieces);
	*core = (struct core_file){ .fd = -1 };
}

/* The piece with ADDR, or NULL. */
static const struct core_piece *piece_at(const struct core_file *core,
					 uint64_t addr)
{
	size_t low = 0;
	size_t high = core->nr;

	while (low < high) {
		const struct core_piece *p =
			&core->pieces[low + (high - low) / 2];

		if (addr < p->addr)
			high = (size_t)(p - core->pieces);
		else if (addr - p->addr >= p->len)
			low = (size_t)(p - core->pieces) + 1;
		else
			return p;
	}
	return NULL;
}

int core_read(void *ctx, uint64_t addr, void *to, size_t len)
{
	const struct core_file *core = ctx;
	char *at = to;

	while (len) {
		const struct core_piece *p = piece_at(core, addr);
		uint64_t skip = p ? addr - p->addr : 0;
		size_t n = p && p->len - skip < len ? (size_t)(p->len - skip)
						    : len;
		ssize_t got = p ? pread(core->fd, at, n,
					(off_t)(p->offset + skip)) : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EFAULT;
		addr += (uint64_t)got;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

off_t core_place(const struct core_file *core, uint64_t addr, size_t len)
{
	const struct core_piece *p = piece_at(core, addr);

	if (!p || p->len - (addr - p->addr) < len)
		return -1;
	return (off_t)(p->offset + (addr - p->addr));
}

/* From FROM up to END, by the kernel. */
static int copy_range(int in, int out, off_t from, off_t end)
{
	off_t to = from;

	while (from < end) {
		ssize_t n = copy_file_range(in, &from, out, &to,
					    (size_t)(end - from), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

int core_copy(const struct core_file *core, int fd)
{
	off_t end = 0;
	int ret = ftruncate(fd, core->len) ? -errno : 0;

	while (!ret) {
		off_t from = lseek(core->fd, end, SEEK_DATA);

		if (from < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(core->fd, from, SEEK_HOLE);
		if (end < 0 || end > core->len)
			end = core->len;
		ret = copy_range(core->fd, fd, from, end);
		if (end >= core->len)
			break;
	}
	return ret;
}
