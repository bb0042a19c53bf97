/* SPDX-License-Identifier: MIT */
/*
 * Where libuzswap.so.0 is, and how it gets into LD_PRELOAD.
 *
 * A zctl run from where it was built uses the library built with it; else
 * one beside an installation that was moved as a whole; else the configured
 * library directory.  The path is absolute, since ld.so would search
 * DT_RUNPATH and LD_LIBRARY_PATH of the program for a bare name.
 */
#ifndef UZ_TOOLS_LIBRARY_H
#define UZ_TOOLS_LIBRARY_H

#include <stddef.h>

#include "zctl.h"

#define LIBRARY_NAME	"libuzswap.so.0"

/* From configure; these are for tests and lint alone. */
#ifndef UZSWAP_LIBDIR
#define UZSWAP_LIBDIR	"/usr/local/lib"
#endif
#ifndef UZSWAP_CONFDIR
#define UZSWAP_CONFDIR	"/usr/local/etc/uzswap"
#endif

#define UZSWAP_GROUP	"uzswap"	/* may open /dev/userfaultfd */

/*
 * path     out: the library; when there is none, where it should be
 * reason   out: why it cannot be used, or NULL
 *
 * Returns  0, -ENOENT, -EACCES, or -EINVAL: ld.so cannot be given this path
 */
MUST_USE int library_find(char *path, size_t len, const char **reason);

/*
 * The value of LD_PRELOAD with PATH first and no other libuzswap in it.
 * OLD may be NULL.  Free it.  NULL: out of memory.
 */
char *library_preload(const char *path, const char *old);

#endif
