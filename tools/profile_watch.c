/* SPDX-License-Identifier: MIT */
/*
 * Recording from a command: see profile_watch.h.
 *
 * A program that is run is a child of ours, started by `zctl run` itself, so
 * that everything is checked and said as it is there; its exit status is
 * ours.  Nothing of us is in the process but the library.
 */
#define _GNU_SOURCE
#include "profile_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "profile_record.h"

#define NS_PER_MS	1000000u
#define LOOK_NS		(500 * NS_PER_MS)
#define START_LOOKS	100	/* five seconds */
#define ENDED		(1 << 30) /* in a wait status: it was waited for */

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void pause_once(void)
{
	const struct timespec ts = { 0, LOOK_NS };

	nanosleep(&ts, NULL);
}

static bool is_over(uint64_t duration_ms, uint64_t start_ns)
{
	return interrupted || (duration_ms != UINT64_MAX &&
		(snapshot_now_ns() - start_ns) / NS_PER_MS >= duration_ms);
}

/* Until the time is over, the process ends, or somebody presses ^C. */
static void watch(struct profile_record *r, uint64_t duration_ms)
{
	const uint64_t start_ns = snapshot_now_ns();
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", r->pid);
	profile_record_look(r);
	while (!is_over(duration_ms, start_ns)) {
		pause_once();
		profile_record_look(r);
		if (access(path, F_OK))
			break;
	}
}

static void catch_interrupts(void)
{
	struct sigaction act = { .sa_handler = interrupt };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

/* By its statistics page, which is there when the process has ended, too. */
static void take_fault_time(struct profile *p, const struct client *client)
{
	struct snapshot snap;
	char why[160];

	if (client->fd >= 0 &&
	    !snapshot_read(&snap, client->fd, why, sizeof(why)) &&
	    snapshot_nr_timed(&snap))
		p->fault_ns = (uint64_t)(1000 * snapshot_fault_us(&snap, .5));
}

/* --- a process that runs ------------------------------------------------- */

static enum zctl_status ask_to(const struct client *client,
			       enum uzswap_ctl_kind kind)
{
	const struct ask request = { .kind = kind };
	struct ask_answer answer;
	enum zctl_status status = ask_for(client, &request, &answer);

	if (status == ZCTL_DONE && answer.err) {
		zctl_error("%s (pid %d): cannot record: %s", client->comm,
			   client->pid, strerror(-answer.err));
		status = ZCTL_FAILED;
	}
	return status;
}

enum zctl_status profile_watch_stop(const struct target_choice *choice)
{
	struct client client = { .fd = -1 };
	enum zctl_status status = target_open(&client, choice);

	if (status == ZCTL_DONE)
		status = ask_to(&client, UZSWAP_CTL_profile_stop);
	client_close(&client);
	return status;
}

/* Have it record, and wait until there is something to see. */
static enum zctl_status start(struct profile_record *r,
			      const struct client *client)
{
	enum zctl_status status = ask_to(client, UZSWAP_CTL_profile_start);
	struct profile_page page;
	char why[160] = "records nothing";

	if (status != ZCTL_DONE)
		return status;
	for (int i = 0; i < START_LOOKS && !interrupted; i++) {
		if (r->fd >= 0 || profile_record_open(r, client) == 0) {
			if (!profile_page_read(&page, r->fd, false, why,
					       sizeof(why))) {
				profile_page_free(&page);
				return ZCTL_DONE;
			}
		}
		nanosleep(&(struct timespec){ 0, 50 * NS_PER_MS }, NULL);
	}
	zctl_error("%s (pid %d): %s", client->comm, client->pid, why);
	return ZCTL_FAILED;
}

/* OURS: it is us who have it record. */
static enum zctl_status open_or_start(struct profile_record *r,
				      const struct client *client,
				      uint64_t duration_ms, bool *ours)
{
	int ret = profile_record_open(r, client);

	*ours = false;
	if (ret == 0)
		return ZCTL_DONE;
	if (ret != -ENOENT) {
		zctl_error("%s (pid %d): %s", client->comm, client->pid,
			   strerror(-ret));
		return target_status(ret);
	}
	if (!duration_ms) {
		zctl_error("%s (pid %d): has recorded nothing so far; a "
			   "--duration makes it begin", client->comm,
			   client->pid);
		return ZCTL_FAILED;
	}
	*ours = true;
	return start(r, client);
}

enum zctl_status profile_watch_pid(struct profile *p,
				   const struct target_choice *choice,
				   uint64_t duration_ms)
{
	struct client client = { .fd = -1 };
	enum zctl_status status = target_open(&client, choice);
	struct profile_record r = { .fd = -1 };
	bool ours = false;

	catch_interrupts();
	if (status == ZCTL_DONE)
		status = open_or_start(&r, &client, duration_ms, &ours);
	if (status == ZCTL_DONE) {
		watch(&r, duration_ms);
		status = profile_record_finish(&r, p, client.comm);
		take_fault_time(p, &client);
	}
	/* when it has ended meanwhile there is nobody to be asked */
	if (ours && !kill(client.pid, 0) &&
	    ask_to(&client, UZSWAP_CTL_profile_stop) != ZCTL_DONE)
		zctl_warn("it goes on recording: zctl profile --stop %d",
			  client.pid);
	profile_record_close(&r);
	client_close(&client);
	return status;
}

/* --- a program to run ---------------------------------------------------- */

/* zctl run --set prof=1 -- PROGRAM, by this very zctl; never returns. */
static void become(char **program)
{
	char *head[] = {
		(char[]){ "zctl" }, (char[]){ "run" }, (char[]){ "--set" },
		(char[]){ "prof=1" }, (char[]){ "--" }, NULL
	};
	size_t nr = 0;
	char **args;

	while (program[nr])
		nr++;
	args = calloc(ARRAY_SIZE(head) + nr, sizeof(*args));
	if (args) {
		memcpy(args, head, sizeof(head));
		memcpy(args + ARRAY_SIZE(head) - 1, program,
		       nr * sizeof(*args));
		execv("/proc/self/exe", args);
	}
	zctl_error("cannot start 'zctl run': %s", strerror(errno));
	_exit(ZCTL_RUN_FAILED);
}

/* The page appears when the program has some memory; false if it ended. */
static bool wait_for_page(struct profile_record *r, pid_t pid,
			  struct client *client, int *status)
{
	char why[160];

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return false;
		if (client_open(client, pid, why, sizeof(why)) == 0 &&
		    client->kind != CLIENT_NONE) {
			r->fd = client_open_page(client, UZSWAP_PROFILE_NAME);
			if (r->fd >= 0)
				return true;
		}
		client_close(client);
		nanosleep(&(struct timespec){ 0, 20 * NS_PER_MS }, NULL);
	}
}

