/* SPDX-License-Identifier: MIT */
/*
 * The control page: how a process under uzswap is asked to do something.
 *
 * It lies in the same memfd as the statistics page (stats.h):
 *
 *	0			struct uzswap_stats		read only
 *	UZSWAP_POOL_AT		struct uzswap_pool		read only
 *	UZSWAP_OPTIONS_AT	struct uzswap_ctl_options	read only
 *	UZSWAP_CTL_AT		struct uzswap_ctl		this page
 *	UZSWAP_CORE_AT		struct uzswap_core		core.h
 *
 * Who may open that file for writing may ask; nobody else is let in, and
 * nothing else is needed.  The file is sealed against cutting and growing, so
 * that both sides may map it.  Both take whatever they find for hostile.
 *
 * One request at a time, and WORD says how far it is: a ticket, and a phase
 * in its two low bits.
 *
 *	asker	takes a lock on the file: flock(LOCK_EX); the kernel drops
 *		it when the asker ends
 *	asker	WORD is FREE or DONE: fills in request, sets WORD to a new
 *		ticket and ASKED, wakes the futex WORD
 *	library	ASKED -> TAKEN by compare-and-swap, copies the request, works;
 *		answer.beat changes while it does
 *	library	fills in answer, sets WORD to the ticket and DONE, wakes
 *	asker	gives up: ASKED -> FREE by compare-and-swap, and the request
 *		was never made; or, if it was TAKEN meanwhile, sets CANCEL to
 *		the ticket and waits for DONE
 *
 * WORD is a shared futex, not a private one.  The library's steward waits for
 * it, so that a request costs nothing until it is made; before Linux 5.16 it
 * looks once a second.
 *
 * The layout only ever grows at its end.  A version is never changed: who
 * finds another one asks for nothing.
 */
#ifndef UZSWAP_CTL_H
#define UZSWAP_CTL_H

#include <stdint.h>

#define UZSWAP_CTL_MAGIC	0x74635f7061777a75ull	/* "uzwap_ct" */
#define UZSWAP_CTL_VERSION	1

#define UZSWAP_OPTIONS_AT	49152
#define UZSWAP_CTL_AT		65536
#define UZSWAP_CTL_FILE_LEN	(65536 + 8192)	/* of the whole memfd */

#define UZSWAP_CTL_TEXT		2048
#define UZSWAP_CTL_REASON	256
#define UZSWAP_CTL_ARGS		4
#define UZSWAP_CTL_NUMBERS	8

/* Phases: the two low bits of WORD; the ticket is above them. */
enum uzswap_ctl_phase {
	UZSWAP_CTL_FREE,
	UZSWAP_CTL_ASKED,
	UZSWAP_CTL_TAKEN,
	UZSWAP_CTL_DONE
};

#define UZSWAP_CTL_PHASE	3u

/*
 * What can be asked for: X(name, meaning).  Arguments, answers and errors
 * that all have in common: -EINVAL a kind, argument or text that cannot be,
 * -ECANCELED the asker gave up.
 *
 * set		text: KEY=VALUE, each with a zero after it
 *		all are taken, or none.  -EINVAL: answer.text says why
 * reclaim	args: bytes; or 0 and percent of what is resident; 0, or
 *		milliseconds: only what is not used for so long
 *		numbers: enum uzswap_ctl_reclaimed
 *		-EAGAIN it is switched off; -ENOSPC the pool is full, -ENODATA
 *		nothing is left that could leave: some of it was done
 * estimate	args: 0, or milliseconds: only of what is not used for so long
 *		numbers: enum uzswap_ctl_estimate
 *		both, for what is not used: -EOPNOTSUPP engine wp
 * off		args: 1 even if it may not fit
 *		numbers: enum uzswap_ctl_off.  -ENOSPC would not fit, nothing
 *		was done; -ENOMEM memory ran short on the way, what was before
 *		goes on; -EBUSY some page could not come back
 * keep		-EALREADY it is off: nothing is stored
 * on		an error of opening the userfaultfd
 */
