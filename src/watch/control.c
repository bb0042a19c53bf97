/* SPDX-License-Identifier: MIT */
/*
 * WORD is the whole protocol: see include/uzswap/ctl.h.  It is the only thing
 * in the page whose changes by others mean something, and every change we
 * make to it is right whatever it was before: a compare-and-swap from a
 * request, or a plain store of an end.
 */
#include "watch/control.h"

#include <errno.h>
#include <string.h>

#include "base/sys.h"
#include "base/text.h"
#include "engine/engine.h"
#include "watch/publish.h"

#define STEP_NS		(10 * NS_PER_MS)	/* between two looks at work */

static _Atomic uint32_t *shared(uint32_t *word)
{
	return (_Atomic uint32_t *)word;
}

void control_copy(struct uzswap_ctl_request *to,
		  const struct uzswap_ctl_request *from)
{
	memcpy(to, from, sizeof(*to));
	/* the compiler must not look there again */
	atomic_signal_fence(memory_order_seq_cst);
	if (to->text_len > sizeof(to->text))
		to->text_len = sizeof(to->text);
	if (to->text_len)
		to->text[to->text_len - 1] = '\0';
}

enum control_result control_fail(struct control *c, int err, const char *a,
				 const char *b, const char *text)
{
	char *end = c->answer.text;
	const char *limit = end + sizeof(c->answer.text);

	*end = '\0';
	text_append(&end, limit, a);
	text_append(&end, limit, b);
	text_append(&end, limit, text);
	c->answer.err = err;
	return CONTROL_DONE;
}

bool control_is_cancelled(const struct control *c)
{
	struct uzswap_ctl *ctl = publish_ctl(c->publish);

	return atomic_load(shared(&ctl->cancel)) == c->word >> 2;
}

/* How far it is, for who waits. */
static void show(struct control *c, struct uzswap_ctl_answer *page)
{
	c->answer.beat++;
	page->done = c->answer.done;
	page->total = c->answer.total;
	atomic_store(shared(&page->beat), c->answer.beat);
}

static void finish(struct control *c, struct uzswap_ctl *ctl)
{
	/* who has the answer finds the numbers of after it */
	publish_now(c->publish);
	c->answer.beat++;
	memcpy(&ctl->answer, &c->answer, sizeof(ctl->answer));
	atomic_store(shared(&ctl->word), (c->word & ~UZSWAP_CTL_PHASE) |
					 UZSWAP_CTL_DONE);
	sys_futex_wake_shared(shared(&ctl->word), 1 << 16);
	c->word = 0;
}

/* Take the request, if there is one; true if there is something to do. */
static bool take(struct control *c, struct uzswap_ctl *ctl)
{
	uint32_t word = atomic_load(shared(&ctl->word));
	uint32_t taken = (word & ~UZSWAP_CTL_PHASE) | UZSWAP_CTL_TAKEN;

	if ((word & UZSWAP_CTL_PHASE) != UZSWAP_CTL_ASKED ||
	    !atomic_compare_exchange_strong(shared(&ctl->word), &word, taken))
		return false;
	c->word = taken;
	control_copy(&c->request, &ctl->request);
	memset(&c->answer, 0, sizeof(c->answer));
	/* an answer of before must not be taken for how far this one is */
	memset(&ctl->answer, 0, sizeof(ctl->answer));
	c->started_ns = sys_now_ns();
	return true;
}

static enum control_result begin(struct control *c)
{
	const uint32_t kind = c->request.kind;

	if (kind >= UZSWAP_CTL_NR_KINDS || !control_work[kind].begin)
		return control_fail(c, -EINVAL, "no such request in uzswap ",
				    PACKAGE_VERSION, "");
	return control_work[kind].begin(c);
}

uint64_t control_serve(void *control)
{
	struct control *c = control;
	enum control_result result;
	struct uzswap_ctl *ctl;

	/* before its first page a child has the parent's */
	if (!c->engine->outer_bell)
		return UINT64_MAX;
	ctl = publish_ctl(c->publish);
	if (c->word)
		result = control_work[c->request.kind].step(c);
	else if (take(c, ctl))
		result = begin(c);
	else
		return UINT64_MAX;
	if (result == CONTROL_DONE) {
		finish(c, ctl);
		return UINT64_MAX;
	}
	show(c, &ctl->answer);
	return STEP_NS;
}

void control_begin(struct control *c)
{
	c->word = 0;
}
