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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zctl.h"

#define DEVICE_PATH	"/dev/userfaultfd"
#define DEVICE_FD_ENV	"UZSWAP_UFFD_FD"

/* Low numbers belong to the program: it may dup2() onto them blindly. */
#define DEVICE_FD_MIN	100

#define DEVICE_TRIES	4

struct device {
	const char *socket;	/* the broker's */
	int fd;			/* to be inherited, no close-on-exec; -1 */
	const char *source;	/* the way that works, NULL when none does */
	uint64_t features;	/* of the kernel, as UFFDIO_API tells */
	struct {
		const char *way;
		bool works;
		char result[128];
	} tries[DEVICE_TRIES];
	size_t nr_tries;	/* in the order tried */
	char fix[256];		/* what the user can do, when none works */
};

/*
 * Try all ways until one works; a device found usable stays open.
 *
 * MODE is a value of option "uffd": auto tries all ways, dev, socket and
 * syscall only their own.  SOCKET is
 * where the broker listens.
 */
void device_probe(struct device *device, const char *mode,
		  const char *socket);

/* Try all ways, also after one has worked. */
void device_probe_all(struct device *device, const char *socket);

#endif
