/* SPDX-License-Identifier: MIT */
/*
 * Numbers from files, and the least of the differences.
 *
 * A file that cannot be read, or does not hold what it should, takes its
 * source out of the comparison; it never stops the others.  The page cache
 * that counts as free is what is inactive and half of what is active, less
 * what still has to be written: the kernel drops that much without work
 * that would stop the program for long.  Not all active cache, for it holds
 * the program's own code.
 *
 * memory.high counts as a limit, though going over it does not kill: the
 * kernel stops the program for seconds there, which is worse than evicting.
 */
#include "engine/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"

/* v1 says "no limit" by LONG_MAX rounded to pages; nothing real is here. */
#define NO_LIMIT_FROM	((uint64_t)1 << 62)

/* Room left in a group below which its page cache is read anew. */
#define TIGHT_SLACK	(16 * MIB)
#define TIGHT_PART	32	/* of the limit, added to the slack */

/* Of MemTotal: machine headroom below which MemAvailable is read anew. */
#define TIGHT_MACHINE	16

/* Kept free of the machine: what the kernel needs to stay responsive. */
#define RESERVE_MIN	(64 * MIB)
#define RESERVE_PART	50	/* 2 % of MemTotal */

#define CHECK_NS	(NS_PER_S * 2 / 5)
/* Controllers can be enabled and file systems mounted while we run. */
#define FIND_NS		(30 * NS_PER_S)

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

static int fd_or_none(long fd)
{
	return sys_failed(fd) ? -1 : (int)fd;
}

