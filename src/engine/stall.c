/* SPDX-License-Identifier: MIT */
/*
 * A trigger remembers that it has fired until it is polled, and says so once:
 * to the server's epoll or to our poll, whichever comes first.  An eventfd
 * says so until it is read, which is done here; for it, what the server was
 * told is no more than a reason to look.
 *
 *  Without CAP_SYS_RESOURCE its window must be a
 * multiple of two seconds (Linux 6.5; before that there is none).
 */
#include "engine/stall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"

#define POLL_NS		(100 * NS_PER_MS)
#define SOON_NS		(3 * NS_PER_S)	/* again: the step doubles */
#define HOLD_NS		(10 * NS_PER_S)	/* silence that ends a wish */
#define STEP_PART	32		/* of what is used */
#define STEP_MIN	(4 * MIB)
#define DOUBLED_MOST	3		/* a fourth of what is used */
#define SCARCE_PART	8		/* of MemTotal: little is available */

/* 5 % of a second, or of two, somebody waited. */
static const char trigger[] = "some 50000 1000000";
static const char slow_trigger[] = "some 100000 2000000";

static void close_fd(int *fd)
{
	if (*fd >= 0)
		sys_close(*fd);
	*fd = -1;
}

void stall_init(struct stall *s)
{
	*s = (struct stall){ .wait_fd = -1, .group_fd = -1, .machine_fd = -1 };
}

void stall_wait_on(struct stall *s, int wait_fd)
{
	s->wait_fd = wait_fd;
	s->opened_ns = 0;
}

void stall_fire(struct stall *s, uint32_t source)
{
	atomic_fetch_or(&s->fired, source);
}

void stall_close(struct stall *s)
{
	close_fd(&s->group_fd);
	close_fd(&s->machine_fd);
}

/* Set a trigger on the open file FD, which is given; the same or -1. */
static int set_trigger(long fd)
{
	if (sys_failed(fd))
		return -1;
	if (sys_write((int)fd, trigger, sizeof(trigger)) > 0 ||
	    sys_write((int)fd, slow_trigger, sizeof(slow_trigger)) > 0)
		return (int)fd;
	sys_close((int)fd);
	return -1;
}

/*
 * "EVENTFD LEVELFD critical,local" to the group's event_control.  Local: what
 * happens in groups below ours is no reason to make room here.
 */
static bool register_event(int event_fd, long level_fd, long control_fd)
{
	char text[3 * TEXT_NUM] = "";
	char number[TEXT_NUM];
	char *end = text;
	const char *limit = text + sizeof(text);

	if (sys_failed(level_fd) || sys_failed(control_fd))
		return false;
	text_append(&end, limit, text_u64(number, sizeof(number),
					  (uint64_t)event_fd));
	text_append(&end, limit, " ");
	text_append(&end, limit, text_u64(number, sizeof(number),
					  (uint64_t)level_fd));
	text_append(&end, limit, " critical,local");
	return sys_write((int)control_fd, text, (size_t)(end - text)) > 0;
}

/* An eventfd that counts critical events of the v1 group at W, or -1. */
static int open_events(struct cgroup_walk *w)
{
	const long event_fd = sys_eventfd();
	const long level_fd = cgroup_open(w, "memory.pressure_level");
	const long control_fd = cgroup_open_as(w, "cgroup.event_control",
					       O_WRONLY);
	bool done = false;

	if (sys_failed(event_fd))
		goto close;
	done = register_event((int)event_fd, level_fd, control_fd);
	if (!done)
		sys_close((int)event_fd);
close:
	if (!sys_failed(level_fd))
		sys_close((int)level_fd);
	if (!sys_failed(control_fd))
		sys_close((int)control_fd);
	return done ? (int)event_fd : -1;
}

/*
 * Have the server told of FD.  By edges, as it reads nothing; closing FD ends
 * it.  A file that cannot be waited for, as in tests, is polled.
 */
