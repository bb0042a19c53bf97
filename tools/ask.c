/* SPDX-License-Identifier: MIT */
/*
 * Asking: see ask.h, and the protocol in include/uzswap/ctl.h.
 *
 * While we wait, the futex is only what makes it quick; every POLL_NS the
 * process itself is looked at, so that what is wrong can be said: that it has
 * ended, is stopped, or does not get to it.
 */
#define _GNU_SOURCE
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "target.h"
#include "units.h"

#define POLL_NS		20000000
#define STOPPED_NS	200000000ull	/* it may just be going on */
#define SILENT_NS	10000000000ull	/* taken, and no beat since */
#define TICKETS		(UINT32_MAX >> 2)
#define MAP_LEN		(UZSWAP_CTL_FILE_LEN - UZSWAP_CTL_AT)

_Static_assert(sizeof(struct uzswap_ctl) <= MAP_LEN, "it is mapped whole");

static volatile sig_atomic_t interrupted;

/* One request on its way. */
struct asking {
	const struct client *client;
	const struct ask *ask;
	int fd;
	struct uzswap_ctl *ctl;		/* mapped; others write there */
	uint32_t ticket;
	uint64_t since_ns;		/* of the last sign of life */
	uint32_t beat;
	bool given_up;
	char *why;
	size_t why_len;
};

static int fail(const struct asking *a, int err, const char *why)
{
	snprintf(a->why, a->why_len, "%s", why);
	return err;
}

static _Atomic uint32_t *shared(uint32_t *word)
{
	return (_Atomic uint32_t *)word;
}

static uint32_t phase(uint32_t word)
{
	return word & UZSWAP_CTL_PHASE;
}

static void bound(uint64_t *value, uint64_t max)
{
	if (*value > max)
		*value = max;
}

void ask_take_answer(struct ask_answer *out,
		     const struct uzswap_ctl_answer *page)
{
	struct uzswap_ctl_answer copy;

	memcpy(&copy, page, sizeof(copy));
	/* the compiler must not look there again */
	atomic_signal_fence(memory_order_seq_cst);
	out->err = copy.err > 0 || copy.err < -4095 ? -EIO : copy.err;
	out->total = copy.total;
	out->done = copy.done;
	bound(&out->total, INT64_MAX);
	bound(&out->done, out->total ? out->total : INT64_MAX);
	for (size_t i = 0; i < UZSWAP_CTL_NUMBERS; i++) {
		out->numbers[i] = copy.numbers[i];
		bound(&out->numbers[i], INT64_MAX);
	}
	memcpy(out->text, copy.text, sizeof(out->text));
	snapshot_clean_text(out->text, sizeof(out->text));
}

/* --- the page ------------------------------------------------------------ */

/* May it be mapped without fear that it is cut off below us? */
static bool is_whole(int fd)
{
	struct statfs fs;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) &&
	       fstat(fd, &st) == 0 && st.st_size >= UZSWAP_CTL_FILE_LEN &&
	       fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static int check_page(const struct asking *a)
{
	const struct uzswap_ctl *ctl = a->ctl;

	if (ctl->magic != UZSWAP_CTL_MAGIC || ctl->size < sizeof(*ctl))
		return fail(a, -EBADMSG, "its control page is not one");
	if (ctl->version != UZSWAP_CTL_VERSION) {
		snprintf(a->why, a->why_len,
			 "control page of version %u, this zctl speaks %u",
			 ctl->version, UZSWAP_CTL_VERSION);
		return -EBADMSG;
	}
	if (ctl->gone)
		return fail(a, -ENOTCONN,
			    "uzswap has stepped aside there for good (a "
			    "seccomp filter over all threads)");
	if ((uint32_t)a->ask->kind >= ctl->nr_kinds) {
		snprintf(a->why, a->why_len, "uzswap %s there cannot do that, "
			 "this is " PACKAGE_VERSION,
			 a->client->snap.s.library_version);
		return -EBADMSG;
	}
	return 0;
}

