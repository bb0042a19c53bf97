/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's signs of stall come to: which are opened, the step and
 * its doubling, when a wish ends.  Files stand for the group's; an eventfd is
 * raised, and a socket has urgent data, where the kernel would fire.
 */
#include "engine/stall.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "fixture.h"

static struct pressure p;
static struct pressure_now now;
static struct pressure_config cfg;
static struct stall s;

static int setup(void **state)
{
	(void)state;
	cfg = (struct pressure_config){ .root = fixture_begin() };
	stall_init(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stall_close(&s);
	pressure_close(&p);
	fixture_end();
	return 0;
}

static void begin_v1(void)
{
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 640 * MIB);
	fixture_put(FIXTURE_V1 "/job/memory.pressure_level", "");
	fixture_put(FIXTURE_V1 "/job/cgroup.event_control", "");
	assert_int_equal(pressure_find(&p, &cfg), 0);
}

static void look(void)
{
	s.polled_ns = 0;
	pressure_read(&p, &now);
	stall_look(&s, &p, &now);
}

static void fire_v1(void)
{
	const uint64_t one = 1;

	assert_int_equal(write(s.group_fd, &one, sizeof(one)), sizeof(one));
	look();
}

/* Have *FD be a socket with urgent data; what it was is closed. */
static void fire_psi(const int *fd)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	if (send(ends[1], "!", 1, MSG_OOB) != 1) {
		print_message("no urgent data here: skipped\n");
		skip();
	}
	assert_int_equal(dup2(ends[0], *fd), *fd);
	close(ends[0]);
	close(ends[1]);
}

static void test_a_step_below_what_is_used(void **state)
{
	(void)state;
	begin_v1();
	look();
	assert_true(s.v1 && s.group_fd >= 0);
	assert_int_equal(s.wish, 0);
	fire_v1();
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
	/* once per time it fires */
	look();
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
}

static void test_again_and_again_the_step_doubles(void **state)
{
	(void)state;
	begin_v1();
	look();
	for (int i = 0; i < 6; i++)
		fire_v1();
	/* a fourth of what is used, at most, from where it is */
	assert_int_equal(s.wish, (1024 - 640 + 160) * MIB);
	s.asked_ns -= 5 * NS_PER_S;
	s.wish = 0;
	fire_v1();
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
}

static void test_a_wish_ends_in_silence_or_by_a_new_limit(void **state)
{
	(void)state;
	begin_v1();
	look();
	fire_v1();
	assert_true(s.wish > 0);
	s.asked_ns -= 11 * NS_PER_S;
	look();
	assert_int_equal(s.wish, 0);
	fire_v1();
	assert_true(s.wish > 0);
	fixture_put(FIXTURE_V1 "/job/memory.limit_in_bytes", "671088640\n");
	pressure_refresh(&p);
	look();
	assert_int_equal(s.wish, 0);
}

static void test_v1_asks_for_critical_events(void **state)
{
	char path[512];
	char text[64] = "";
	int event;
	int level;
	FILE *f;

	(void)state;
	begin_v1();
	look();
	snprintf(path, sizeof(path), "%s" FIXTURE_V1
		 "/job/cgroup.event_control", cfg.root);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(sscanf(text, "%d %d critical", &event, &level), 2);
	assert_int_equal(event, s.group_fd);
	assert_true(strstr(text, " critical,local") != NULL);
}

static void be_in_v2_group(void)
{
	fixture_system("/a", true);
	fixture_v2("/a", "1073741824\n", "max\n", 640 * MIB);
	fixture_put(FIXTURE_V2 "/a/memory.pressure", "");
	assert_int_equal(pressure_find(&p, &cfg), 0);
	look();
}

static void test_v2_trigger_of_the_group(void **state)
{
	(void)state;
	be_in_v2_group();
	assert_true(!s.v1 && s.group_fd >= 0);
	assert_int_equal(s.wish, 0);
	fire_psi(&s.group_fd);
	look();
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
}

static void test_the_machine_counts_while_little_is_available(void **state)
{
	(void)state;
	fixture_system("/a", true);
	fixture_v2("/a", "1073741824\n", "max\n", 640 * MIB);
	fixture_put("/proc/pressure/memory", "");
	fixture_meminfo(8 * GIB, 4 * GIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	look();
	assert_int_equal(s.group_fd, -1);
	assert_true(s.machine_fd >= 0);
	fire_psi(&s.machine_fd);
	look();
	assert_int_equal(s.wish, 0);
	fixture_meminfo(8 * GIB, GIB - MIB);
	pressure_refresh(&p);
	look();
	assert_true(s.wish > 0);
}

static void test_nothing_to_open(void **state)
{
	(void)state;
	fixture_system("/job", false);
	fixture_v1("/job", "1073741824\n", 640 * MIB);
	assert_int_equal(pressure_find(&p, &cfg), 0);
	look();
	assert_int_equal(s.group_fd, -1);
	assert_int_equal(s.machine_fd, -1);
	assert_int_equal(s.wish, 0);
}

/* A server waits for the triggers, and what it is told is looked at at once. */
static void test_an_event_wakes_a_server(void **state)
{
	const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	const uint64_t one = 1;
	struct epoll_event ev;

	(void)state;
	begin_v1();
	stall_wait_on(&s, epoll_fd);
	look();
	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, 0), 0);
	assert_int_equal(write(s.group_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, 0), 1);
	assert_int_equal(ev.data.u32, STALL_GROUP);
	/* it reads nothing, and is not told again */
	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, 0), 0);
	s.polled_ns = sys_now_ns();
	stall_look(&s, &p, &now);
	assert_int_equal(s.wish, 0);
	stall_fire(&s, ev.data.u32);
	stall_look(&s, &p, &now);
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
	/* the event has been read; only the word of a server is left */
	stall_fire(&s, STALL_GROUP);
	look();
	assert_int_equal(s.doubled, 0);
	/* no longer */
	stall_wait_on(&s, -1);
	look();
	assert_int_equal(write(s.group_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, 0), 0);
	close(epoll_fd);
}

/* A trigger of PSI says so once: to the server, so we take its word. */
static void test_the_word_of_a_server_counts_for_psi(void **state)
{
	(void)state;
	be_in_v2_group();
	stall_fire(&s, STALL_GROUP);
	look();
	assert_int_equal(s.wish, (1024 - 640 + 20) * MIB);
	look();
	assert_int_equal(s.doubled, 0);
}

/* The kernel takes our triggers, if it has any, and epoll waits for them. */
static void test_this_machine(void **state)
{
	const struct pressure_config real = { .root = "" };

	(void)state;
	assert_int_equal(pressure_find(&p, &real), 0);
	stall_wait_on(&s, epoll_create1(EPOLL_CLOEXEC));
	look();
	print_message("group %d, machine %d\n", s.group_fd, s.machine_fd);
	if (!geteuid() && !access("/proc/pressure/memory", F_OK))
		assert_true(s.machine_fd >= 0);
	if (s.machine_fd >= 0)
		assert_int_equal(epoll_ctl(s.wait_fd, EPOLL_CTL_DEL,
					   s.machine_fd, NULL), 0);
	close(s.wait_fd);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_step_below_what_is_used),
		TEST(test_again_and_again_the_step_doubles),
		TEST(test_a_wish_ends_in_silence_or_by_a_new_limit),
		TEST(test_v1_asks_for_critical_events),
		TEST(test_v2_trigger_of_the_group),
		TEST(test_the_machine_counts_while_little_is_available),
		TEST(test_nothing_to_open),
		TEST(test_an_event_wakes_a_server),
		TEST(test_the_word_of_a_server_counts_for_psi),
		TEST(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
