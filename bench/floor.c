/* SPDX-License-Identifier: MIT */
/*
 * floor.c - what a page fault answered in user space costs at least here:
 * the kernel's interface and, if asked, the codec; nothing else.
 *
 *	floor [-c] [FAULTS]
 *	cc -O2 -pthread -I. -I../tests/real -o floor floor.c records.c \
 *		../tests/real/data.c ../tests/real/data_out.c -llz4 -lm
 *
 * One thread touches missing pages of a registered range, another answers
 * with UFFDIO_COPY of a page that lies ready: bound to the same CPU, bound to
 * another one, and free.  Then the kernel's own first touch, and taking pages
 * out by UFFDIO_MOVE, one at a time and 64 together, while another CPU runs
 * this process, and none does.  Microseconds, p50 and p99.
 *
 * Last, all of it at once: threads touch pages of an array at random, two
 * answer, and for each page given one moves the oldest out and drops it.  And
 * near: one thread and who answers it share a CPU, and the latter takes out the
 * oldest as well.  Then pages in order, 64 at a time.  Faults or pages per
 * second, and waits of the threads, that no policy or bookkeeping can better.
 *
 * -c: each page given is unpacked from LZ4 just then, as the pages of
 * bench/memory are.  None is packed: one that was only read has its object.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <lz4.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "records.h"

#define MOVE_NR		5	/* UFFDIO_MOVE, newer than some headers */
#define MOVES		(MOVE_MOST * 40)
#define MOVE_MOST	64ul

struct move_args {
	uint64_t dst, src, len, mode;
	int64_t moved;
};

#define TURN_PAGES	65536ul	/* of which half is there */
#define TURN_US		2000000
#define SERVERS		2
#define WAIT_NS		1000	/* an access that took longer was a fault */
#define WAITS		(1u << 20)

static int uffd = -1;
static char *area;
static unsigned long run = 1;	/* pages given and taken at once */
static size_t faults = 20000;
static volatile int stop;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	uffd = dev >= 0 ? ioctl(dev, USERFAULTFD_IOC_NEW, O_NONBLOCK)
			: (int)syscall(SYS_userfaultfd, O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		printf("SKIP: no userfaultfd\n");
		exit(77);
	}
}

static char *map(size_t pages, int registered)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (p == MAP_FAILED)
		exit(99);
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	if (registered && ioctl(uffd, UFFDIO_REGISTER, &reg))
		exit(99);
	return p;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* --- the codec ------------------------------------------------------------ */

#define OBJECTS	256u

static struct {
	char bytes[PAGE];
	int len;	/* 0: no codec */
} objects[OBJECTS];

static void pack_objects(void)
{
	struct records r;

	records_init(&r, OBJECTS);
	for (unsigned i = 0; i < OBJECTS; i++) {
		for (unsigned k = 0; k < PER_PAGE; k++)
			record_write(&r, i, k);
		objects[i].len = LZ4_compress_default(
			(char *)r.at + (size_t)i * PAGE, objects[i].bytes,
			PAGE, PAGE);
	}
}

/* What a fault is answered with: RUN pages at TO. */
static void unpack(char *to, unsigned long serial)
{
	for (unsigned long i = 0; i < run; i++) {
		unsigned nr = (unsigned)((serial + i) % OBJECTS);

		if (objects[nr].len)
			LZ4_decompress_safe(objects[nr].bytes, to + i * PAGE,
					    objects[nr].len, PAGE);
	}
}

/* --- one fault ------------------------------------------------------------ */

/* Wait for a fault and answer it by PAGES; where, or 0. */
static uintptr_t give(int ep, char *pages)
{
	static _Atomic unsigned long serial;
	struct uffdio_copy copy = { .src = (uintptr_t)pages,
				    .len = run * PAGE };
	struct epoll_event ev;
	struct uffd_msg msg;

	epoll_wait(ep, &ev, 1, 100);
	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return 0;
	copy.dst = msg.arg.pagefault.address & ~(run * PAGE - 1);
	unpack(pages, serial++);
	if (!ioctl(uffd, UFFDIO_COPY, &copy))
		return (uintptr_t)copy.dst;
	/* some of the run is still there */
	copy.dst = msg.arg.pagefault.address & ~(PAGE - 1ul);
	copy.len = PAGE;
	if (ioctl(uffd, UFFDIO_COPY, &copy))
		ioctl(uffd, UFFDIO_WAKE, &(struct uffdio_range){
			(uintptr_t)copy.dst, PAGE });
	return 0;
}

