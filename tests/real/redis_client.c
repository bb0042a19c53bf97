/* SPDX-License-Identifier: MIT */
/*
 * redis_client.c - load a Redis server, use it, and check every byte it gives.
 *
 *	redis_client [OPTION]... SOCKET|PORT
 *
 *	--data json|mixed   what the values are (data.h)            json
 *	--bytes N           heap the server needs for them, about   256 MiB
 *	--keys N            instead of --bytes: number of keys
 *	--phases LIST       of load, mix, verify                    all
 *	--seconds T         length of the mixed phase               5
 *	--writes PERCENT    of the mixed commands                   50
 *	--dist zipf|uniform which keys the mixed phase takes        zipf
 *	--batch N           commands under way at a time            16
 *	--seed N                                                    1
 *
 * The client keeps one version number per key, so it knows the right value of
 * every key at any time.  The mixed phase compares each GET; the last phase
 * gets every key and compares it.
 *
 * Exit status: 0 all right, 1 a wrong or missing value, 2 the server went
 * away, 99 bad usage.
 */
#include "data.h"
#include "resp.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_MAX	1024
#define LAT_BUCKETS	512
#define REPORT_MAX	5

enum verb { SET, GET, INCR };

/* One command under way, and what its reply has to be. */
struct job {
	uint64_t key;
	uint32_t version;
	enum verb verb;
};

struct client {
	struct resp *resp;
	struct data_set set;
	uint64_t keys;
	uint32_t *version;
	size_t batch;
	struct job job[BATCH_MAX];
	size_t jobs;
	uint64_t value_bytes;
	uint64_t gets;
	uint64_t sets;
	uint64_t wrong;
	uint64_t rnd;
	uint64_t lat[LAT_BUCKETS];
};

