/* SPDX-License-Identifier: MIT */
/*
 * The options of the library: one row per option, and all that is said about
 * it anywhere.  The parser of the environment, `zctl run --set`, `zctl set`
 * and the manual page are made from, or compared with, this table.
 *
 * An option NAME is set by the environment variable UZSWAP_<ENV>, whose name
 * ends in the unit of a bare number, or as "NAME:VALUE" in UZSWAP_CONF.  A
 * variable of its own wins over UZSWAP_CONF; unset is not the same as empty,
 * and empty is an error for all but texts.
 *
 * Columns: X(name, ENV, type, default, min, max, choices, zero, when, help)
 *
 *	type	 what values look like, enum uzswap_option_type
 *	default	 as one would write it
 *	min max	 smallest and largest value, as one would write them; for
 *		 texts and codecs the largest length.  Shares are 1% to 100%
 *	choices	 of a choice: words separated by "|"
 *	zero	 if not "": 0 is allowed too, whatever min says, and
 *		 means this
 *	when	 a change takes effect: NOW, by zctl set; or AT_START only
 *	help	 one line, no full stop
 */
#ifndef UZSWAP_OPTIONS_H
#define UZSWAP_OPTIONS_H

#define UZSWAP_ENV_PREFIX	"UZSWAP_"
#define UZSWAP_ENV_CONF		"UZSWAP_CONF"

/* What a value looks like. */
enum uzswap_option_type {
	UZSWAP_BOOL,		/* 1 0 yes no true false on off */
	UZSWAP_SIZE,		/* bytes: 4096, 64M, 1.5G */
	UZSWAP_SIZE_PCT,	/* bytes, or 50% of min(cgroup limit, RAM) */
	UZSWAP_TIME,		/* milliseconds: 250, 250ms, 30s, 2m, 1h */
	UZSWAP_PERCENT,		/* 75, 75% */
	UZSWAP_COUNT,		/* 4 */
	UZSWAP_FD,		/* a file descriptor, or none */
	UZSWAP_CHOICE,		/* one of the words listed */
	UZSWAP_CODECS,		/* lz4, lz4:9, zstd:3, lz4+zstd:3 */
	UZSWAP_TEXT,		/* anything */
	UZSWAP_NR_TYPES
};

/* When a change takes effect. */
enum uzswap_option_when {
	UZSWAP_AT_START,
	UZSWAP_NOW,
};

#define UZSWAP_OPTIONS(X)						\
X(enable, ENABLE, BOOL, "1", "", "", "", "", AT_START,			\
  "0 does nothing at all in this process")				\
X(require, REQUIRE, BOOL, "0", "", "", "", "", AT_START,		\
  "exit with status 125 if memory cannot be compressed")		\
X(min_managed, MIN_MANAGED_BYTES, SIZE, "64M", "1M", "128T", "",	\
  "no threshold", AT_START,						\
  "stay dormant while the program has less private memory")		\
X(limit, LIMIT_BYTES, SIZE_PCT, "0", "1M", "128T", "",			\
  "no limit of our own", NOW,						\
  "keep resident memory, pool and metadata together below this")	\
X(min_age, MIN_AGE_MS, TIME, "0", "100ms", "24h", "",			\
  "not by age", NOW,							\
  "store what was not used for so long, without any limit")		\
X(max_stall, MAX_STALL_MS, TIME, "10ms", "1ms", "6s", "", "", NOW,	\
  "with min_age: time in 6 s that the program may wait for pages")	\
X(age_cpu_percent, AGE_CPU_PERCENT, PERCENT, "25", "1", "100", "",	\
  "any", NOW,								\
  "with min_age: part of one CPU that storing may take")		\
X(accept_percent, ACCEPT_PERCENT, PERCENT, "75", "1", "85", "", "", NOW, \
  "keep a page resident that packs worse than this part of its size")	\
X(pool_max, POOL_MAX_BYTES, SIZE_PCT, "100%", "1M", "128T", "", "", NOW,	\
  "largest pool of compressed pages")					\
X(share_equal, SHARE_EQUAL, BOOL, "0", "", "", "", "", NOW,		\
  "let pages with the same bytes share one object, if there are many")	\
X(compressor, COMPRESSOR, CODECS, "lz4+lz4:3", "", "15", "", "", NOW,		\
  "how pages are packed, and again when they have long been idle")	\
X(repack_idle, REPACK_IDLE_MS, TIME, "60s", "1s", "24h", "", "", NOW,	\
  "pack stored pages again that were not needed for so long")		\
