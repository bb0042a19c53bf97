/* SPDX-License-Identifier: MIT */
/*
 * The page of a profile, copied and then made sense of.
 *
 * Nothing in it is believed: tables must lie where this version puts tables
 * and have the sizes it has, so that no arithmetic is done with numbers
 * found there; indices are checked, texts made printable, times clipped.
 *
 * An allocation of LEN bytes sampled once in INTERVAL was found with the
 * probability 1 - exp(-LEN / INTERVAL), so it stands for LEN over that.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile.h"
#include "snapshot.h"

#define TRIES	100		/* a round of writing takes less than 1 ms */
#define PAUSE_US 1000
#define NS_PER_MS 1000000u

static int read_at(int fd, void *to, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)to + done, len - done,
				  (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		done += (size_t)n;
	}
	return 0;
}

/* The places this version has for its tables. */
static bool is_laid_out(const struct uzswap_profile *h)
{
	uint64_t at = (sizeof(*h) + PROFILE_PAGE - 1) / PROFILE_PAGE *
		      PROFILE_PAGE;

	if (h->nr_sites != UZSWAP_PROFILE_SITES || h->sites_at != at)
		return false;
	at += h->nr_sites * sizeof(struct uzswap_profile_site);
	if (h->nr_frames != UZSWAP_PROFILE_FRAMES || h->frames_at != at)
		return false;
	at += h->nr_frames * sizeof(uint64_t);
	if (h->nr_live != UZSWAP_PROFILE_LIVE || h->live_at != at)
		return false;
	at += h->nr_live * sizeof(struct uzswap_profile_live);
	return h->nr_points == UZSWAP_PROFILE_POINTS && h->points_at == at;
}

static int check_head(const struct uzswap_profile *h, char *why,
		      size_t why_len)
{
	if (h->magic == 0 || h->updated_ns == 0) {
		snprintf(why, why_len, "nothing recorded yet");
		return -EAGAIN;
	}
	if (h->magic != UZSWAP_PROFILE_MAGIC) {
		snprintf(why, why_len, "not a profile page");
		return -EBADMSG;
	}
	if (h->version != UZSWAP_PROFILE_VERSION || h->size != sizeof(*h) ||
	    !is_laid_out(h)) {
		snprintf(why, why_len, "a profile page of version %u, this "
			 "zctl knows %u", h->version, UZSWAP_PROFILE_VERSION);
		return -EBADMSG;
	}
	return 0;
}

/* Head and points as they were at one moment, if it can be had. */
static int read_steady(struct profile_page *page, int fd)
{
	const size_t len = UZSWAP_PROFILE_POINTS * sizeof(*page->points);
	int ret = 0;

	for (int i = 0; i < TRIES && !ret; i++) {
		uint32_t seq = page->head.seq;
		struct uzswap_profile again;

		ret = read_at(fd, page->points, len, page->head.points_at);
		if (!ret)
			ret = read_at(fd, &again, sizeof(again), 0);
		if (!ret && seq % 2 == 0 && again.seq == seq)
			return 0;
		usleep(PAUSE_US);
		if (!ret)
			ret = read_at(fd, &page->head, sizeof(page->head), 0);
	}
	return ret;	/* a stopped process may never finish: take it torn */
}

static int read_tables(struct profile_page *page, int fd)
{
	const struct uzswap_profile *h = &page->head;
	int ret;

	page->sites = calloc(UZSWAP_PROFILE_SITES, sizeof(*page->sites));
	page->frames = calloc(UZSWAP_PROFILE_FRAMES, sizeof(*page->frames));
	page->live = calloc(UZSWAP_PROFILE_LIVE, sizeof(*page->live));
	if (!page->sites || !page->frames || !page->live)
		return -ENOMEM;
	/* live before sites: what it names is there by then */
	ret = read_at(fd, page->live, UZSWAP_PROFILE_LIVE *
		      sizeof(*page->live), h->live_at);
	if (!ret)
		ret = read_at(fd, page->sites, UZSWAP_PROFILE_SITES *
			      sizeof(*page->sites), h->sites_at);
	if (!ret)
		ret = read_at(fd, page->frames, UZSWAP_PROFILE_FRAMES *
			      sizeof(*page->frames), h->frames_at);
	return ret;
}

int profile_page_read(struct profile_page *page, int fd, bool all,
		      char *why, size_t why_len)
{
	int ret;

	memset(page, 0, sizeof(*page));
	snprintf(why, why_len, "cannot be read");
	ret = read_at(fd, &page->head, sizeof(page->head), 0);
	if (!ret)
		ret = check_head(&page->head, why, why_len);
	if (ret)
		return ret;
	page->points = calloc(UZSWAP_PROFILE_POINTS, sizeof(*page->points));
	ret = page->points ? read_steady(page, fd) : -ENOMEM;
	if (!ret)
		ret = check_head(&page->head, why, why_len);
	if (!ret && all)
		ret = read_tables(page, fd);
	if (ret)
		profile_page_free(page);
	return ret;
}

