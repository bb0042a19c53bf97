/* SPDX-License-Identifier: MIT */
/*
 * Looking takes some 15 us (the kernel writes fifty numbers to give us one),
 * so it is done once in a round of faults, and at once when a new thread has
 * the first faults of a burst.  A round of rare faults, as of watched pages,
 * ends by time: by then the thread may well be somewhere else.
 */
#include "engine/follow.h"

#include <string.h>

#include "base/proc.h"
#include "base/sys.h"
#include "base/text.h"

#define ROUND		128u	/* faults; 0.1 us each for looking */
#define FIRST		4u	/* of these from a new thread: look now */
#define ROUND_NS	(20 * NS_PER_MS) /* if faults are rare */
#define ROUND_LEAST	2u	/* but of so many: one says nothing */
#define LATE_NS		(25 * NS_PER_US) /* half of two idle CPUs' wake-up */
#define LATE_FEW	2u	/* faults in a row */
#define LATE_MANY	64u
#define MOSTLY(n)	((n) - (n) / 8)

void follow_start(struct follow *f)
{
	memset(f, 0, sizeof(*f));
	f->cpu = -1;
	f->patience = LATE_FEW;
	if (sys_sched_getaffinity(0, sizeof(f->allowed), f->allowed) <= 0)
		memset(f->allowed, 0xff, sizeof(f->allowed));
}

static bool is_allowed(const struct follow *f, int32_t cpu)
{
	return cpu >= 0 && cpu < FOLLOW_WORDS * 64 &&
	       (f->allowed[cpu / 64] >> (cpu % 64) & 1);
}

static void bind(struct follow *f, int32_t cpu)
{
	uint64_t one[FOLLOW_WORDS] = { 0 };

	if (cpu == f->cpu)
		return;
	if (!is_allowed(f, cpu)) {
		f->cpu = -1;
		sys_sched_setaffinity(0, sizeof(f->allowed), f->allowed);
		return;
	}
	one[cpu / 64] = (uint64_t)1 << (cpu % 64);
	if (!sys_failed(sys_sched_setaffinity(0, sizeof(one), one)))
		f->cpu = cpu;
}

/* Keep thread TID, 0: this one, away from CPU. */
static void keep_away(const struct follow *f, int32_t tid, int32_t cpu)
{
	uint64_t rest[FOLLOW_WORDS];
	uint64_t left = 0;

	memcpy(rest, f->allowed, sizeof(rest));
	if (is_allowed(f, cpu))
		rest[cpu / 64] &= ~((uint64_t)1 << (cpu % 64));
	for (unsigned i = 0; i < FOLLOW_WORDS; i++)
		left |= rest[i];
	if (left)
		sys_sched_setaffinity(tid, sizeof(rest), rest);
}

void follow_away(struct follow *f, int32_t cpu)
{
	if (likely(cpu == f->cpu))
		return;
	f->cpu = cpu;
	keep_away(f, 0, cpu);
}

void follow_send_away(const struct follow *f, int32_t tid)
{
	keep_away(f, tid, f->cpu);
}

bool follow_visit(struct follow *f, int32_t cpu)
{
	uint64_t one[FOLLOW_WORDS] = { 0 };

	if (!is_allowed(f, cpu))
		return false;
	one[cpu / 64] = (uint64_t)1 << (cpu % 64);
	if (sys_failed(sys_sched_setaffinity(0, sizeof(one), one)))
		return false;
	f->cpu = FOLLOW_VISITING;
	return true;
}

static bool is_over(const struct follow *f, uint64_t now_ns)
{
	return f->nr >= ROUND || (f->cpu < 0 && f->same == FIRST) ||
	       (f->nr >= ROUND_LEAST && now_ns - f->since_ns >= ROUND_NS);
}

/*
 * Has he moved?  Who only has more to do between two faults than before is
 * looked up in vain, and then less and less often.
 */
static void note_pace(struct follow *f, uint64_t after_ns)
{
	const int32_t was = f->cpu;

	if (after_ns <= f->usual_ns + LATE_NS) {
		f->usual_ns += after_ns / 8 - f->usual_ns / 8;
		f->late = 0;
		return;
	}
	if (++f->late < f->patience)
		return;
	f->late = 0;
	bind(f, proc_task_cpu(f->tid));
	if (f->cpu != was) {
		f->patience = LATE_FEW;
		return;
	}
	f->usual_ns = after_ns;
	if (f->patience < LATE_MANY)
		f->patience *= 2;
}

void follow_fault(struct follow *f, int32_t tid, uint64_t now_ns,
		  uint64_t after_ns)
{
	if (f->cpu >= 0 && tid == f->tid)
		note_pace(f, after_ns);
	if (!f->nr++ && f->cpu < 0)
		f->tid = tid;
	if (tid == f->tid)
		f->same++;
	if (!is_over(f, now_ns))
		return;
	if (f->same >= MOSTLY(f->nr)) {
		bind(f, proc_task_cpu(f->tid));
	} else {
		bind(f, -1);
	}
	f->same = 0;
	f->nr = 0;
	f->since_ns = now_ns;
}
