/* SPDX-License-Identifier: MIT */
/*
 * Recording: see profile_record.h.
 *
 * A row of heat says of every watched page whether it was used since the row
 * before.  When there are too many rows, two become one and they are taken
 * half as often, so that a recording of a day is as large as one of a minute.
 */
#include "profile_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS	1000000u
#define FULL_EVERY_LEAST_NS 500000000u
#define FULL_EVERY_NS	2000000000u
#define MAPS_EVERY	16u	/* rows between looks at the maps */
#define WHY_LEN		160

/* What was seen of one page in one row. */
struct spot {
	uint64_t addr;
	char heat;
};

struct profile_heat {
	uint64_t at_ns;
	size_t nr;
	struct spot *spots;	/* by address */
};

int profile_record_open(struct profile_record *r, const struct client *client)
{
	struct uzswap_profile head = { 0 };

	memset(r, 0, sizeof(*r));
	r->pid = client->pid;
	r->every_ms = 1000;
	r->fd = client_open_page(client, UZSWAP_PROFILE_NAME);
	if (r->fd < 0)
		return r->fd;
	if (pread(r->fd, &head, sizeof(head), 0) == sizeof(head) &&
	    head.recording)
		return 0;
	close(r->fd);
	r->fd = -1;
	return -ENOENT;
}

/* --- heat ---------------------------------------------------------------- */

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct spot *)a)->addr;
	uint64_t y = ((const struct spot *)b)->addr;

	return x < y ? -1 : x > y;
}

static char heat_of(const struct uzswap_profile_point *pt, uint64_t since)
{
	switch (pt->state) {
	case UZSWAP_POINT_STORED:
		return '.';
	case UZSWAP_POINT_USED:
		/* each time it was looked at, which may be seldom */
		return pt->used_ns ? '9' : '0';
	case UZSWAP_POINT_OUT:
	case UZSWAP_POINT_STUCK:
		return pt->used_ns >= since ? '9' : '0';
	default:
		return ' ';
	}
}

static int take_row(struct profile_heat *row, const struct profile_page *page,
		    uint64_t since)
{
	row->at_ns = page->head.updated_ns;
	row->spots = calloc(UZSWAP_PROFILE_POINTS, sizeof(*row->spots));
	if (!row->spots)
		return -ENOMEM;
	for (size_t i = 0; i < UZSWAP_PROFILE_POINTS; i++) {
		const struct uzswap_profile_point *pt = &page->points[i];

		if (pt->state == UZSWAP_POINT_FREE ||
		    !(pt->flags & UZSWAP_POINT_CELL))
			continue;
		row->spots[row->nr++] = (struct spot){
			pt->addr, heat_of(pt, since),
		};
	}
	qsort(row->spots, row->nr, sizeof(*row->spots), by_addr);
	return 0;
}

static char spot_at(const struct profile_heat *row, uint64_t addr)
{
	const struct spot key = { .addr = addr };
	const struct spot *s = bsearch(&key, row->spots, row->nr,
				       sizeof(key), by_addr);

	return s ? s->heat : ' ';
}

/* Of two rows one: used in either is used. */
static void merge_rows(struct profile_record *r)
{
	size_t out = 0;

	for (size_t i = 0; i + 1 < r->nr_rows; i += 2) {
		struct profile_heat *later = &r->rows[i + 1];

		for (size_t k = 0; k < later->nr; k++)
			if (later->spots[k].heat == '0' &&
			    spot_at(&r->rows[i], later->spots[k].addr) == '9')
				later->spots[k].heat = '9';
		free(r->rows[i].spots);
		r->rows[out++] = *later;
	}
	r->nr_rows = out;
	r->every_ms *= 2;
}

/* More often at the beginning: the process may end soon. */
static uint64_t full_every(const struct uzswap_profile *head)
{
	uint64_t eighth_ns = (head->updated_ns - head->started_ns) / 8;

	return eighth_ns < FULL_EVERY_LEAST_NS ? FULL_EVERY_LEAST_NS
	     : eighth_ns < FULL_EVERY_NS ? eighth_ns : FULL_EVERY_NS;
}

static void keep_full(struct profile_record *r,
		      const struct uzswap_profile *head)
{
	struct profile_page page;
	char why[WHY_LEN];

	if (head->updated_ns < r->full[1].head.updated_ns + full_every(head) ||
	    profile_page_read(&page, r->fd, true, why, sizeof(why)))
		return;
	profile_page_free(&r->full[0]);
	r->full[0] = r->full[1];
	r->full[1] = page;
}