/* One pread is enough for a file of one line. */
static long read_short(int fd, char *text, size_t len)
{
	const long n = sys_pread(fd, text, len - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return n;
}

/*
 * The number that is all the text of FD.  "max" is PRESSURE_NONE.
 *
 * Returns 0, -EINVAL: something else is in it, or another -errno.
 */
static int read_number(int fd, uint64_t *out)
{
	char text[TEXT_NUM];
	const char *s = text;
	const long n = read_short(fd, text, sizeof(text));

	*out = PRESSURE_NONE;
	if (n < 0)
		return (int)n;
	if (text_equal(text, "max\n") || text_equal(text, "max"))
		return 0;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	*out = text_take_u64(&s);
	if (*s && *s != '\n') {
		*out = PRESSURE_NONE;
		return -EINVAL;
	}
	return 0;
}

static uint64_t read_limit(struct pressure *p, int fd)
{
	uint64_t limit;
	const int err = fd < 0 ? 0 : read_number(fd, &limit);

	if (err && err != -EINVAL)
		p->lost = true;
	if (fd < 0 || err || limit >= NO_LIMIT_FROM)
		return PRESSURE_NONE;
	return limit;
}

static uint64_t level_limit(const struct pressure_level *l)
{
	return min_u64(l->max, l->high);
}

static void read_limits(struct pressure *p, struct pressure_level *l)
{
	l->max = read_limit(p, l->max_fd);
	l->high = read_limit(p, l->high_fd);
}

/* Page cache of a group that the kernel can drop without waiting. */
static uint64_t droppable_of(const char *stat, bool v2)
{
	uint64_t inactive;
	uint64_t active;
	uint64_t dirty;
	uint64_t mapped;
	uint64_t writeback;
	uint64_t total;

	proc_key(stat, v2 ? "inactive_file" : "total_inactive_file", &inactive);
	proc_key(stat, v2 ? "active_file" : "total_active_file", &active);
	proc_key(stat, v2 ? "file_dirty" : "total_dirty", &dirty);
	proc_key(stat, v2 ? "file_writeback" : "total_writeback", &writeback);
	if (__builtin_add_overflow(inactive, active / 2, &total) ||
	    total >= NO_LIMIT_FROM)
		return 0;
	total -= min_u64(total, dirty);
	/* mapped pages are the program's own code: no room to count on */
	proc_key(stat, v2 ? "file_mapped" : "total_mapped_file", &mapped);
	total -= min_u64(total, mapped);
	return total - min_u64(total, writeback);
}

static void read_droppable(struct pressure *p, struct pressure_level *l,
			   uint64_t now_ns)
{
	char *text = p->walk.text;

	l->droppable = 0;
	l->droppable_ns = now_ns;
	if (l->stat_fd >= 0 &&
	    proc_pread(l->stat_fd, text, sizeof(p->walk.text)) > 0)
		l->droppable = droppable_of(text, l->v2);
}

static void read_available(struct pressure *p, uint64_t now_ns)
{
	struct proc_meminfo info = { 0 };
	char *text = p->walk.text;

	p->available_ns = now_ns;
	if (p->meminfo_fd < 0 ||
	    proc_pread(p->meminfo_fd, text, sizeof(p->walk.text)) <= 0 ||
	    proc_meminfo_parse(&info, text) ||
	    info.total >= NO_LIMIT_FROM) {
		p->total = 0;
		return;
	}
	p->total = info.total;
	p->available = min_u64(info.available, info.total);
}

/* "cgroup " and the end of PATH, which says more than its beginning. */
static void take_name(struct pressure_level *l, const char *path)
{
	static const char head[] = "cgroup ";
	static const char cut[] = "...";
	const size_t room = sizeof(l->name) - sizeof(head);
	const size_t len = strlen(path);
	char *end = l->name;

	text_append(&end, l->name + sizeof(l->name), head);
	if (len > room) {
		text_append(&end, l->name + sizeof(l->name), cut);
		path += len - (room - strlen(cut));
	}
	text_append(&end, l->name + sizeof(l->name), path);
}

static void close_level(struct pressure_level *l)
{
	close_fd(&l->max_fd);
	close_fd(&l->high_fd);
	close_fd(&l->usage_fd);
	close_fd(&l->stat_fd);
	close_fd(&l->procs_fd);
}

/*
 * Open the files of the level that W stands at, OWN: of our own group; false
 * if there are none.
 */
static bool open_level(struct pressure_level *l, struct cgroup_walk *w,
		       bool own)
{
	static const char v1[3][24] = {
		"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat",
	};
	static const char v2[3][24] = {
		"memory.max", "memory.current", "memory.stat",
	};
	const char (*names)[24] = w->v2 ? v2 : v1;

	*l = (struct pressure_level){
		.v2 = w->v2,
		.high_fd = -1,
		.procs_fd = -1,
		.max = PRESSURE_NONE,
		.high = PRESSURE_NONE,
	};
	l->max_fd = fd_or_none(cgroup_open(w, names[0]));
	l->usage_fd = fd_or_none(cgroup_open(w, names[1]));
	l->stat_fd = fd_or_none(cgroup_open(w, names[2]));
	if (w->v2)
		l->high_fd = fd_or_none(cgroup_open(w, "memory.high"));
	if (own)
		l->procs_fd = fd_or_none(cgroup_open(w, "cgroup.procs"));
	take_name(l, cgroup_name(w));
	if (l->usage_fd >= 0 && (l->max_fd >= 0 || l->high_fd >= 0))
		return true;
	close_level(l);
	return false;
}

/* Does this v1 group not count what is in the groups below it? */
static bool counts_only_itself(struct cgroup_walk *w)
{
	uint64_t hierarchy;
	int fd;
	int err;

	if (w->v2)
		return false;
	fd = fd_or_none(cgroup_open(w, "memory.use_hierarchy"));
	err = read_number(fd, &hierarchy);
	close_fd(&fd);
	return !err && !hierarchy;
}

static void find_levels(struct pressure *p, bool v2)
{
	struct cgroup_walk *w = &p->walk;
	bool own = true;

	if (cgroup_walk_begin(w, p->cfg.root, v2))
		return;
	do {
		if (p->nr_levels == PRESSURE_LEVELS ||
		    (!own && counts_only_itself(w)))
			break;
		if (open_level(&p->levels[p->nr_levels], w, own))
			p->nr_levels++;
		own = false;
	} while (cgroup_walk_up(w));
}

static long open_proc(struct pressure *p, const char *path)
{
	char *full = p->walk.dir;
	char *end = full;

	text_append(&end, full + sizeof(p->walk.dir), p->cfg.root);
	text_append(&end, full + sizeof(p->walk.dir), path);
	return sys_open(full, O_RDONLY | O_CLOEXEC, 0);
}

static void take_option(struct pressure *p)
{
	p->option = p->cfg.limit;
	if (!p->option && p->cfg.limit_pct)
		p->option = pressure_limit_bytes(p, p->cfg.limit_pct);
}

void pressure_set_limit(struct pressure *p, uint64_t limit, uint32_t pct)
{
	p->cfg.limit = limit;
	p->cfg.limit_pct = pct;
	take_option(p);
}

/* All numbers that pressure_read() does not read by itself. */
static void read_all(struct pressure *p, bool unlimited_too, uint64_t now_ns)
{
	for (unsigned i = 0; i < p->nr_levels; i++) {
		struct pressure_level *l = &p->levels[i];

		if (unlimited_too || level_limit(l) != PRESSURE_NONE)
			read_limits(p, l);
		if (level_limit(l) != PRESSURE_NONE)
			read_droppable(p, l, now_ns);
	}
	read_available(p, now_ns);
	take_option(p);
}

int pressure_find(struct pressure *p, const struct pressure_config *cfg)
{
	const struct pressure_config copy = *cfg;
	const uint64_t now_ns = sys_now_ns();
	long statm;

	p->cfg = copy;
	p->nr_levels = 0;
	p->lost = false;
	p->total = 0;
	p->available = 0;
	p->found_ns = now_ns;
	p->checked_ns = now_ns;
	find_levels(p, false);
	find_levels(p, true);
	p->group_hash = cgroup_own_hash(copy.root, p->walk.text,
					sizeof(p->walk.text));
	p->meminfo_fd = fd_or_none(open_proc(p, "/proc/meminfo"));
	statm = open_proc(p, "/proc/thread-self/statm");
	if (sys_failed(statm))
		statm = open_proc(p, "/proc/self/statm");
	p->statm_fd = fd_or_none(statm);
	read_all(p, true, now_ns);
	if (!p->nr_levels && !p->total && (!p->option || p->statm_fd < 0))
		return -ENOENT;
	return 0;
}

/* A source with LIMIT and USAGE: if it leaves less than NOW, it binds. */
static bool consider(struct pressure_now *now, enum pressure_source source,
		     uint64_t limit, uint64_t usage, const char *name)
{
	const int64_t headroom = (int64_t)min_u64(limit, NO_LIMIT_FROM) -
		(int64_t)min_u64(usage, NO_LIMIT_FROM);

	if (headroom >= now->headroom)
		return false;
	now->source = source;
	now->hard = true;
	now->limit = limit;
	now->usage = usage;
	now->headroom = headroom;
	now->name = name;
	now->procs_fd = -1;
	return true;
}

static void consider_option(struct pressure *p, struct pressure_now *now)
{
	char text[128];
	struct proc_statm statm;

	if (!p->option || p->statm_fd < 0)
		return;
	if (read_short(p->statm_fd, text, sizeof(text)) < 0) {
		p->lost = true;
		return;
	}
	if (proc_statm_parse(&statm, text))
		return;
	consider(now, PRESSURE_BY_OPTION, p->option,
		 statm.resident - min_u64(statm.resident, statm.shared),
		 "option");
}

static void consider_level(struct pressure *p, struct pressure_level *l,
			   struct pressure_now *now, uint64_t now_ns)
{
	const uint64_t limit = level_limit(l);
	uint64_t usage;
	int err;

	if (limit == PRESSURE_NONE)
		return;
	err = read_number(l->usage_fd, &usage);
	if (err || usage == PRESSURE_NONE) {
		p->lost = p->lost || (err && err != -EINVAL);
		return;
	}
	if (l->droppable && now_ns - l->droppable_ns >= PRESSURE_TIGHT_NS &&
	    min_u64(usage, NO_LIMIT_FROM) + TIGHT_SLACK + limit / TIGHT_PART >
	    limit)
		read_droppable(p, l, now_ns);
	if (consider(now, PRESSURE_BY_CGROUP, limit,
		     usage - min_u64(usage, l->droppable), l->name)) {
		now->hard = l->max <= l->high;
		now->procs_fd = l->procs_fd;
	}
}

static void consider_machine(struct pressure *p, struct pressure_now *now,
			     uint64_t now_ns)
{
	uint64_t reserve = p->total / RESERVE_PART;

	if (reserve < RESERVE_MIN)
		reserve = RESERVE_MIN;
	if (!p->total || reserve >= p->total)
		return;
	if (p->available < reserve + p->total / TIGHT_MACHINE &&
	    now_ns - p->available_ns >= PRESSURE_TIGHT_NS)
		read_available(p, now_ns);
	if (!p->total)
		return;
	if (consider(now, PRESSURE_BY_MACHINE, p->total - reserve,
		     p->total - p->available, "machine"))
		now->hard = false;
}

static void read_sources(struct pressure *p, struct pressure_now *now,
			 bool option)
{
	const uint64_t now_ns = sys_now_ns();

	*now = (struct pressure_now){
		.source = PRESSURE_BY_NOTHING,
		.headroom = INT64_MAX,
		.procs_fd = -1,
		.name = "",
	};
	if (option)
		consider_option(p, now);
	for (unsigned i = 0; i < p->nr_levels; i++)
		consider_level(p, &p->levels[i], now, now_ns);
	consider_machine(p, now, now_ns);
}

void pressure_read(struct pressure *p, struct pressure_now *now)
{
	read_sources(p, now, true);
}

void pressure_read_others(struct pressure *p, struct pressure_now *now)
{
	read_sources(p, now, false);
}

/* Once a second: moved to another group?  Files gone?  Time to look again? */
static bool must_find(struct pressure *p, uint64_t now_ns)
{
	uint64_t hash;

	if (p->lost || now_ns - p->found_ns >= FIND_NS)
		return true;
	hash = cgroup_own_hash(p->cfg.root, p->walk.text,
			       sizeof(p->walk.text));
	return hash && hash != p->group_hash;
}

void pressure_refresh(struct pressure *p)
{
	const uint64_t now_ns = sys_now_ns();
	const bool check = now_ns - p->checked_ns >= CHECK_NS;

	if (check) {
		p->checked_ns = now_ns;
		if (must_find(p, now_ns)) {
			pressure_close(p);
			(void)pressure_find(p, &p->cfg);
			return;
		}
	}
	read_all(p, check, now_ns);
}

uint64_t pressure_limit_bytes(const struct pressure *p, unsigned pct)
{
	uint64_t least = p->total ? p->total : PRESSURE_NONE;

	for (unsigned i = 0; i < p->nr_levels; i++)
		least = min_u64(least, p->levels[i].max);
	if (least == PRESSURE_NONE)
		return 0;
	return least / 100 * pct + least % 100 * pct / 100;
}

void pressure_close(struct pressure *p)
{
	for (unsigned i = 0; i < p->nr_levels; i++)
		close_level(&p->levels[i]);
	p->nr_levels = 0;
	close_fd(&p->meminfo_fd);
	close_fd(&p->statm_fd);
}
