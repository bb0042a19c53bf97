/* SPDX-License-Identifier: MIT */
/*
 * Frame pointers are read through process_vm_readv on ourselves: an address
 * that is none ends the walk, where a plain read would end the program.
 */
#define _GNU_SOURCE
#include "hooks/unwind.h"

#include <sys/uio.h>
#include <unwind.h>

#include "base/sys.h"

#if defined(__x86_64__)
#define FRAME_REGISTER	6	/* DWARF's number of rbp */
#elif defined(__aarch64__)
#define FRAME_REGISTER	29
#endif

#define FRAME_MOST	(1u << 20)	/* a frame is not larger */

static struct known known;

/* --- frame pointers ------------------------------------------------------ */

/* A page of our own memory, as the kernel reads it: it may not be there. */
struct window {
	uintptr_t at;		/* 0: none */
	uint64_t words[PAGE_SIZE / 8];
};

/* The word at ADDR, a multiple of 8; false if there is none. */
static bool window_read(struct window *w, uint64_t *word, uintptr_t addr)
{
	uintptr_t page = addr & PAGE_MASK;

	if (w->at != page) {
		struct iovec local = { w->words, PAGE_SIZE };
		struct iovec remote = { (void *)page, PAGE_SIZE };

		w->at = 0;
		if (sys_process_vm_readv((pid_t)sys_getpid(), &local,
					 &remote) != (long)PAGE_SIZE)
			return false;
		w->at = page;
	}
	*word = w->words[(addr - page) / 8];
	return true;
}

/* From the frame at FP on: more of S. */
static void by_frame_pointer(struct stack *s, size_t max, uintptr_t fp)
{
	struct window w;

	w.at = 0;
	while (s->nr < max) {
		uint64_t next;
		uint64_t pc;

		/* the caller's frame pointer, and where it goes on */
		if (fp < PAGE_SIZE || fp % 8 || !window_read(&w, &next, fp) ||
		    !window_read(&w, &pc, fp + 8) || pc < PAGE_SIZE ||
		    pc >> ADDR_BITS)
			break;
		s->slots[s->nr] = fp + 8;
		s->frames[s->nr++] = pc;
		if (next <= fp || next - fp > FRAME_MOST)
			break;
		fp = next;
	}
}

/* --- unwind tables ------------------------------------------------------- */

struct walk {
	struct stack *stack;
	size_t max;
	uintptr_t base;		/* of frames above this one, which are ours */
	uintptr_t fp;		/* the frame register in the last frame */
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context,
				      void *arg)
{
	struct walk *w = arg;
	struct stack *s = w->stack;
	uintptr_t pc = _Unwind_GetIP(context);
	uintptr_t slot = _Unwind_GetCFA(context) - 8;

	if (!pc || s->nr == w->max)
		return _URC_NORMAL_STOP;
	w->fp = _Unwind_GetGR(context, FRAME_REGISTER);
	if (!s->nr && slot < w->base)
		return _URC_NO_REASON;
	s->slots[s->nr] = slot;
	s->frames[s->nr++] = pc;
	return _URC_NO_REASON;
}

static void by_tables(struct stack *s, size_t max, uintptr_t base)
{
	struct walk walk = { .stack = s, .max = max, .base = base };

	/* ends where there is no table: at the start, or in a JIT's code */
	if (_Unwind_Backtrace(note_frame, &walk) == _URC_END_OF_STACK)
		by_frame_pointer(s, max, walk.fp);
}

__attribute__((noinline)) void unwind_stack(enum unwind_mode mode,
					    struct stack *out, size_t max)
{
	uintptr_t base = (uintptr_t)__builtin_frame_address(0);

	out->nr = 0;
	if (mode == UNWIND_FP) {
		by_frame_pointer(out, max, base);
	} else if (!known_find(&known, base, out)) {
		by_tables(out, max, base);
		known_keep(&known, base, out);
	}
}