int profile_record_look(struct profile_record *r)
{
	struct profile_page page;
	struct profile maps = { 0 };
	char why[WHY_LEN];
	uint64_t last = r->nr_rows ? r->rows[r->nr_rows - 1].at_ns : 0;
	int ret = profile_page_read(&page, r->fd, false, why, sizeof(why));

	if (ret)
		return ret;
	if (!r->rows)
		r->rows = calloc(PROFILE_ROWS_MAX, sizeof(*r->rows));
	if (!r->rows)
		ret = -ENOMEM;
	else if (page.head.updated_ns >= last + r->every_ms * NS_PER_MS / 2)
		ret = take_row(&r->rows[r->nr_rows++], &page, last);
	keep_full(r, &page.head);
	profile_page_free(&page);
	if (r->nr_rows == PROFILE_ROWS_MAX)
		merge_rows(r);
	/* gone with the process: keep what was seen last */
	if (r->nr_rows % MAPS_EVERY == 1 && !profile_take_maps(&maps, r->pid) &&
	    maps.nr_modules) {
		profile_free(&r->maps);
		r->maps = maps;
	} else {
		profile_free(&maps);
	}
	return ret;
}

/* A letter per point of P for each row. */
static int finish_rows(struct profile_record *r, struct profile *p,
		       uint64_t started_ns)
{
	p->rows = calloc(r->nr_rows + 1, sizeof(*p->rows));
	if (!p->rows)
		return -ENOMEM;
	for (size_t i = 0; i < r->nr_rows; i++) {
		struct profile_row *row = &p->rows[i];

		row->heat = malloc(p->nr_points + 1);
		if (!row->heat)
			return -ENOMEM;
		p->nr_rows++;
		row->at_ms = r->rows[i].at_ns > started_ns
			? (r->rows[i].at_ns - started_ns) / NS_PER_MS : 0;
		for (size_t k = 0; k < p->nr_points; k++)
			row->heat[k] = spot_at(&r->rows[i],
					       p->points[k].addr);
		row->heat[p->nr_points] = 0;
	}
	return 0;
}

/* --- the end ------------------------------------------------------------- */

static void take_maps(struct profile_record *r, struct profile *p)
{
	struct profile maps = { 0 };

	if (profile_take_maps(&maps, r->pid) || !maps.nr_modules) {
		profile_free(&maps);
		maps = r->maps;
		memset(&r->maps, 0, sizeof(r->maps));
	}
	p->modules = maps.modules;
	p->nr_modules = maps.nr_modules;
	p->maps = maps.maps;
	p->nr_maps = maps.nr_maps;
}

enum zctl_status profile_record_finish(struct profile_record *r,
				       struct profile *p, const char *command)
{
	const time_t now = time(NULL);
	struct profile_page page;
	char why[WHY_LEN];
	char root[64];
	struct tm utc;
	int ret;

	memset(p, 0, sizeof(*p));
	snprintf(root, sizeof(root), "/proc/%d/root", r->pid);
	if (access(root, X_OK) && r->full[0].sites) {
		page = r->full[0];
		memset(&r->full[0], 0, sizeof(r->full[0]));
		ret = 0;
	} else {
		ret = profile_page_read(&page, r->fd, true, why, sizeof(why));
	}
	if (ret) {
		zctl_error("%s (pid %d): %s", command, r->pid, why);
		return ZCTL_FAILED;
	}
	snprintf(p->command, sizeof(p->command), "%s", command);
	snprintf(p->version, sizeof(p->version), "%s", PACKAGE_VERSION);
	gmtime_r(&now, &utc);
	strftime(p->recorded, sizeof(p->recorded), "%Y-%m-%dT%H:%M:%SZ", &utc);
	ret = profile_take_page(p, &page);
	if (!ret)
		ret = finish_rows(r, p, page.head.started_ns);
	profile_page_free(&page);
	if (!ret) {
		take_maps(r, p);
		profile_place_frames(p);
		/* the files as the process sees them, as long as it is there */
		ret = profile_symbolize(p, access(root, X_OK) ? "" : root);
	}
	if (ret) {
		zctl_error("%s (pid %d): %s", command, r->pid, strerror(-ret));
		profile_free(p);
	}
	return ret ? ZCTL_FAILED : ZCTL_DONE;
}

void profile_record_close(struct profile_record *r)
{
	for (size_t i = 0; i < r->nr_rows; i++)
		free(r->rows[i].spots);
	free(r->rows);
	profile_page_free(&r->full[0]);
	profile_page_free(&r->full[1]);
	profile_free(&r->maps);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
