/* SPDX-License-Identifier: MIT */
/*
 * Futexes, mutexes and condition variables in memory that gets stored: threads
 * take turns under locks that lie far apart, and sleep on words whose pages
 * leave meanwhile; the wake-up must find them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "pattern.h"

#define LOCKS	64
#define ROUNDS	3000

struct turn {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned count;
};

static char *data;

static struct turn *turn(size_t i)
{
	return (struct turn *)(void *)(data + i * (DATA_PAGES / LOCKS) * PAGE);
}

/* Thread ME adds one when the count is at its parity. */
static void *take_turns(void *arg)
{
	unsigned me = (unsigned)(size_t)arg;

	for (unsigned r = 0; r < ROUNDS; r++) {
		struct turn *t = turn(r * 7 % LOCKS);

		pthread_mutex_lock(&t->lock);
		while (t->count % 2 != me)
			pthread_cond_wait(&t->changed, &t->lock);
		t->count++;
		pthread_cond_broadcast(&t->changed);
		pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

static _Atomic int stop;

static void *stir(void *arg)
{
	size_t step = DATA_PAGES / LOCKS;

	for (size_t n = 0; !stop; n = (n + 1) % DATA_PAGES)
		if (n % step > 8)	/* the others hold locks */
			verify(data + n * PAGE, n);
	return arg;
}

int main(void)
{
	pthread_t t[3];

	data = map_data(0);
	for (size_t i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&turn(i)->lock, NULL);
		pthread_cond_init(&turn(i)->changed, NULL);
		turn(i)->count = 0;
	}
	CHECK(!pthread_create(&t[2], NULL, stir, NULL));
	for (size_t i = 0; i < 2; i++)
		CHECK(!pthread_create(&t[i], NULL, take_turns, (void *)i));
	for (size_t i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	stop = 1;
	pthread_join(t[2], NULL);
	return 0;
}