void profile_page_free(struct profile_page *page)
{
	free(page->sites);
	free(page->frames);
	free(page->live);
	free(page->points);
	page->sites = NULL;
	page->frames = NULL;
	page->live = NULL;
	page->points = NULL;
}

/* --- making sense of it -------------------------------------------------- */

static uint64_t clip(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : n;
}

static void take_head(struct profile *p, const struct uzswap_profile *h)
{
	uint64_t end = clip(h->updated_ns);
	uint64_t start = clip(h->started_ns);

	p->pid = h->pid;
	p->clock_ms = end / NS_PER_MS;
	p->lasted_ms = end > start ? (end - start) / NS_PER_MS : 0;
	p->round_ms = clip(h->round_ns) / NS_PER_MS;
	p->interval = h->interval ? clip(h->interval) : 1;
	p->cell = h->cell >= PROFILE_PAGE ? clip(h->cell) : PROFILE_PAGE;
	p->resident = clip(h->resident);
	p->process_resident = clip(h->process_resident);
	p->stored = clip(h->stored);
	p->pool = clip(h->pool);
	p->samples = clip(h->samples);
	p->lost = clip(h->lost);
	p->no_stack = clip(h->no_stack);
	p->unwind_ns = clip(h->unwind_ns);
	p->asked = clip(h->asked);
	p->asked_ns = clip(h->asked_ns);
	p->sampler_ns = clip(h->sampler_ns);
	p->fp = !h->unwind;
	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++)
		p->reuse[i] = clip(h->reuse[i]);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Each address once, sorted. */
static int take_frames(struct profile *p, const struct profile_page *page)
{
	uint64_t *pcs = calloc(UZSWAP_PROFILE_FRAMES, sizeof(*pcs));
	size_t nr = 0;
	size_t out = 0;

	if (!pcs)
		return -ENOMEM;
	for (size_t i = 0; i < UZSWAP_PROFILE_FRAMES; i++)
		if (page->frames[i])
			pcs[nr++] = page->frames[i];
	qsort(pcs, nr, sizeof(*pcs), compare_u64);
	for (size_t i = 0; i < nr; i++)
		if (i == 0 || pcs[i] != pcs[i - 1])
			pcs[out++] = pcs[i];
	p->frames = calloc(out + 1, sizeof(*p->frames));
	for (size_t i = 0; p->frames && i < out; i++)
		p->frames[i] = (struct profile_frame){
			.pc = pcs[i], .module = PROFILE_NONE,
		};
	p->nr_frames = out;
	free(pcs);
	return p->frames ? 0 : -ENOMEM;
}

static uint32_t frame_of(const struct profile *p, uint64_t pc)
{
	size_t low = 0;
	size_t high = p->nr_frames;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (p->frames[mid].pc < pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->nr_frames && p->frames[low].pc == pc ? (uint32_t)low
							     : PROFILE_NONE;
}

static void take_site(struct profile *p, const struct profile_page *page,
		      const struct uzswap_profile_site *s)
{
	struct profile_site *to = &p->sites[p->nr_sites++];
	size_t nr = s->nr_frames;

	*to = (struct profile_site){
		.kind = s->kind == UZSWAP_PROFILE_MMAP ? UZSWAP_PROFILE_MMAP
						       : UZSWAP_PROFILE_MALLOC,
		.first_frame = (uint32_t)p->nr_stack,
		.samples = clip(s->samples),
	};
	memcpy(to->thread, s->thread, sizeof(to->thread));
	snapshot_clean_text(to->thread, sizeof(to->thread));
	if (nr > UZSWAP_PROFILE_DEPTH ||
	    s->first_frame > UZSWAP_PROFILE_FRAMES - nr)
		nr = 0;
	for (size_t i = 0; i < nr; i++) {
		uint32_t frame = frame_of(p, page->frames[s->first_frame + i]);

		if (frame != PROFILE_NONE)
			p->stack[p->nr_stack++] = frame;
	}
	to->nr_frames = (uint32_t)p->nr_stack - to->first_frame;
}

/* OF: for each row of the page, the site it has become. */
static int take_sites(struct profile *p, const struct profile_page *page,
		      uint32_t *of)
{
	p->sites = calloc(UZSWAP_PROFILE_SITES, sizeof(*p->sites));
	p->stack = calloc((size_t)UZSWAP_PROFILE_SITES * UZSWAP_PROFILE_DEPTH,
			  sizeof(*p->stack));
	if (!p->sites || !p->stack)
		return -ENOMEM;
	for (size_t i = 0; i < UZSWAP_PROFILE_SITES; i++) {
		const struct uzswap_profile_site *s = &page->sites[i];

		of[i] = PROFILE_NONE;
		if (!s->hash || !s->ready)
			continue;
		of[i] = (uint32_t)p->nr_sites;
		take_site(p, page, s);
	}
	return 0;
}

/* --- allocations and points ---------------------------------------------- */

/* An allocation that is alive, and what the points in it say. */
struct piece {
	uint64_t addr;
	uint64_t end;
	double weight;		/* bytes it stands for */
	uint32_t row;
	uint32_t site;
	uint32_t nr_points;
};

static int compare_pieces(const void *a, const void *b)
{
	return compare_u64(&((const struct piece *)a)->addr,
			   &((const struct piece *)b)->addr);
}

static size_t take_live(struct profile *p, const struct profile_page *page,
			const uint32_t *of, struct piece *pieces)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < UZSWAP_PROFILE_LIVE; i++) {
		const struct uzswap_profile_live *l = &page->live[i];
		struct profile_site *s;
		double len = (double)l->len;
		double found;

		if (l->addr <= 1 || !l->len || l->len >> 47 ||
		    l->addr >> 47 || !l->interval ||
		    l->site >= UZSWAP_PROFILE_SITES ||
		    of[l->site] == PROFILE_NONE)
			continue;
		s = &p->sites[of[l->site]];
		found = -expm1(-len / l->interval);
		s->bytes += len / found;
		s->count += 1 / found;
		s->variance += len * len * (1 - found) / (found * found);
		pieces[nr++] = (struct piece){
			.addr = l->addr, .end = l->addr + l->len,
			.weight = len / found, .row = i,
			.site = of[l->site],
		};
	}
	qsort(pieces, nr, sizeof(*pieces), compare_pieces);
	return nr;
}

