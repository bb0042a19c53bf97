/* SPDX-License-Identifier: MIT */
/*
 * A stack is read through process_vm_readv on ourselves: an address that is
 * none ends the walk, where a plain read would end the program.
 */
#define _GNU_SOURCE
#include "hooks/unwind.h"

#include <string.h>
#include <sys/uio.h>
#include <unwind.h>

#include "base/sys.h"

#if defined(__x86_64__)
#define FRAME_REGISTER	6	/* DWARF's number of rbp */
#elif defined(__aarch64__)
#define FRAME_REGISTER	29
#endif

#define COPY_LEN	4096u	/* of the stack at a time */
#define FRAME_MOST	(1u << 20)	/* a frame is not larger */

/* --- frame pointers ------------------------------------------------------ */

/* LEN bytes of our own memory, if they are there. */
static bool copy(void *to, uintptr_t from, size_t len)
{
	struct iovec local = { to, len };
	struct iovec remote = { (void *)from, len };

	return sys_process_vm_readv((pid_t)sys_getpid(), &local, &remote) ==
	       (long)len;
}

/* The two words at FP: the caller's frame pointer, and where it goes on. */
static bool read_frame(uint64_t pair[2], char *buf, uintptr_t *buf_at,
		       uintptr_t fp)
{
	if (*buf_at && fp >= *buf_at && fp + 16 <= *buf_at + COPY_LEN) {
		memcpy(pair, buf + (fp - *buf_at), 16);
		return true;
	}
	/* up to the end of the page only: the next may not be there */
	*buf_at = fp & ~(uintptr_t)(COPY_LEN - 1);
	if (copy(buf, *buf_at, COPY_LEN) && fp + 16 <= *buf_at + COPY_LEN) {
		memcpy(pair, buf + (fp - *buf_at), 16);
		return true;
	}
	*buf_at = 0;
	return copy(pair, fp, 16);
}

/* From the frame at FP on: more of FRAMES, of which there are NR. */
static size_t by_frame_pointer(uint64_t *frames, size_t nr, size_t max,
			       uintptr_t fp)
{
	char buf[COPY_LEN];
	uintptr_t buf_at = 0;

	while (nr < max) {
		uint64_t pair[2];

		if (fp < PAGE_SIZE || fp % 8 ||
		    !read_frame(pair, buf, &buf_at, fp) ||
		    pair[1] < PAGE_SIZE || pair[1] >> ADDR_BITS)
			break;
		frames[nr++] = pair[1];
		if (pair[0] <= fp || pair[0] - fp > FRAME_MOST)
			break;
		fp = pair[0];
	}
	return nr;
}

/* --- unwind tables ------------------------------------------------------- */

struct walk {
	uint64_t *frames;
	size_t nr;
	size_t max;
	uintptr_t fp;		/* the frame register in the last frame */
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context,
				      void *arg)
{
	struct walk *w = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	if (!pc || w->nr == w->max)
		return _URC_NORMAL_STOP;
	w->frames[w->nr++] = pc;
	w->fp = _Unwind_GetGR(context, FRAME_REGISTER);
	return _URC_NO_REASON;
}

static size_t by_tables(uint64_t *frames, size_t max)
{
	struct walk w = { .frames = frames, .max = max };

	/* ends where there is no table: at the start, or in a JIT's code */
	if (_Unwind_Backtrace(note_frame, &w) == _URC_END_OF_STACK)
		w.nr = by_frame_pointer(frames, w.nr, max, w.fp);
	return w.nr;
}

size_t unwind_stack(enum unwind_mode mode, uint64_t *frames, size_t max)
{
	if (mode == UNWIND_TABLES)
		return by_tables(frames, max);
	return by_frame_pointer(frames, 0, max,
				(uintptr_t)__builtin_frame_address(0));
}
