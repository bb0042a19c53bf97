/* SPDX-License-Identifier: MIT */
/*
 * The tunables of this process: the table of include/uzswap/options.h with a
 * value for every row.
 *
 * Each option is a field named after it: cfg->limit, cfg->pool_max.  Modules
 * are handed what they need from here; none reads the environment itself.
 * Nothing is kept of the strings given: the program may change its
 * environment at any time.  A struct config may be copied.  Context: init.
 */
#ifndef UZ_WATCH_CONFIG_H
#define UZ_WATCH_CONFIG_H

#include "base/types.h"
#include "uzswap/options.h"

/* Who said so; a later one wins. */
enum config_origin {
	CONFIG_DEFAULT,
	CONFIG_CONF,		/* UZSWAP_CONF */
	CONFIG_ENV,		/* a variable of its own */
	CONFIG_CONTROL,		/* zctl set */
};

/* The smallest mapping adopted; V8's heap comes in pieces of 256 KiB. */
#define CONFIG_MIN_MAPPING	(64 * KIB)

#define CONFIG_NO_FD	UINT64_MAX	/* num of a descriptor "none" */

struct config_value {
	uint64_t num;		/* bytes, ms, count, index of the choice ... */
	uint32_t pct;		/* a size in percent; then num is 0 */
	uint16_t text_at;	/* config_text() knows */
	uint8_t origin;		/* enum config_origin */
};

struct config {
	union {
		struct {
#define X(name, ...) struct config_value name;
			UZSWAP_OPTIONS(X)
#undef X
		};
		struct config_value all[UZSWAP_NR_OPTIONS];
	};
	char texts[1024];	/* "" and the texts set, each with its zero */
	size_t texts_len;
};

/* Indices of the choices; a test compares them with the table. */
enum { CONFIG_ENGINE_AUTO, CONFIG_ENGINE_MOVE, CONFIG_ENGINE_WP };
enum { CONFIG_FOLLOW_EXEC, CONFIG_FOLLOW_NONE };
enum {
	CONFIG_UFFD_AUTO,
	CONFIG_UFFD_DEV,
	CONFIG_UFFD_SOCKET,
	CONFIG_UFFD_SYSCALL
};
enum {
	CONFIG_PROF_UNWIND_TABLES, CONFIG_PROF_UNWIND_FP,
	CONFIG_PROF_UNWIND_OFF
};
enum {
	CONFIG_LOG_OFF, CONFIG_LOG_WARN, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG
};

/* Something set that is not used.  All strings end with the callback. */
struct config_problem {
	const char *name;	/* "UZSWAP_LIMIT_BYTES", "limit in UZSWAP_CONF" */
	const char *value;	/* as it was given, cut */
	const char *reason;	/* "is larger than 128T" */
	const char *used;	/* "64M (default)", "" if it is of no option */
};

typedef void config_report(void *arg, const struct config_problem *problem);

#define CONFIG_REASON	128	/* enough for any reason, value or line part */

void config_defaults(struct config *c);

/*
 * Take every UZSWAP_ variable of ENVIRON, as main() would get it; the first
 * of equal names counts, as for getenv().  What cannot be used is told to
 * REPORT, once per variable or part of UZSWAP_CONF, and the value stays.
 */
void config_from_env(struct config *c, char *const *environ,
		     config_report *report, void *arg);

/*
 * Set one option from TEXT.
 *
 * reason   out; CONFIG_REASON bytes; what is wrong, "" if nothing
 *
 * Returns  0
 *          -EINVAL   malformed
 *          -ERANGE   outside of what the table allows
 *          -ENOSPC   no room for one more text
 */
MUST_USE int config_set(struct config *c, enum uzswap_option option,
			const char *text, enum config_origin origin,
			char *reason);

/* The row with this name; NULL for UZSWAP_NR_OPTIONS and beyond. */
const struct uzswap_option_row *config_row(enum uzswap_option option);
/* The option with this name, or UZSWAP_NR_OPTIONS. */
enum uzswap_option config_find(const char *name);

/* The text of a value of type UZSWAP_TEXT, "" if not set; borrowed from C. */
const char *config_text(const struct config *c, const struct config_value *v);

/* The value as one would write it: "64M", "50%", "30s", "auto". */
char *config_format(const struct config *c, enum uzswap_option option,
		    char *buf, size_t len);

/* NAME 'VALUE' REASON: using USED.  One line for people. */
char *config_problem_text(const struct config_problem *problem, char *buf,
			  size_t len);

/* What the engine is to know of it.  Callbacks are the caller's to add. */
struct engine_config;
void config_engine(const struct config *c, struct engine_config *out);

/* Have lines written as the options say. */
void config_log(const struct config *c);

/* Drop texts that no option refers to any more: there is room for so many. */
void config_compact(struct config *c);

/* Do the options want the library to work in a program of this file name? */
bool config_wants(const struct config *c, const char *exe_name);

#endif