static int open_page(struct asking *a)
{
	char path[64];
	void *at;

	/* what was opened and checked, and not what is there by now */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->client->fd);
	a->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (a->fd < 0 && (errno == EACCES || errno == EPERM))
		return fail(a, -EACCES, "its control page may not be written");
	if (a->fd < 0)
		return fail(a, -errno, "its control page cannot be opened");
	if (!is_whole(a->fd))
		return fail(a, -EBADMSG, "it has no control page: its uzswap "
			    "is older than this zctl, or not what it seems");
	at = mmap(NULL, MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd,
		  UZSWAP_CTL_AT);
	if (at == MAP_FAILED)
		return fail(a, -EBADMSG, "its control page cannot be mapped");
	a->ctl = at;
	return check_page(a);
}

static void close_page(struct asking *a)
{
	if (a->ctl)
		munmap(a->ctl, MAP_LEN);
	if (a->fd >= 0)
		close(a->fd);	/* and with it the lock */
}

/* --- waiting ------------------------------------------------------------- */

/* Until WORD is not WAS any more, or for a moment. */
static void nap(struct asking *a, uint32_t was)
{
	const struct timespec max = { .tv_nsec = POLL_NS };

	syscall(SYS_futex, &a->ctl->word, FUTEX_WAIT, was, &max, NULL, 0);
}

/* Why does nobody answer?  0: it may yet. */
static int look_at_process(struct asking *a, uint64_t patience_ns)
{
	uint64_t silent = snapshot_now_ns() - a->since_ns;
	bool stopped;
	char text[UNITS_BUF];

	if (client_is_alive(a->client, &stopped) < 0)
		return fail(a, -ESRCH, "the process has ended");
	if (stopped && silent > STOPPED_NS)
		return fail(a, -ETIMEDOUT, "it is stopped (by a signal or a "
			    "debugger) and cannot answer; see kill -CONT");
	if (a->ctl->gone)
		return fail(a, -ENOTCONN, "uzswap has stepped aside there");
	if (silent <= patience_ns)
		return 0;
	snprintf(a->why, a->why_len, "no answer within %s: it is frozen, or "
		 "does not get to run",
		 units_duration(text, sizeof(text), patience_ns));
	return -ETIMEDOUT;
}

static uint64_t patience(const struct ask *ask)
{
	return ask->timeout_ns ? ask->timeout_ns : ASK_TIMEOUT_NS;
}

/* The lock of who asks, and a page on which nothing is going on. */
static int take_turn(struct asking *a)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint32_t word;

	a->since_ns = snapshot_now_ns();
	while (flock(a->fd, LOCK_EX | LOCK_NB)) {
		if (snapshot_now_ns() - a->since_ns > patience(a->ask))
			return fail(a, -EBUSY, "another zctl is asking it for "
				    "something just now");
		nanosleep(&pause, NULL);
	}
	for (;;) {
		word = atomic_load(shared(&a->ctl->word));
		/* left over by somebody who was killed */
		if (phase(word) == UZSWAP_CTL_ASKED)
			atomic_compare_exchange_strong(shared(&a->ctl->word),
				&word, word & ~UZSWAP_CTL_PHASE);
		else if (phase(word) != UZSWAP_CTL_TAKEN)
			break;
		if (snapshot_now_ns() - a->since_ns > patience(a->ask))
			return fail(a, -EBUSY, "it is still busy with what "
				    "another zctl asked for");
		nap(a, word);
	}
	a->ticket = ((word >> 2) + 1) & TICKETS;
	return 0;
}

