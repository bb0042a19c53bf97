/* SPDX-License-Identifier: MIT */
#include "engine/pace.h"

#include "base/count.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"

#define FIRST_PART	64	/* of managed memory: rate at the start */
#define LAST_PART	8	/* of managed memory: rate at most */
#define RATE_LEAST	(256 * KIB)
#define PATIENCE_MOST	16u
#define BACK_PART	8	/* of what was stored may come back */
#define BACK_FEW	64u	/* pages a second: that is nothing */
#define LITTLE_PART	4	/* of max_stall: so much harm is little */
#define STORE_NS	(6 * NS_PER_US)	/* a page, until it is known better */
#define STORE_KNOWN	256u	/* pages stored: it is */

void pace_init(struct pace *p)
{
	p->patience = 1;
}

void pace_set(struct pace *p, uint64_t max_stall_ms, uint32_t cpu_pct)
{
	atomic_store_explicit(&p->max_stall_ms, max_stall_ms,
			      memory_order_relaxed);
	atomic_store_explicit(&p->cpu_pct, cpu_pct, memory_order_relaxed);
}

static uint64_t max_stall_ns(const struct pace *p)
{
	return NS_PER_MS * atomic_load_explicit(&p->max_stall_ms,
						memory_order_relaxed);
}

static uint64_t clamp(uint64_t n, uint64_t least, uint64_t most)
{
	return n > most ? most : n < least ? least : n;
}

/* Time that faults have taken in the last PACE_SECONDS and this one. */
static uint64_t stall_ns(const struct pace *p)
{
	uint64_t sum = count_get(UZSWAP_COUNT_fault_ns) - p->stall_seen_ns;

	for (unsigned i = 0; i < PACE_SECONDS; i++)
		sum += p->stall_ns[i];
	return sum;
}

/* Does too much of what was stored come back?  Then wait longer. */
static void judge_patience(struct pace *p)
{
	uint64_t aged = count_get(UZSWAP_COUNT_aged);
	uint64_t back = count_get(UZSWAP_COUNT_faults_stored);
	uint64_t stored = aged - p->aged_seen;
	uint64_t restored = back - p->restored_seen;

	p->aged_seen = aged;
	p->restored_seen = back;
	if (restored > stored / BACK_PART + BACK_FEW * PACE_SECONDS)
		p->patience = (uint32_t)clamp(2 * p->patience, 1,
					      PATIENCE_MOST);
	else if (restored <= stored / BACK_PART / 2)
		p->patience = (uint32_t)clamp(p->patience / 2, 1,
					      PATIENCE_MOST);
}

/* Bytes that can be stored in a second for the share of a CPU. */
static uint64_t affordable(const struct pace *p)
{
	uint64_t pct = atomic_load_explicit(&p->cpu_pct,
					    memory_order_relaxed);
	uint64_t aged = count_get(UZSWAP_COUNT_aged);
	uint64_t page_ns = STORE_NS;

	if (aged >= STORE_KNOWN)
		page_ns = count_get(UZSWAP_COUNT_aged_cpu_ns) / aged + 1;
	return pct ? NS_PER_S / 100 * pct / page_ns * PAGE_SIZE : UINT64_MAX;
}

/* A second is over: what harm was done, and how fast to go on. */
static void end_second(struct pace *p, uint64_t managed, uint64_t now_ns)
{
	uint64_t counted = count_get(UZSWAP_COUNT_fault_ns);
	uint64_t harm;

	p->second_ns = now_ns;
	p->stall_ns[p->second] = counted - p->stall_seen_ns;
	p->stall_seen_ns = counted;
	p->second = (p->second + 1) % PACE_SECONDS;
	if (!p->second)
		judge_patience(p);
	harm = stall_ns(p);
	if (!p->rate)
		p->rate = managed / FIRST_PART;
	else if (harm > max_stall_ns(p))
		p->rate /= 2;
	else if (harm < max_stall_ns(p) / 2)
		p->rate += p->rate / 2;
	p->rate = clamp(p->rate, RATE_LEAST, managed / LAST_PART);
	/* blocks may have taken more than there was; nothing is saved up */
	if (p->budget > 0)
		p->budget = 0;
	p->budget += (int64_t)clamp(affordable(p), 0, p->rate);
}

static void begin_backoff(struct pace_backoff *b, uint64_t now_ns,
			  uint64_t harm_ns)
{
	char text[TEXT_NUM];

	*b = (struct pace_backoff){ true, now_ns, harm_ns };
	count_one(UZSWAP_COUNT_backoffs);
	log_debug("ageing waits: in six seconds faults took ",
		  text_ms(text, sizeof(text), harm_ns / NS_PER_MS), NULL);
}

bool pace_tick(struct pace *p, uint64_t managed, uint64_t now_ns)
{
	uint64_t harm;

	if (now_ns - p->second_ns >= NS_PER_S)
		end_second(p, managed, now_ns);
	harm = stall_ns(p);
	if (harm <= max_stall_ns(p))
		p->backoff.is_on = false;
	else if (!p->backoff.is_on)
		begin_backoff(&p->backoff, now_ns, harm);
	return !p->backoff.is_on;
}

void pace_rest(struct pace *p)
{
	p->backoff.is_on = false;
}

bool pace_is_harmful(const struct pace *p)
{
	return stall_ns(p) > max_stall_ns(p) / LITTLE_PART;
}