static void wait_for(const struct stall *s, int fd, uint32_t source,
		     uint32_t events)
{
	if (s->wait_fd >= 0 && fd >= 0)
		sys_epoll_add(s->wait_fd, fd, source, events | EPOLLET);
}

/* The triggers of the group we are in now. */
static void open_all(struct stall *s, struct pressure *p)
{
	struct cgroup_walk *w = &p->walk;
	const char *root = p->cfg.root;
	char path[256];

	stall_close(s);
	s->opened_ns = p->found_ns;
	/* with both versions mounted, version 1 is the one with memory in it */
	s->v1 = !cgroup_walk_begin(w, root, false);
	if (s->v1)
		s->group_fd = open_events(w);
	else if (!cgroup_walk_begin(w, root, true))
		s->group_fd = set_trigger(cgroup_open_as(w, "memory.pressure",
							 O_RDWR | O_NONBLOCK));
	text_copy(path, sizeof(path), root);
	wait_for(s, s->group_fd, STALL_GROUP, s->v1 ? EPOLLIN : EPOLLPRI);
	if (strlen(root) + sizeof("/proc/pressure/memory") > sizeof(path))
		return;
	text_copy(path + strlen(root), sizeof(path) - strlen(root),
		  "/proc/pressure/memory");
	s->machine_fd = set_trigger(sys_open(path, O_RDWR | O_NONBLOCK |
					     O_CLOEXEC, 0));
	wait_for(s, s->machine_fd, STALL_MACHINE, EPOLLPRI);
}

/* Did the group's trigger, or the machine's, fire? */
static void ask(struct stall *s, bool *group, bool *machine)
{
	static const struct timespec at_once;
	struct pollfd fds[] = {
		{ .fd = s->group_fd, .events = s->v1 ? POLLIN : POLLPRI },
		{ .fd = s->machine_fd, .events = POLLPRI },
	};
	const uint32_t fired = atomic_exchange(&s->fired, 0);
	uint64_t count;

	*group = !s->v1 && fired & STALL_GROUP;
	*machine = fired & STALL_MACHINE;
	if (sys_poll(fds, ARRAY_SIZE(fds), &at_once) <= 0)
		return;
	*group |= !!(fds[0].revents & (POLLIN | POLLPRI));
	*machine |= !!(fds[1].revents & POLLPRI);
	/* as a file of nothing is always readable: a fixture, a dead group */
	if (*group && s->v1)
		*group = sys_read(s->group_fd, &count, sizeof(count)) > 0;
	if (fds[0].revents & POLLERR)
		*group = false;
	if (fds[1].revents & POLLERR)
		*machine = false;
}

static void wish_more(struct stall *s, const struct pressure_now *now,
		      uint64_t now_ns)
{
	uint64_t step;

	s->doubled = now_ns - s->asked_ns > SOON_NS ? 0
		   : s->doubled < DOUBLED_MOST ? s->doubled + 1 : s->doubled;
	s->asked_ns = now_ns;
	step = now->usage / STEP_PART << s->doubled;
	if (step < STEP_MIN)
		step = STEP_MIN;
	if (now->headroom + (int64_t)step > s->wish)
		s->wish = now->headroom + (int64_t)step;
	count_one(UZSWAP_COUNT_stalls);
	log_debug("the kernel says that memory is short", NULL);
}

void stall_look(struct stall *s, struct pressure *p,
		const struct pressure_now *now)
{
	const uint64_t now_ns = sys_now_ns();
	bool group;
	bool machine;

	if (now_ns - s->polled_ns < POLL_NS && !atomic_load(&s->fired))
		return;
	s->polled_ns = now_ns;
	if (s->opened_ns != p->found_ns)
		open_all(s, p);
	if (now->limit != s->limit || now_ns - s->asked_ns > HOLD_NS)
		s->wish = 0;
	s->limit = now->limit;
	if (s->group_fd < 0 && s->machine_fd < 0)
		return;
	ask(s, &group, &machine);
	if (!p->total || p->available >= p->total / SCARCE_PART)
		machine = false;
	if (now->limit && (group || machine))
		wish_more(s, now, now_ns);
}