static void make_request(struct asking *a)
{
	struct uzswap_ctl_request *r = &a->ctl->request;
	const struct ask *ask = a->ask;

	r->kind = ask->kind;
	r->text_len = (uint32_t)ask->text_len;
	memcpy(r->args, ask->args, sizeof(r->args));
	if (ask->text_len)
		memcpy(r->text, ask->text, ask->text_len);
	atomic_store(shared(&a->ctl->word),
		     a->ticket << 2 | UZSWAP_CTL_ASKED);
	syscall(SYS_futex, &a->ctl->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	a->since_ns = snapshot_now_ns();
}

/* Until it is taken; or an error, and it is taken back. */
static int wait_taken(struct asking *a)
{
	const uint32_t asked = a->ticket << 2 | UZSWAP_CTL_ASKED;

	for (;;) {
		uint32_t word = atomic_load(shared(&a->ctl->word));
		int ret;

		if (word != asked)
			return 0;
		ret = look_at_process(a, patience(a->ask));
		if (ret && atomic_compare_exchange_strong(
				shared(&a->ctl->word), &word,
				asked & ~UZSWAP_CTL_PHASE))
			return ret;
		nap(a, asked);
	}
}

static void give_up(struct asking *a)
{
	a->given_up = true;
	atomic_store(shared(&a->ctl->cancel), a->ticket);
}

/* Is it time to tell how far it is, and is that enough? */
static void watch_work(struct asking *a, uint64_t begun_ns)
{
	const struct ask *ask = a->ask;
	uint32_t beat = atomic_load(shared(&a->ctl->answer.beat));
	struct ask_answer so_far;

	if (beat != a->beat)
		a->since_ns = snapshot_now_ns();
	a->beat = beat;
	ask_take_answer(&so_far, &a->ctl->answer);
	if (a->given_up)
		return;
	if (ask->progress)
		ask->progress(ask->ctx, &so_far);
	if (interrupted || (ask->work_ns && snapshot_now_ns() - begun_ns >
					    ask->work_ns))
		give_up(a);
}

static int wait_done(struct asking *a)
{
	const uint64_t begun_ns = snapshot_now_ns();

	for (;;) {
		uint32_t word = atomic_load(shared(&a->ctl->word));
		int ret;

		if (word == (a->ticket << 2 | UZSWAP_CTL_DONE))
			return 0;
		if (word != (a->ticket << 2 | UZSWAP_CTL_TAKEN))
			return fail(a, -EBADMSG, "somebody else writes its "
				    "control page");
		watch_work(a, begun_ns);
		ret = look_at_process(a, SILENT_NS);
		if (ret) {
			give_up(a);
			return ret;
		}
		nap(a, word);
	}
}

static int check_kind(const struct asking *a)
{
	switch (a->client->kind) {
	case CLIENT_PAGE:
		return 0;
	case CLIENT_DORMANT:
		return fail(a, -ENOTCONN, "uzswap is dormant there: too "
			    "little memory to manage, so there is nothing to "
			    "control yet");
	case CLIENT_CHILD:
		return fail(a, -ENOTCONN, "a forked child that uzswap has not "
			    "taken over");
	case CLIENT_NONE:
		break;
	}
	return fail(a, -ENOTCONN, "not under uzswap");
}

int ask(const struct client *client, const struct ask *ask,
	struct ask_answer *out, char *why, size_t why_len)
{
	struct asking a = {
		.client = client, .ask = ask, .fd = -1,
		.why = why, .why_len = why_len,
	};
	int ret = check_kind(&a);

	memset(out, 0, sizeof(*out));
	if (ask->text_len > UZSWAP_CTL_TEXT)
		ret = fail(&a, -EINVAL, "too much at once");
	if (!ret)
		ret = open_page(&a);
	if (!ret)
		ret = take_turn(&a);
	if (!ret) {
		make_request(&a);
		ret = wait_taken(&a);
	}
	if (!ret)
		ret = wait_done(&a);
	if (!ret)
		ask_take_answer(out, &a.ctl->answer);
	close_page(&a);
	return ret;
}

enum zctl_status ask_for(const struct client *client, const struct ask *a,
			 struct ask_answer *out)
{
	char why[256];
	int ret = ask(client, a, out, why, sizeof(why));

	if (ret < 0)
		zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
	return target_status(ret);
}

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

void ask_catch_signals(void)
{
	struct sigaction action = {
		.sa_handler = interrupt,
		.sa_flags = (int)SA_RESETHAND,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