/* The piece that ADDR .. END, a page, lies in or touches. */
static struct piece *piece_at(struct piece *pieces, size_t nr, uint64_t addr)
{
	size_t low = 0;
	size_t high = nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (pieces[mid].addr < addr + PROFILE_PAGE)
			low = mid + 1;
		else
			high = mid;
	}
	return low && pieces[low - 1].end > addr ? &pieces[low - 1] : NULL;
}

static struct piece *piece_of(struct piece *pieces, size_t nr,
			      const struct uzswap_profile_point *pt)
{
	struct piece *found = piece_at(pieces, nr, pt->addr);

	/* several share a page: the one it was chosen for, if it is known */
	for (struct piece *s = found; s && pt->live < UZSWAP_PROFILE_LIVE &&
	     s >= pieces && s->end > pt->addr; s--)
		if (s->row == pt->live)
			return s;
	return found;
}

/* Its last use was after it was seen in use, and before it was taken out. */
static void take_idle(struct profile_point *to,
		      const struct uzswap_profile_point *pt, uint64_t now)
{
	bool is_out = pt->state == UZSWAP_POINT_OUT ||
		      pt->state == UZSWAP_POINT_STORED;
	uint64_t out = is_out ? clip(pt->out_ns) : now;
	uint64_t used = clip(pt->used_ns ? pt->used_ns : pt->since_ns);

	to->idle_ms = now > out ? (now - out) / NS_PER_MS : 0;
	/* of what was not used since it is watched more is not known */
	if (out > used && (pt->used_ns || !is_out))
		to->slack_ms = (out - used) / NS_PER_MS;
}

static int take_points(struct profile *p, const struct profile_page *page,
		       struct piece *pieces, size_t nr)
{
	uint64_t now = clip(page->head.updated_ns);
	struct piece **in = calloc(UZSWAP_PROFILE_POINTS, sizeof(*in));

	p->points = calloc(UZSWAP_PROFILE_POINTS, sizeof(*p->points));
	if (!p->points || !in) {
		free(in);
		return -ENOMEM;
	}
	for (size_t i = 0; i < UZSWAP_PROFILE_POINTS; i++) {
		const struct uzswap_profile_point *pt = &page->points[i];
		struct profile_point *to = &p->points[p->nr_points];

		if (pt->state == UZSWAP_POINT_FREE ||
		    pt->state >= UZSWAP_POINT_NR_STATES || pt->addr >> 47)
			continue;
		in[p->nr_points] = piece_of(pieces, nr, pt);
		if (in[p->nr_points])
			in[p->nr_points]->nr_points++;
		*to = (struct profile_point){
			.addr = pt->addr,
			.state = pt->state,
			.uses = pt->uses,
			.packed = pt->packed > PROFILE_PAGE
				? UZSWAP_POINT_UNKNOWN : pt->packed,
			.site = PROFILE_NONE,
			.cell = pt->flags & UZSWAP_POINT_CELL,
		};
		take_idle(to, pt, now);
		p->nr_points++;
	}
	for (size_t i = 0; i < p->nr_points; i++) {
		if (!in[i])
			continue;
		p->points[i].site = in[i]->site;
		p->points[i].site_bytes = in[i]->weight / in[i]->nr_points;
	}
	free(in);
	return 0;
}

int profile_take_page(struct profile *p, const struct profile_page *page)
{
	uint32_t *of = calloc(UZSWAP_PROFILE_SITES, sizeof(*of));
	struct piece *pieces = calloc(UZSWAP_PROFILE_LIVE, sizeof(*pieces));
	int ret = of && pieces ? 0 : -ENOMEM;

	take_head(p, &page->head);
	if (!ret)
		ret = take_frames(p, page);
	if (!ret)
		ret = take_sites(p, page, of);
	if (!ret)
		ret = take_points(p, page, pieces,
				  take_live(p, page, of, pieces));
	free(of);
	free(pieces);
	return ret;
}
