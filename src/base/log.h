/* SPDX-License-Identifier: MIT */
/*
 * Lines for people, by write(2) alone: on the program's standard error, as
 * `uzswap: TEXT`, or at the end of a file, as `TIME PID TEXT`.
 *
 * Our threads have a private descriptor table, so the program's fd 2 is
 * fetched, and the file is opened, for each line.
 * Context: any.
 */
#ifndef UZ_BASE_LOG_H
#define UZ_BASE_LOG_H

#include "base/types.h"

enum log_level {
	LOG_OFF,	/* nothing but why we abort */
	LOG_WARN,	/* what somebody may want to put right */
	LOG_INFO,	/* what is done: some lines in the life of a program */
	LOG_DEBUG	/* and why: a few lines a second at most */
};

/*
 * One line from the pieces given, up to a NULL, if lines of that level are
 * wanted: text pieces as they are.  Cut at 512 bytes.
 */
void log_at(enum log_level level, const char *piece, ...)
	__attribute__((sentinel));

#define log_line(...)	log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_DEBUG, __VA_ARGS__)

/*
 * From now on lines up to level MOST are wanted, in the file that
 * proc_expand() makes of FILE, which is copied; "": on standard error.
 * Context: init, steward.
 */
void log_set(enum log_level most, const char *file);

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