/* Look until the program ends; it is not ours to end. */
static void watch_child(struct profile_record *r, uint64_t duration_ms,
			pid_t pid, int *status)
{
	const uint64_t start_ns = snapshot_now_ns();

	do {
		profile_record_look(r);
		pause_once();
		if (waitpid(pid, status, WNOHANG) == pid) {
			*status |= ENDED;
			return;
		}
	} while (!is_over(duration_ms, start_ns));
}

static enum zctl_status end_status(int status)
{
	if (WIFSIGNALED(status & 0xffff))
		return 128 + WTERMSIG(status & 0xffff);
	return WEXITSTATUS(status & 0xffff);
}

enum zctl_status profile_watch_program(struct profile *p, char **args,
				       uint64_t duration_ms,
				       enum zctl_status *program)
{
	struct client client = { .fd = -1 };
	struct profile_record r = { .fd = -1, .every_ms = 1000 };
	enum zctl_status done = ZCTL_DONE;
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		zctl_error("cannot start a process: %s", strerror(errno));
		return ZCTL_FAILED;
	}
	if (pid == 0)
		become(args);
	catch_interrupts();
	r.pid = pid;
	if (!wait_for_page(&r, pid, &client, &status)) {
		*program = end_status(status);
		if (*program < ZCTL_RUN_FAILED)
			zctl_error("%s: ended before it had 8M of memory to "
				   "look at", args[0]);
		return ZCTL_FAILED;
	}
	watch_child(&r, duration_ms, pid, &status);
	done = profile_record_finish(&r, p, client.comm);
	take_fault_time(p, &client);
	profile_record_close(&r);
	client_close(&client);
	if (!(status & ENDED))
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	*program = end_status(status);
	return done;
}
