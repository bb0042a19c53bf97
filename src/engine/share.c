/* SPDX-License-Identifier: MIT */
/*
 * One open, read and close per process and look.  statm can be read for
 * processes of anybody; with hidepid those of others are not seen, and do not
 * count.
 */
#include "engine/share.h"

#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"

#define LOOK_NS		(200 * NS_PER_MS)
#define IDLE_NS		NS_PER_S
#define SMALL_PART	32	/* of the limit: too small to count */
#define IDLE_MISSES	16u	/* a second: as good as none */
/*
 * The excess at which all of the extra is kept free is a fifth of the mean:
 * what is free in excess then costs the group a sixty-fourth of its limit.
 */
#define FULL_PART	5

static uint64_t anonymous_of(const char *text)
{
	struct proc_statm statm;

	if (proc_statm_parse(&statm, text) || statm.resident < statm.shared)
		return 0;
	return statm.resident - statm.shared;
}

/* Of the process whose number is at *LIST, which moves to the next. */
static uint64_t next_peer(const char *root, const char **list)
{
	char path[256];
	char text[128];
	char number[TEXT_NUM];
	char *end = path;
	long n;

	text_u64(number, sizeof(number), text_take_u64(list));
	while (**list && (**list < '0' || **list > '9'))
		(*list)++;
	*path = '\0';
	text_append(&end, path + sizeof(path), root);
	text_append(&end, path + sizeof(path), "/proc/");
	text_append(&end, path + sizeof(path), number);
	text_append(&end, path + sizeof(path), "/statm");
	n = proc_read(path, text, sizeof(text));
	return n > 0 ? anonymous_of(text) : 0;
}

/* Number and mean of all that are not small. */
static void add_up(struct share *s, const char *root, uint64_t limit)
{
	const char *list = s->text;
	uint64_t sum = 0;
	uint32_t nr = 0;

	for (unsigned i = 0; i < SHARE_PEERS && *list; i++) {
		uint64_t size = next_peer(root, &list);

		if (size < limit / SMALL_PART || size > limit)
			continue;
		sum += size;
		nr++;
	}
	if (nr < 2)
		return;
	s->mean = sum / nr;
	s->nr = nr;
}

static void look_at_others(struct share *s, const struct pressure *p,
			   const struct pressure_now *now)
{
	s->mean = 0;
	s->nr = 1;
	if (now->procs_fd >= 0 &&
	    proc_pread(now->procs_fd, s->text, sizeof(s->text)) > 0)
		add_up(s, p->cfg.root, now->limit);
}

void share_look(struct share *s, const struct pressure *p,
		const struct pressure_now *now, uint64_t missed)
{
	const uint64_t now_ns = sys_now_ns();
	char text[128];

	if (now_ns - s->judged_ns >= IDLE_NS) {
		s->idle = missed - s->missed < IDLE_MISSES;
		s->missed = missed;
		s->judged_ns = now_ns;
	}
	if (now_ns - s->looked_ns >= LOOK_NS) {
		s->looked_ns = now_ns;
		look_at_others(s, p, now);
	}
	if (s->mean && p->statm_fd >= 0 &&
	    proc_pread(p->statm_fd, text, sizeof(text)) > 0)
		s->own = anonymous_of(text);
}

int64_t share_extra(const struct share *s, int64_t reserve)
{
	uint64_t excess = s->own > s->mean ? s->own - s->mean : 0;

	if (!s->mean)
		return 0;
	if (s->idle || excess >= s->mean / FULL_PART)
		return reserve;
	return reserve * (int64_t)(excess / PAGE_SIZE) /
	       (int64_t)(s->mean / FULL_PART / PAGE_SIZE + 1);
}
