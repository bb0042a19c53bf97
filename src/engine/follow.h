/* SPDX-License-Identifier: MIT */
/*
 * Where a fault server runs: on the CPU of the thread it serves.
 *
 * There, a fault is two switches of context.  On another CPU that had nothing
 * to do it is two wake-ups of an idle CPU, which on a virtual machine take
 * tens of microseconds each; and that is where the scheduler puts a server
 * that is free to move, since it looks idle.
 *
 * The message tells who waits and not where. So a server that answers one
 * thread again and again looks it up now and then and binds itself to that
 * CPU; one that answers many threads runs wherever it likes.  A thread that
 * is woken where another CPU is idle may be sent there: then each of its
 * faults takes far longer than before, and that is when the server looks, too.
 */
#ifndef UZ_ENGINE_FOLLOW_H
#define UZ_ENGINE_FOLLOW_H

#include "base/types.h"

#define FOLLOW_WORDS	16	/* CPUs / 64 */
#define FOLLOW_VISITING	(-2)	/* as CPU */

struct follow {
	int32_t tid;		/* whom, or 0 */
	int32_t cpu;		/* bound to this one; -1 free */
	uint32_t same;		/* faults of that thread in this round */
	uint32_t nr;		/* faults in this round */
	uint64_t since_ns;	/* when it began */
	uint64_t usual_ns;	/* from an answer to his next fault: mean */
	uint32_t late;		/* so many of these in a row took longer */
	uint32_t patience;	/* before that means that he has moved */
	uint64_t allowed[FOLLOW_WORDS];	/* CPUs at the start */
};

/* Context: server, its own thread, as all here. */
void follow_start(struct follow *f);

/*
 * The reverse, for who is to leave CPU to others; -1: run anywhere.  Where
 * there is no other one it stays.
 */
void follow_away(struct follow *f, int32_t cpu);

/* Make thread TID of ours leave F's CPU at once. */
void follow_send_away(const struct follow *f, int32_t tid);

/* To CPU alone, until follow_away() is called; false: it may not be there. */
bool follow_visit(struct follow *f, int32_t cpu);

static inline bool follow_is_visiting(const struct follow *f)
{
	return f->cpu == FOLLOW_VISITING;
}

/* Is this server where its thread is? */
static inline bool follow_is_bound(const struct follow *f)
{
	return f->cpu >= 0;
}

/*
 * A fault of thread TID was read at NOW_NS, AFTER_NS since the last one was
 * answered, and is answered now: time to move?
 */
void follow_fault(struct follow *f, int32_t tid, uint64_t now_ns,
		  uint64_t after_ns);

#endif
