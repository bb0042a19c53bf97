/* SPDX-License-Identifier: MIT */
/*
 * The permission to get a userfaultfd that sees faults inside the kernel.
 *
 * Everything the library will try is tried here first, in its order, and
 * written down, so that a refusal can name every way with its error and the
 * cure.  The open /dev/userfaultfd is what a program inherits: it still
 * works after the program gave up its privileges, in its children, and
 * where the device node is out of sight.
 */
#ifndef UZ_TOOLS_DEVICE_H
#define UZ_TOOLS_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "zctl.h"

#define DEVICE_PATH	"/dev/userfaultfd"
#define DEVICE_FD_ENV	"UZSWAP_UFFD_FD"

/* Low numbers belong to the program: it may dup2() onto them blindly. */
#define DEVICE_FD_MIN	100

#define DEVICE_TRIES	3

struct device {
	int fd;			/* to be inherited, no close-on-exec; -1 */
	const char *source;	/* the way that works, NULL when none does */
	uint64_t features;	/* of the kernel, as UFFDIO_API tells */
	struct {
		const char *way;
		char result[128];
	} tries[DEVICE_TRIES];
	size_t nr_tries;	/* in the order tried; the last one worked */
	char fix[256];		/* what the user can do, when none works */
};

/*
 * Try all ways until one works; a device found usable stays open.
 *
 * MODE is a value of option "uffd": auto tries all ways, dev and syscall
 * only their own.
 */
void device_probe(struct device *device, const char *mode);

#endif