X(repack_cpu_percent, REPACK_CPU_PERCENT, PERCENT, "5", "1", "100", "",	\
  "never pack again", NOW,						\
  "part of one CPU that packing again may take")			\
X(engine, ENGINE, CHOICE, "auto", "", "", "auto|move|wp", "", AT_START,	\
  "how pages are taken: by UFFDIO_MOVE, or wp: without it")	\
X(threads, THREADS, COUNT, "1", "1", "8", "", "by number of CPUs",	\
  AT_START, "threads that evict")					\
X(servers, SERVERS, COUNT, "0", "1", "8", "", "by number of CPUs",	\
  AT_START, "threads that answer page faults")				\
X(follow, FOLLOW, CHOICE, "exec", "", "", "exec|none", "", AT_START,	\
  "stay preloaded in programs that the program executes")		\
X(include, INCLUDE, TEXT, "", "", "255", "", "", AT_START,		\
  "only in programs whose file name matches one of these globs")	\
X(exclude, EXCLUDE, TEXT, "", "", "255", "", "", AT_START,		\
  "never in programs whose file name matches one of these globs")	\
X(uffd, UFFD, CHOICE, "auto", "", "", "auto|dev|socket|syscall", "",	\
  AT_START,								\
  "where a userfaultfd comes from")	\
X(uffd_fd, UFFD_FD, FD, "none", "0", "1048575", "", "", AT_START,	\
  "descriptor of /dev/userfaultfd, passed on by zctl")			\
X(uffd_socket, UFFD_SOCKET, TEXT, "/run/uzswap/uffd.sock", "", "107",	\
  "", "", AT_START, "socket of the broker that hands out the device")	\
X(log, LOG, CHOICE, "warn", "", "", "off|warn|info|debug", "", NOW,	\
  "how much to say")							\
X(log_file, LOG_FILE, TEXT, "", "", "200", "", "", NOW,		\
  "the file to say it in (%p pid, %e name, %h host, %t time)")		 \
X(stats_at_exit, STATS_AT_EXIT, TEXT, "0", "", "255", "", "", AT_START,	\
  "yes, or a file for the summary at the end (%p pid, %e name)")	\
X(torture, TORTURE, COUNT, "0", "1", "4294967295", "", "off", AT_START,	\
  "for tests: evict always, fail and delay at random; a seed")	\
X(prof, PROF, BOOL, "0", "", "", "", "", AT_START,			\
  "record a profile of cold memory from the start")			\
X(prof_sample, PROF_SAMPLE_BYTES, SIZE, "512K", "1K", "1G", "", "",	\
  AT_START, "one allocation sampled in so many bytes allocated")		\
X(prof_depth, PROF_DEPTH, COUNT, "32", "1", "64", "", "", AT_START,	\
  "frames of a call stack that are kept")				\
X(prof_unwind, PROF_UNWIND, CHOICE, "tables", "", "", "tables|fp|off",	\
  "", AT_START,								\
  "how call stacks are found: fp is faster, off records ages only")	\
X(prof_period, PROF_PERIOD_MS, TIME, "1s", "100ms", "1h", "", "",	\
  AT_START, "look at each watched page that often, at most")		\
X(prof_cost_percent, PROF_COST_PERCENT, PERCENT, "1", "1", "100", "", "",	\
  AT_START,								\
  "share of its CPU time the program may pay for recording; 100: all")			\
X(name, NAME, TEXT, "", "", "31", "", "", NOW,			\
  "label for lists and metrics instead of the program's name")

enum uzswap_option {
#define X(name, env, ...) UZSWAP_OPT_##name,
	UZSWAP_OPTIONS(X)
#undef X
	UZSWAP_NR_OPTIONS
};

/* A row as strings, for tools: an array of these is made by the macro. */
struct uzswap_option_row {
	const char *name;
	const char *env;		/* UZSWAP_... */
	enum uzswap_option_type type;
	const char *initial;		/* default */
	const char *min;
	const char *max;
	const char *choices;
	const char *zero;
	enum uzswap_option_when when;
	const char *help;
};

#define UZSWAP_OPTION_ROW(name, env, type, initial, min, max, choices,	\
			  zero, when, help)				\
	{ #name, UZSWAP_ENV_PREFIX #env, UZSWAP_##type, initial, min,	\
	  max, choices, zero, UZSWAP_##when, help },

#endif