/* Zipf distributed ranks after Gray et al. 1994, as YCSB does it. */
struct zipf {
	uint64_t n;
	double theta, alpha, zetan, eta;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t rnd(struct client *c)
{
	c->rnd += 0x9e3779b97f4a7c15u;
	return data_mix64(c->rnd);
}

static double unit(struct client *c)
{
	return (double)(rnd(c) >> 11) * 0x1p-53;
}

static void zipf_init(struct zipf *z, uint64_t n, double theta)
{
	double zeta2 = 1 + pow(0.5, theta);

	z->n = n;
	z->theta = theta;
	z->alpha = 1 / (1 - theta);
	z->zetan = 0;
	for (uint64_t i = 1; i <= n; i++)
		z->zetan += 1 / pow((double)i, theta);
	z->eta = (1 - pow(2.0 / (double)n, 1 - theta)) /
		 (1 - zeta2 / z->zetan);
}

/* A key, popular ones scattered over the whole key space. */
static uint64_t zipf_next(struct client *c, const struct zipf *z)
{
	double u = unit(c);
	double uz = u * z->zetan;
	uint64_t rank;

	if (uz < 1)
		rank = 0;
	else if (uz < 1 + pow(0.5, z->theta))
		rank = 1;
	else
		rank = (uint64_t)((double)z->n *
				  pow(z->eta * u - z->eta + 1, z->alpha));
	return data_mix64(rank) % z->n;
}

/* Logarithmic histogram of microseconds, 16 steps per doubling. */
static void lat_add(struct client *c, double seconds)
{
	double us = seconds * 1e6;
	int i = us <= 1 ? 0 : (int)(log2(us) * 16);

	c->lat[i < LAT_BUCKETS ? i : LAT_BUCKETS - 1]++;
}

static double lat_percentile(const struct client *c, double p)
{
	uint64_t total = 0, sum = 0;

	for (int i = 0; i < LAT_BUCKETS; i++)
		total += c->lat[i];
	for (int i = 0; i < LAT_BUCKETS; i++) {
		sum += c->lat[i];
		if ((double)sum >= p * (double)total)
			return exp2((i + 1) / 16.0);
	}
	return 0;
}

static void queue(struct client *c, enum verb verb, uint64_t key)
{
	static const char *const names[] = { "SET", "GET", "INCR" };
	char name[DATA_KEY_MAX];
	char value[DATA_VALUE_MAX];
	const char *arg[3] = { names[verb], name, value };
	size_t len[3] = { strlen(names[verb]), 0, 0 };

	len[1] = data_key(&c->set, key, name);
	if (verb == SET) {
		len[2] = data_value(&c->set, key, c->version[key], value);
		c->value_bytes += len[2];
	}
	resp_command(c->resp, verb == SET ? 3 : 2, arg, len);
	c->job[c->jobs++] = (struct job){ key, c->version[key], verb };
}

static void report(struct client *c, const struct job *j,
		   const struct resp_reply *got, const char *want, size_t len)
{
	char name[DATA_KEY_MAX + 1];
	size_t at = 0;

	if (++c->wrong > REPORT_MAX)
		return;
	name[data_key(&c->set, j->key, name)] = '\0';
	if (got->type == 'n') {
		printf("WRONG %s version %u: missing\n", name, j->version);
	} else if (got->type == '-') {
		printf("WRONG %s version %u: server says %.*s\n", name,
		       j->version, (int)got->len, got->text);
	} else {
		while (at < len && at < got->len && got->text[at] == want[at])
			at++;
		printf("WRONG %s version %u: %zu bytes for %zu, first "
		       "difference at %zu\n", name, j->version, got->len,
		       len, at);
	}
	fflush(stdout);
}

static void check(struct client *c, const struct job *j,
		  const struct resp_reply *got)
{
	char value[DATA_VALUE_MAX];
	size_t len;

	if (j->verb == SET) {
		c->sets++;
		if (got->type != '+')
			report(c, j, got, "OK", 2);
		return;
	}
	if (j->verb == GET)
		c->gets++;
	else
		c->sets++;
	len = data_value(&c->set, j->key, j->version, value);
	if (got->type == '-' || got->len != len ||
	    memcmp(got->text, value, len))
		report(c, j, got, value, len);
}

/* Send what is queued, read and check the replies. */
static void run_batch(struct client *c)
{
	struct resp_reply reply;
	double t = now();

	if (resp_flush(c->resp) != RESP_OK)
		goto lost;
	for (size_t i = 0; i < c->jobs; i++) {
		if (resp_read(c->resp, &reply) != RESP_OK)
			goto lost;
		check(c, &c->job[i], &reply);
	}
	c->jobs = 0;
	lat_add(c, now() - t);
	return;
lost:
	printf("LOST the server after %llu sets and %llu gets\n",
	       (unsigned long long)c->sets, (unsigned long long)c->gets);
	exit(2);
}

static void begin(struct client *c)
{
	c->gets = c->sets = c->value_bytes = 0;
	memset(c->lat, 0, sizeof(c->lat));
}

static void end(struct client *c, const char *phase, double t)
{
	double s = now() - t;

	printf("%-6s %llu keys, %llu set, %llu got, %.1f s, %.0f/s, "
	       "batch p50 %.0f us p99 %.0f us p99.9 %.0f us max %.0f us, "
	       "%llu wrong\n",
	       phase, (unsigned long long)c->keys,
	       (unsigned long long)c->sets, (unsigned long long)c->gets,
	       s, (double)(c->sets + c->gets) / s, lat_percentile(c, 0.5),
	       lat_percentile(c, 0.99), lat_percentile(c, 0.999),
	       lat_percentile(c, 1),
	       (unsigned long long)c->wrong);
	fflush(stdout);
}

static void phase_all(struct client *c, const char *phase, enum verb verb)
{
	double t = now();

	begin(c);
	for (uint64_t i = 0; i < c->keys; i++) {
		queue(c, verb, i);
		if (c->jobs == c->batch)
			run_batch(c);
	}
	run_batch(c);
	if (verb == SET)
		printf("values %.1f MiB\n", (double)c->value_bytes / 0x1p20);
	end(c, phase, t);
}

static void phase_mix(struct client *c, double seconds, unsigned writes,
		      int uniform)
{
	struct zipf z = { 0 };
	double t;

	if (!uniform)
		zipf_init(&z, c->keys, 0.99);
	begin(c);
	t = now();
	while (now() - t < seconds) {
		while (c->jobs < c->batch) {
			uint64_t key = uniform ? rnd(c) % c->keys :
				       zipf_next(c, &z);

			if (rnd(c) % 100 >= writes) {
				queue(c, GET, key);
				continue;
			}
			c->version[key]++;
			queue(c, data_is_counter(&c->set, key) ? INCR : SET,
			      key);
		}
		run_batch(c);
	}
	end(c, "mix", t);
}

/* How many keys make `bytes` of heap, by the cost of the first 20000. */
static uint64_t keys_for(const struct data_set *set, uint64_t bytes)
{
	char name[DATA_KEY_MAX];
	char value[DATA_VALUE_MAX];
	uint64_t cost = 0;

	for (uint64_t i = 0; i < 20000; i++)
		cost += data_heap_cost(data_key(set, i, name),
				       data_value(set, i, 0, value));
	return bytes / (cost / 20000) + 1;
}

static void usage(const char *what)
{
	fprintf(stderr, "redis_client: %s\nsee the head of redis_client.c\n",
		what);
	exit(99);
}

static uint64_t number(const char *s)
{
	char *e;
	uint64_t v = strtoull(s, &e, 0);

	if (e == s || *e)
		usage("not a number");
	return v;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "data", 1, NULL, 'd' }, { "bytes", 1, NULL, 'b' },
		{ "keys", 1, NULL, 'k' }, { "phases", 1, NULL, 'p' },
		{ "seconds", 1, NULL, 't' }, { "writes", 1, NULL, 'w' },
		{ "dist", 1, NULL, 'z' }, { "batch", 1, NULL, 'n' },
		{ "seed", 1, NULL, 's' }, { NULL, 0, NULL, 0 },
	};
	static struct client c = { .batch = 16, .set = { DATA_JSON, 1 } };
	const char *phases = "load,mix,verify";
	uint64_t bytes = 256u << 20;
	uint64_t seconds = 5, writes = 50;
	int uniform = 0;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'd':
			c.set.kind = strcmp(optarg, "mixed") ? DATA_JSON :
				     DATA_MIXED;
			break;
		case 'b': bytes = number(optarg); break;
		case 'k': c.keys = number(optarg); break;
		case 'p': phases = optarg; break;
		case 't': seconds = number(optarg); break;
		case 'w': writes = number(optarg); break;
		case 'z': uniform = !strcmp(optarg, "uniform"); break;
		case 'n': c.batch = number(optarg); break;
		case 's': c.set.seed = number(optarg); break;
		default: usage("unknown option");
		}
	}
	if (optind != argc - 1)
		usage("give one socket or port");
	if (c.batch < 1 || c.batch > BATCH_MAX)
		usage("batch must be 1 .. 1024");
	data_init();
	c.rnd = c.set.seed;
	if (!c.keys)
		c.keys = keys_for(&c.set, bytes);
	c.version = calloc(c.keys, sizeof(*c.version));
	c.resp = resp_open(argv[optind]);
	if (!c.version || !c.resp) {
		perror(argv[optind]);
		return 2;
	}
	if (strstr(phases, "load"))
		phase_all(&c, "load", SET);
	if (strstr(phases, "mix"))
		phase_mix(&c, (double)seconds, (unsigned)writes, uniform);
	if (strstr(phases, "verify"))
		phase_all(&c, "verify", GET);
	resp_close(c.resp);
	return c.wrong != 0;
}