#define UZSWAP_CTL_KINDS(X)						\
	X(set,		 "change options")				\
	X(reclaim,	 "evict now")					\
	X(estimate,	 "what would evicting all save?")		\
	X(off,		 "restore everything and let go")		\
	X(keep,		 "store nothing new")				\
	X(on,		 "go on")					\
	X(profile_start, "record a profile")				\
	X(profile_stop,	 "stop recording")

enum uzswap_ctl_kind {
	UZSWAP_CTL_NONE,
#define X(name, meaning) UZSWAP_CTL_##name,
	UZSWAP_CTL_KINDS(X)
#undef X
	UZSWAP_CTL_NR_KINDS
};

/* Indices into answer.numbers; bytes, unless noted. */
enum uzswap_ctl_reclaimed {
	UZSWAP_RECLAIMED_EVICTED,
	UZSWAP_RECLAIMED_STORED_BEFORE,
	UZSWAP_RECLAIMED_STORED,
	UZSWAP_RECLAIMED_POOL_BEFORE,
	UZSWAP_RECLAIMED_POOL,
	UZSWAP_RECLAIMED_NS		/* time it took */
};

enum uzswap_ctl_estimate {
	UZSWAP_ESTIMATE_RESIDENT,
	UZSWAP_ESTIMATE_PAGES,		/* looked at, a number */
	UZSWAP_ESTIMATE_EVICTED,	/* what would leave, of all resident */
	UZSWAP_ESTIMATE_POOL,		/* what this would take */
	UZSWAP_ESTIMATE_NS		/* the time it would; 0 unknown */
};

enum uzswap_ctl_off {
	UZSWAP_OFF_STORED,		/* at the beginning */
	UZSWAP_OFF_NEEDED,		/* memory it takes more than now */
	UZSWAP_OFF_AVAILABLE,		/* of which there is so much */
	UZSWAP_OFF_NS			/* time it took */
};

struct uzswap_ctl_request {
	uint32_t kind;			/* enum uzswap_ctl_kind */
	uint32_t text_len;		/* bytes of text, zeros included */
	uint64_t args[UZSWAP_CTL_ARGS];
	char text[UZSWAP_CTL_TEXT];
};

struct uzswap_ctl_answer {
	int32_t err;			/* 0 or -errno; valid when DONE */
	uint32_t beat;			/* changes while work goes on */
	uint64_t done;			/* how far, in bytes */
	uint64_t total;			/* of so many; 0 unknown */
	uint64_t numbers[UZSWAP_CTL_NUMBERS];
	char text[UZSWAP_CTL_REASON];	/* why, for people; or "" */
};

struct uzswap_ctl {
	uint64_t magic;			/* UZSWAP_CTL_MAGIC, set last */
	uint32_t version;		/* UZSWAP_CTL_VERSION */
	uint32_t size;			/* of this structure */
	uint32_t word;			/* futex: ticket and phase */
	uint32_t cancel;		/* a ticket nobody waits for */
	uint32_t gone;			/* 1: nobody answers any more */
	uint32_t nr_kinds;		/* UZSWAP_CTL_NR_KINDS */
	struct uzswap_ctl_request request;	/* asker writes */
	struct uzswap_ctl_answer answer;	/* library writes */
};

/*
 * The options as they are now, under the sequence number of the statistics
 * page.  Values longer than fits are cut.
 */
#define UZSWAP_CTL_OPTIONS	96	/* rows there is room for */

struct uzswap_ctl_option {
	char name[24];
	char value[96];			/* as one would write it */
	uint32_t origin;		/* enum uzswap_ctl_origin */
	uint32_t when;			/* enum uzswap_option_when */
};

/* Who said so. */
enum uzswap_ctl_origin {
	UZSWAP_BY_DEFAULT,
	UZSWAP_BY_CONF,			/* UZSWAP_CONF */
	UZSWAP_BY_ENV,			/* a variable of its own */
	UZSWAP_BY_CONTROL,		/* this page */
	UZSWAP_NR_ORIGINS
};

struct uzswap_ctl_options {
	uint32_t nr;
	uint32_t size;			/* of one row */
	struct uzswap_ctl_option rows[UZSWAP_CTL_OPTIONS];
};

#endif
