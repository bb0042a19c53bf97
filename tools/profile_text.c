/* SPDX-License-Identifier: MIT */
/*
 * The views of a profile in a terminal: see profile_text.h.
 *
 * Bars and digits say it all without colour.
 */
#include "profile_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile_heat.h"
#include "profile_name.h"
#include "screen.h"
#include "units.h"

#define BAR		30
#define HEAT_COLUMNS	64
#define NS_PER_MS	1000000u
#define NEAR		32	/* rows above that one still sees */
#define WATCHED_PART	16	/* unwatched beside it: nothing to mention */

static const char *size(char *buf, double bytes)
{
	double n = fmin(fmax(bytes, 0), 9e18);

	return units_size(buf, UNITS_BUF, (uint64_t)n, zctl_options.bytes);
}

static const char *age(char *buf, double ms)
{
	return units_duration(buf, UNITS_BUF,
			      (uint64_t)fmin(ms, 9e12) * NS_PER_MS);
}

void profile_text_process(const struct profile *p)
{
	char lasted[UNITS_BUF];
	char resident[UNITS_BUF];
	char all[UNITS_BUF];

	printf("%s (pid %" PRId64 ")  recorded for %s, %s", p->command, p->pid,
	       age(lasted, (double)p->lasted_ms),
	       size(resident, (double)p->resident));
	/* some small mappings never are */
	if (p->process_resident > p->resident + p->resident / WATCHED_PART)
		printf(" of %s resident are watched so far",
		       size(all, (double)p->process_resident));
	else
		printf(" resident");
}

void profile_text_head(const struct profile *p, const struct profile_sum *sum)
{
	char cell[UNITS_BUF];
	char slack[UNITS_BUF];
	char interval[UNITS_BUF];

	profile_text_process(p);
	printf("\none page watched in %s, ages true to %s; one allocation "
	       "sampled in %s\n\n", size(cell, (double)p->cell),
	       age(slack, (double)sum->slack_ms),
	       size(interval, (double)p->interval));
}

/* --- sites --------------------------------------------------------------- */

static void print_stack(const struct profile *p, const struct profile_site *s)
{
	for (uint32_t i = profile_inner(p, s); i < s->nr_frames; i++) {
		uint32_t frame = p->stack[s->first_frame + i];
		const struct profile_frame *f = &p->frames[frame];

		for (uint32_t k = 0; k < f->nr_symbols; k++) {
			const struct profile_symbol *y =
				&p->symbols[f->first_symbol + k];

			printf("      %s", y->function);
			if (y->file && y->line)
				printf("  %s:%u", y->file, y->line);
			puts(k + 1 < f->nr_symbols ? "  (inlined)" : "");
		}
		if (!f->nr_symbols) {
			char name[PROFILE_NAME_LEN];

			printf("      %s\n", profile_frame_name(p, frame, name,
							       sizeof(name)));
		}
	}
}

/* By which caller row NR is another than one above it of the same name. */
static void print_apart(const struct profile *p, const struct profile_sum *sum,
			size_t nr, const char *name)
{
	const struct profile_site *s = &p->sites[sum->sites[nr].site];

	for (size_t i = nr; i-- > 0 && nr - i <= NEAR;) {
		const struct profile_site *above =
			&p->sites[sum->sites[i].site];
		char caller[2 * PROFILE_NAME_LEN];
		char its[4 * PROFILE_NAME_LEN];

		profile_site_name(p, above, its, sizeof(its));
		if (strcmp(its, name) != 0 ||
		    !profile_site_apart(p, s, above, caller, sizeof(caller)))
			continue;
		printf(" .. %s", caller);
		return;
	}
}

static void print_site(const struct profile *p, const struct profile_sum *sum,
		       size_t nr)
{
	const struct profile_site_sum *s = &sum->sites[nr];
	char cold[UNITS_BUF];
	char bytes[UNITS_BUF];
	char idle[UNITS_BUF];
	char name[4 * PROFILE_NAME_LEN];
	char margin[16] = "-";
	double all = sum->all.cold;

	profile_site_name(p, &p->sites[s->site], name, sizeof(name));
	if (s->bytes > 0)
		snprintf(margin, sizeof(margin), "%.0f%%",
			 100 * fmax(s->error, s->cold_error) / s->bytes);
	printf("%8s %5.1f%% %9s %6s %8s  %s", size(cold, s->cold),
	       all > 0 ? 100 * s->cold / all : 0, size(bytes, s->bytes),
	       margin, s->cold > 0 ? age(idle, s->idle_ms) : "-", name);
	print_apart(p, sum, nr, name);
	putchar('\n');
}

void profile_text_sites(const struct profile *p,
			const struct profile_sum *sum,
			const struct profile_text *how)
{
	char from[UNITS_BUF];
	char cold[UNITS_BUF];
	char save[UNITS_BUF];
	char bytes[UNITS_BUF];
	size_t nr = sum->nr_sites;

	if (how->top && nr > how->top)
		nr = how->top;
	printf("%8s %6s %9s %6s %8s  %s\n", "COLD", "%", "ALIVE", "+-",
	       "IDLE", "CALL SITE (allocation)");
	for (size_t i = 0; i < nr; i++) {
		print_site(p, sum, i);
		if (how->stacks)
			print_stack(p, &p->sites[sum->sites[i].site]);
	}
	if (nr < sum->nr_sites)
		printf("         and %zu other sites\n", sum->nr_sites - nr);
	printf("\n%s of %s allocated were not used for %s; storing them would "
	       "save %s\n", size(cold, sum->all.cold),
	       size(bytes, sum->all.bytes), age(from, (double)how->cold_ms),
	       size(save, sum->all.cold - sum->all.pool));
	if (p->lost)
		printf("%" PRIu64 " samples found no room in the tables\n",
		       p->lost);
}

