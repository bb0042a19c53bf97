/* SPDX-License-Identifier: MIT */
/*
 * The summary when a program ends: one line, on its standard error or at the
 * end of a file; under torture when it ends by _exit(), too; and before it
 * forbids system calls, as later we may make none.  The file's name
 * is as proc_expand() takes it; it is opened when it is written, so a daemon's
 * chdir() counts.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"
#include "hooks/hooks.h"

#define AUDIT_MAX_NS	(20 * NS_PER_S)

static struct {
	uint64_t evicted;
	uint64_t restored;
	uint64_t faults;
} inherited;

void hooks_summary_child(void)
{
	inherited.evicted = count_get(UZSWAP_COUNT_evicted);
	inherited.restored = count_get(UZSWAP_COUNT_restored);
	inherited.faults = count_get(UZSWAP_COUNT_faults);
}

static void append_amount(char **end, const char *limit, uint64_t n,
			  const char *what, bool bytes)
{
	char num[TEXT_NUM];

	text_append(end, limit, bytes ? text_size(num, sizeof(num), n)
				      : text_u64(num, sizeof(num), n));
	text_append(end, limit, what);
}

static void describe(char *line, const char *limit, const char *how)
{
	struct store_usage use;
	char *end = line;

	*line = 0;
	store_usage(&hooks_engine.store, &use);
	append_amount(&end, limit, use.pages * PAGE_SIZE, " stored in ",
		      true);
	append_amount(&end, limit, use.used + use.metadata, " of pool; ",
		      true);
	append_amount(&end, limit, count_get(UZSWAP_COUNT_evicted) -
		      inherited.evicted, " pages evicted, ", false);
	append_amount(&end, limit, count_get(UZSWAP_COUNT_restored) -
		      inherited.restored, " restored, ", false);
	append_amount(&end, limit, count_get(UZSWAP_COUNT_faults) -
		      inherited.faults, " faults; most used ", false);
	append_amount(&end, limit, hooks_engine.usage_max, " of ", true);
	append_amount(&end, limit, hooks_engine.now.limit, how, true);
}

static void write_to_file(const char *pattern, const char *line)
{
	char path[256];
	char text[512];
	char *end = text;
	const char *limit = text + sizeof(text);
	char word[TEXT_NUM];
	long fd;

	proc_expand(path, sizeof(path), pattern,
		    sys_clock_ns(CLOCK_REALTIME) / NS_PER_S);
	proc_comm(word, sizeof(word));
	*text = 0;
	text_append(&end, limit, word);
	text_append(&end, limit, " (pid ");
	text_append(&end, limit, text_u64(word, sizeof(word),
					  (uint64_t)sys_getpid()));
	text_append(&end, limit, "): ");
	text_append(&end, limit, line);
	text_append(&end, limit, "\n");
	fd = sys_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0) {
		log_line("at exit: cannot open ", path, ": ",
			 text_errno(word, sizeof(word), (int)fd), NULL);
		return;
	}
	sys_write((int)fd, text, (size_t)(end - text));
	sys_close((int)fd);
}

/*
 * Under torture a program does not end before its books were found to close:
 * then something to say so.
 */
static const char *audit(void)
{
	if (!hooks.cfg.torture || atomic_load(&hooks.mode) != HOOKS_AWAKE ||
	    atomic_load(&hooks_engine.ready) != 1)
		return "";
	if (audit_wait(&hooks_engine, AUDIT_MAX_NS))
		return "; the books close";
	if (atomic_load(&hooks_engine.ready) == 1)
		log_line("at exit: the books could not be audited", NULL);
	return "";
}

static void say(uint32_t ready, const char *how)
{
	const char *where = hooks.stats_at_exit;
	char line[400] = "dormant, nothing was stored";
	bool yes;

	if (!*where || (!text_parse_bool(&yes, where) && !yes))
		return;
	if (ready == 1)
		describe(line, line + sizeof(line), how);
	else if (ready)
		text_copy(line, sizeof(line),
			  "it did not work, nothing was stored");
	if (!text_parse_bool(&yes, where))
		log_line("at exit: ", line, NULL);
	else
		write_to_file(where, line);
}

void hooks_summary_aside(uint32_t ready)
{
	say(ready, "; stepped aside");
	hooks.stats_at_exit[0] = 0;
}

__attribute__((destructor)) static void unloaded(void)
{
	const char *how = audit();

	say(atomic_load(&hooks_engine.ready), how);
}

/*
 * Children of fork() mostly end this way, past all destructors.  Who has made
 * us step aside may have forbidden the least of calls.
 */
EXPORT NORETURN void _exit(int status)
{
	if (hooks.cfg.torture && atomic_load(&hooks.mode) != HOOKS_OFF &&
	    hooks.pid == (int32_t)sys_getpid())
		unloaded();
	sys_exit_process(status);
}

EXPORT NORETURN void _Exit(int status) __attribute__((alias("_exit")));