static void *serve(void *arg)
{
	char page[PAGE] __attribute__((aligned(4096))) = { 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	pin(*(int *)arg);
	epoll_ctl(ep, EPOLL_CTL_ADD, uffd, &ev);
	while (!stop) {
		give(ep, page);
	}
	close(ep);
	return NULL;
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, uint64_t *ns, size_t nr, double per)
{
	qsort(ns, nr, sizeof(*ns), order);
	printf("%-34s p50 %6.2f  p99 %6.2f us\n", what,
	       (double)ns[nr / 2] / per * 1e-3,
	       (double)ns[nr * 99 / 100] / per * 1e-3);
}

static void touch_all(const char *what, char *p, uint64_t *ns)
{
	for (size_t i = 0; i < faults; i++) {
		uint64_t t = now_ns();

		*(volatile char *)(p + i * PAGE);
		ns[i] = now_ns() - t;
	}
	report(what, ns, faults, 1);
}

static void round_trip(const char *what, int cpu, uint64_t *ns)
{
	pthread_t thread;

	area = map(faults, 1);
	stop = 0;
	pin(0);
	if (pthread_create(&thread, NULL, serve, &cpu))
		exit(99);
	usleep(20000);
	touch_all(what, area, ns);
	stop = 1;
	pthread_join(thread, NULL);
	munmap(area, faults * PAGE);
}

static void *spin(void *arg)
{
	pin(1);
	while (!stop)
		*(volatile char *)arg;
	return NULL;
}

/* BESIDE: while another CPU runs this process, each move makes it flush. */
static void moves(const char *what, size_t nr, int beside, uint64_t *ns)
{
	char *from = map(MOVES, 0);
	char *to = map(MOVES, 1);
	pthread_t thread;
	size_t n = 0;

	for (size_t i = 0; i < MOVES; i++)
		from[i * PAGE] = 1;
	stop = 0;
	pin(0);
	if (beside && pthread_create(&thread, NULL, spin, from))
		exit(99);
	usleep(20000);
	for (size_t i = 0; i + nr <= MOVES; i += nr, n++) {
		struct move_args move = { (uintptr_t)to + i * PAGE,
			(uintptr_t)from + i * PAGE, nr * PAGE, 1, 0 };
		uint64_t t = now_ns();

		if (ioctl(uffd, _IOWR(UFFDIO, MOVE_NR, struct move_args),
			  &move)) {
			printf("%-34s not here\n", what);
			break;
		}
		ns[n] = now_ns() - t;
	}
	stop = 1;
	if (beside)
		pthread_join(thread, NULL);
	if (n)
		report(what, ns, n, (double)nr);
}

/* --- pages in and out ----------------------------------------------------- */

static char *array;
static _Atomic uintptr_t given[TURN_PAGES];	/* the last ones, in order */
static _Atomic unsigned long nr_given;
static int near;	/* who answers takes out, too, all on CPU 0 */
static uint64_t waits[WAITS];	/* for a page, ns */
static _Atomic unsigned nr_waits;

static void note_wait(uint64_t ns)
{
	unsigned n;

	if (ns < WAIT_NS)
		return;
	n = nr_waits++;
	if (n < WAITS)
		waits[n] = ns;
}

/* At random, or in order if more than one is given at a time. */
static void *toucher(void *seed)
{
	uint64_t x = (uintptr_t)seed;
	size_t at = 0;	/* the page */

	pin(near ? 0 : -1);
	while (!stop) {
		uint64_t t;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at = run > 1 ? (at + 1) % TURN_PAGES : x % TURN_PAGES;
		t = now_ns();
		*(volatile char *)(array + at * PAGE);
		note_wait(now_ns() - t);
	}
	return NULL;
}

/* The oldest run out, the TAKENth; with half of the array there: none. */
static int take(char *window, unsigned long taken)
{
	const unsigned long runs = MOVE_MOST / run;
	uintptr_t from;
	struct move_args move;

	if (nr_given < taken + TURN_PAGES / run / 2)
		return 0;
	/* counted, and not there yet */
	while (!(from = given[taken % TURN_PAGES]) && !stop)
		sched_yield();
	given[taken % TURN_PAGES] = 0;
	move = (struct move_args){ (uintptr_t)window +
		taken % runs * run * PAGE, from, run * PAGE, 1, 0 };
	ioctl(uffd, _IOWR(UFFDIO, MOVE_NR, struct move_args), &move);
	if ((taken + 1) % runs == 0)
		madvise(window, MOVE_MOST * PAGE, MADV_DONTNEED);
	return 1;
}

static void *giver(void *window)
{
	char pages[MOVE_MOST * PAGE] __attribute__((aligned(4096))) = { 0 };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int ep = epoll_create1(0);
	unsigned long taken = 0;

	pin(near ? 0 : -1);
	epoll_ctl(ep, EPOLL_CTL_ADD, uffd, &ev);
	while (!stop) {
		uintptr_t to = give(ep, pages);

		if (to)
			given[nr_given++ % TURN_PAGES] = to;
		if (near)
			taken += (unsigned long)take(window, taken);
	}
	close(ep);
	return NULL;
}

static void *taker(void *window)
{
	unsigned long taken = 0;

	while (!stop) {
		if (take(window, taken))
			taken++;
		else
			usleep(100);
	}
	return NULL;
}

static void turnover(unsigned nr, const char *how)
{
	char *window = map(MOVE_MOST, 1);
	pthread_t threads[2 + SERVERS + 1];
	unsigned long before;
	unsigned n = 0;
	int bad = 0;
	char *all = map(TURN_PAGES + MOVE_MOST, 1);

	pin(-1);
	/* a run lies at a multiple of its length */
	array = all + (-(uintptr_t)all & (MOVE_MOST * PAGE - 1));
	nr_given = 0;
	stop = 0;
	for (size_t i = 0; i < TURN_PAGES; i++)
		given[i] = 0;
	for (int i = 0; i < (near ? 1 : SERVERS); i++)
		bad |= pthread_create(&threads[n++], NULL, giver, window);
	if (!near)
		bad |= pthread_create(&threads[n++], NULL, taker, window);
	for (uintptr_t i = 0; i < nr; i++)
		bad |= pthread_create(&threads[n++], NULL, toucher,
				      (void *)(0x9e3779b9 + i));
	if (bad)
		exit(99);
	usleep(TURN_US);
	before = nr_given;
	nr_waits = 0;
	usleep(TURN_US);
	before = nr_given - before;
	nr = nr_waits < WAITS ? nr_waits : WAITS;
	/* nobody may be left waiting for a page */
	ioctl(uffd, UFFDIO_UNREGISTER, &(struct uffdio_range){
		(uintptr_t)all, (TURN_PAGES + MOVE_MOST) * PAGE });
	stop = 1;
	while (n)
		pthread_join(threads[--n], NULL);
	munmap(all, (TURN_PAGES + MOVE_MOST) * PAGE);
	printf("pages in and out, %-16s %7.1f thousand pages/s\n", how,
	       (double)(before * run) * 1e3 / TURN_US);
	qsort(waits, nr, sizeof(waits[0]), order);
	if (nr)
		printf("%18s%-16s p50 %6.2f  p99 %6.2f  p99.9 %6.2f us\n", "",
		       how, (double)waits[nr / 2] * 1e-3,
		       (double)waits[nr - nr / 100 - 1] * 1e-3,
		       (double)waits[nr - nr / 1000 - 1] * 1e-3);
}

int main(int argc, char **argv)
{
	uint64_t *ns;

	if (argc > 1 && !strcmp(argv[1], "-c")) {
		pack_objects();
		argc--;
		argv++;
	}
	if (argc > 1)
		faults = strtoul(argv[1], NULL, 10);
	ns = calloc(faults > MOVES ? faults : MOVES, sizeof(*ns));
	if (!ns || faults < 100)
		return 99;
	open_uffd();
	pin(0);
	touch_all("first touch, kernel", map(faults, 0), ns);
	round_trip("fault, server on the same CPU", 0, ns);
	round_trip("fault, server on another CPU", 1, ns);
	round_trip("fault, server anywhere", -1, ns);
	moves("MOVE of 1 page, alone", 1, 0, ns);
	moves("MOVE of 1 page, another CPU runs", 1, 1, ns);
	moves("MOVE of 64 pages, per page", MOVE_MOST, 1, ns);
	turnover(1, "1 thread");
	turnover(2, "2 threads");
	near = 1;
	turnover(1, "1 thread, near");
	run = MOVE_MOST;
	turnover(1, "in order, near");
	near = 0;
	turnover(1, "in order");
	return 0;
}