/* --- ages ---------------------------------------------------------------- */

static void print_bar(double part, double whole)
{
	int cells = whole > 0 ? (int)lround(BAR * fmin(part / whole, 1)) : 0;

	if (part > 0 && cells == 0)
		cells = 1;
	putchar('|');
	for (int i = 0; i < BAR; i++)
		putchar(i < cells ? '*' : ' ');
	putchar('|');
}

void profile_text_ages(const struct profile *p, const struct profile_sum *sum)
{
	double whole = (double)(p->resident + p->stored);
	char at_least[UNITS_BUF];
	char cold[UNITS_BUF];
	char save[UNITS_BUF];

	printf("%13s %8s %11s  %-*s %s\n", "IDLE AT LEAST", "MEMORY",
	       "WOULD SAVE", BAR + 2, "", "REFAULTS SEEN");
	for (unsigned i = 0; i < PROFILE_NR_AGES; i++) {
		const struct profile_age *a = &sum->ages[i];

		if (profile_ages_ms[i] > p->lasted_ms)
			break;
		printf("%13s %8s %11s  ", age(at_least,
					      (double)profile_ages_ms[i]),
		       size(cold, a->cold),
		       size(save, a->cold - a->refused - a->pool));
		print_bar(a->cold, whole);
		printf(" %8.1f/s\n", a->faults_per_s);
	}
}

void profile_text_faults(const struct profile *p,
			 const struct profile_sum *sum)
{
	static const char *const names[6] = {
		"same-filled", "to 25%", "to 50%", "to 75%", "does not pay",
		"in use",
	};
	double seconds = fmax((double)p->lasted_ms / 1000, 0.001);
	double whole = (double)(p->resident + p->stored);
	char bytes[UNITS_BUF];
	uint64_t most = 1;

	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++)
		if (p->reuse[i] > most)
			most = p->reuse[i];
	printf("%13s %10s  pages used again, by the time they were not\n",
	       "IDLE FOR", "PAGES/s");
	for (unsigned i = 0; i < UZSWAP_PROFILE_REUSE; i++) {
		char idle[UNITS_BUF];

		if (!p->reuse[i])
			continue;
		printf("%13s %10.1f  ", age(idle, (double)((uint64_t)1 << i)),
		       (double)p->reuse[i] / seconds);
		print_bar((double)p->reuse[i], (double)most);
		putchar('\n');
	}
	printf("\n%13s %10s  how well it packs\n", "PACKED", "MEMORY");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		printf("%13s %10s  ", names[i], size(bytes, sum->packed[i]));
		print_bar(sum->packed[i], whole);
		putchar('\n');
	}
}

/* --- mappings ------------------------------------------------------------ */

void profile_text_vmas(const struct profile *p, const struct profile_sum *sum,
		       const struct profile_text *how)
{
	size_t shown = 0;

	printf("%14s %8s %8s %8s  %-*s %s\n", "START", "SIZE", "RESIDENT",
	       "COLD", BAR + 2, "", "NAME");
	for (size_t i = 0; i < p->nr_maps; i++) {
		const struct profile_map *m = &p->maps[i];
		char text[3][UNITS_BUF];
		struct profile_cold sums = { 0 };
		double cold;

		for (size_t k = 0; k < p->nr_points; k++)
			if (p->points[k].cell &&
			    p->points[k].addr >= m->start &&
			    p->points[k].addr < m->end)
				profile_cold_add(&sums, &p->points[k],
						 how->cold_ms, sum->scale);
		cold = profile_cold_sum(&sums);
		if (m->resident < 1048576 && cold <= 0)
			continue;
		if (how->top && shown++ >= how->top)
			continue;
		printf("%14" PRIx64 " %8s %8s %8s  ", m->start,
		       size(text[0], (double)(m->end - m->start)),
		       size(text[1], (double)m->resident),
		       size(text[2], cold));
		print_bar(cold, fmax((double)m->resident, cold));
		printf(" %s\n", m->name);
	}
}

/* --- heat ---------------------------------------------------------------- */

void profile_text_heat(const struct profile *p)
{
	struct profile_heat_map map;

	if (profile_heat_make(&map, p, HEAT_COLUMNS))
		return;
	puts("# each column the same amount of memory, by rising address");
	puts("# digits: 9 all used .. 0 none   . stored   blank: not there");
	for (size_t r = 0; r < p->nr_rows; r++) {
		char at[UNITS_BUF];

		printf("%7s |", age(at, (double)p->rows[r].at_ms));
		for (size_t c = 0; map.nr && c < HEAT_COLUMNS; c++)
			putchar(profile_heat_at(&map, r, c));
		puts("|");
	}
	if (map.nr)
		printf("          %" PRIx64 " .. %" PRIx64 "\n",
		       profile_heat_addr(&map, 0),
		       p->points[map.order[map.nr - 1]].addr);
	profile_heat_free(&map);
}
