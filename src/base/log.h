/* SPDX-License-Identifier: MIT */
/*
 * Lines for people, on the program's standard error, by write(2) alone.
 *
 * Our threads have a private descriptor table, so the program's fd 2 is
 * fetched for each line.  A line is `uzswap: TEXT`.
 * Context: any.
 */
#ifndef UZ_BASE_LOG_H
#define UZ_BASE_LOG_H

#include "base/types.h"

/*
 * One line from the pieces given, up to a NULL: text pieces as they are.
 * Cut at 512 bytes.
 */
void log_line(const char *piece, ...) __attribute__((sentinel));

/* Say nothing from now on, but why we abort. */
void log_set_quiet(bool quiet);

/* The same, once per *ONCE (a static bool of the caller). */
#define log_once(...)						\
	do {							\
		static bool said_;				\
		if (!__atomic_exchange_n(&said_, true,		\
					 __ATOMIC_RELAXED))	\
			log_line(__VA_ARGS__);			\
	} while (0)

/* Corruption or a bug: say why and abort.  Allocates nothing. */
NORETURN COLD void die(const char *why);

#ifdef UZSWAP_DEBUG
#define ASSERT(x)	do { if (unlikely(!(x))) die("assert: " #x); } while (0)
#else
#define ASSERT(x)	do { (void)sizeof(x); } while (0)
#endif

#endif
