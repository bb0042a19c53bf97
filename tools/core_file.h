/* SPDX-License-Identifier: MIT */
/*
 * Core files: the memory of a process that has ended, by address.
 *
 * Nothing in one is believed; what is not there reads as an error.
 */
#ifndef UZ_TOOLS_CORE_FILE_H
#define UZ_TOOLS_CORE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "zctl.h"

/* A piece of memory that is in the file. */
struct core_piece {
	uint64_t addr;
	uint64_t len;		/* bytes in the file */
	uint64_t offset;
};

struct core_file {
	int fd;			/* -1 when closed */
	off_t len;
	struct core_piece *pieces;	/* by address */
	size_t nr;
};

/*
 * Open a core of this machine's kind.
 *
 * Returns  0, -ENOEXEC if it is something else, or -errno
 */
MUST_USE int core_open(struct core_file *core, const char *path);
void core_close(struct core_file *core);

/* LEN bytes at ADDR; 0 or -EFAULT if they are not all there.  CTX: a core. */
int core_read(void *core, uint64_t addr, void *to, size_t len);

/* Where in the file the LEN bytes at ADDR are; -1 if not there, in one. */
off_t core_place(const struct core_file *core, uint64_t addr, size_t len);

/* Copy the file to FD, leaving holes what are holes; 0 or -errno. */
MUST_USE int core_copy(const struct core_file *core, int fd);

#endif
