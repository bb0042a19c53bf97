/* SPDX-License-Identifier: MIT */
/*
 * All processes under uzswap, again and again: see live.h.
 */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct live_history *find_history(const struct live *live,
					 const struct client *client)
{
	for (size_t i = 0; i < live->list.nr; i++) {
		struct live_history *h = live->rows[i].history;

		if (h && h->pid == client->pid &&
		    h->start_ticks == client->start_ticks)
			return h;
	}
	return NULL;
}

static struct live_history *new_history(const struct client *client)
{
	struct live_history *h = calloc(1, sizeof(*h));

	if (!h) {
		zctl_error("out of memory");
		exit(ZCTL_FAILED);
	}
	h->pid = client->pid;
	h->start_ticks = client->start_ticks;
	h->older = client->snap;
	h->newest = client->snap;
	return h;
}

static void remember(struct live_history *h, struct column_row *row)
{
	const struct snapshot *now = &row->client->snap;

	/* a page that is not rewritten keeps its rates */
	if (h->nr) {
		row->faults_per_second = h->faults[h->nr - 1];
		row->cpu_percent = h->cpu_percent;
	}
	column_measure(row, &h->newest);
	if (row->client->stopped)
		row->faults_per_second = row->cpu_percent = 0;
	h->cpu_percent = row->cpu_percent;
	if (h->nr == LIVE_PAST)
		memmove(h->faults, h->faults + 1,
			--h->nr * sizeof(h->faults[0]));
	h->faults[h->nr++] = row->faults_per_second;
	h->older = h->newest;
	h->newest = *now;
}

static void free_rows(struct live *live)
{
	for (size_t i = 0; i < live->list.nr; i++)
		free(live->rows[i].history);
	free(live->rows);
}

static void read_meminfo(struct live *live)
{
	unsigned long long kib;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemTotal: %llu kB", &kib) == 1)
			live->total = kib << 10;
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			live->available = kib << 10;
	}
	if (file)
		fclose(file);
	if (live->available > live->total)
		live->available = live->total;
}

enum zctl_status live_look(struct live *live)
{
	struct live now = *live;
	enum zctl_status status = target_list_open(&now.list, live->choice,
						   false);

	if (status != ZCTL_DONE && status != ZCTL_PARTIAL)
		return status;
	now.rows = calloc(now.list.nr + 1, sizeof(now.rows[0]));
	if (!now.rows) {
		zctl_error("out of memory");
		exit(ZCTL_FAILED);
	}
	for (size_t i = 0; i < now.list.nr; i++) {
		struct column_row *row = &now.rows[i];
		struct live_history *old;

		row->client = &now.list.clients[i];
		if (row->client->kind != CLIENT_PAGE)
			continue;
		row->history = new_history(row->client);
		old = find_history(live, row->client);
		if (old) {
			*row->history = *old;
			remember(row->history, row);
		}
	}
	read_meminfo(&now);
	live_close(live);
	*live = now;
	return status;
}

void live_close(struct live *live)
{
	free_rows(live);
	live->rows = NULL;
	target_list_close(&live->list);
}
