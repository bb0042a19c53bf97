/* SPDX-License-Identifier: MIT */
/*
 * data.c - realistic values, made again at will.
 *
 * A value is written by appending pieces to a buffer: words from a dictionary
 * (common English ones and several thousand made of syllables, chosen with a
 * skew as in real text), numbers, dates, hexadecimal identifiers.  The random
 * numbers come from a generator seeded with (seed, key, version), so the same
 * value comes out again whenever it is needed.
 *
 * The proportions are chosen by measurement (page_ratio.py on a loaded
 * server): LZ4 at 4 KiB gives 2.3 .. 3 for DATA_JSON, 1.8 .. 2 for DATA_MIXED.
 */
#include "data.h"
#include "data_out.h"

static const char *const first_names[] = {
	"Anna", "Bernd", "Chiara", "David", "Elena", "Farid", "Grace",
	"Hiroshi", "Ines", "Jakub", "Katarina", "Liam", "Mei", "Nikolai",
	"Olivia", "Pedro", "Quentin", "Rania", "Sofia", "Tomasz", "Ursula",
	"Viktor", "Wanda", "Xavier", "Yusuf", "Zoe", "Arjun", "Bianca",
	"Carlos", "Dilara", "Emil", "Fatima",
};

static const char *const cities[] = {
	"Amsterdam", "Barcelona", "Chicago", "Dresden", "Edinburgh",
	"Florence", "Gdansk", "Helsinki", "Istanbul", "Jakarta", "Kyoto",
	"Lisbon", "Montreal", "Nairobi", "Oslo", "Porto", "Quito",
	"Rotterdam", "Santiago", "Toronto", "Utrecht", "Vienna", "Warsaw",
	"Zagreb", "Auckland", "Bogota", "Cape Town", "Dublin", "Essen",
	"Fukuoka", "Geneva", "Hanoi",
};

static const char *const states[] = {
	"pending", "confirmed", "packed", "shipped", "delivered",
	"returned", "cancelled", "refunded",
};

static const char *const browsers[] = {
	"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 "
	"(KHTML, like Gecko) Version/17.5 Safari/",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
	"(KHTML, like Gecko) Chrome/126.0.0.0 Safari/",
};

static void put_name(struct out *o)
{
	put_str(o, first_names[below(o, COUNT(first_names))]);
	*o->p++ = ' ';
	put_word(o);
}

static void json_profile(struct out *o, uint64_t index, size_t size)
{
	LIT(o, "{\"id\":");
	put_num(o, index);
	LIT(o, ",\"uuid\":\"");
	put_uuid(o);
	LIT(o, "\",\"created_at\":\"");
	put_time(o);
	LIT(o, "\",\"display_name\":\"");
	put_name(o);
	LIT(o, "\",\"email\":\"");
	put_word(o);
	*o->p++ = '.';
	put_word(o);
	put_num(o, below(o, 1000));
	LIT(o, "@example.org\",\"verified\":true,\"locale\":\"en_GB\"");
	LIT(o, ",\"addresses\":[");
	do {
		LIT(o, "{\"kind\":\"delivery\",\"street\":\"");
		put_words(o, 2);
		LIT(o, "\",\"number\":");
		put_num(o, 1 + below(o, 200));
		LIT(o, ",\"city\":\"");
		put_str(o, cities[below(o, COUNT(cities))]);
		LIT(o, "\",\"postcode\":\"");
		put_num(o, 10000 + below(o, 90000));
		LIT(o, "\",\"country\":\"DE\",\"region\":null,\"phone\":null,"
		    "\"default\":false,\"updated_at\":\"");
		put_time(o);
		LIT(o, "\",\"note\":\"");
		put_words(o, below(o, 4));
		LIT(o, "\"},");
	} while (used(o) + 150 < size);
	o->p[-1] = ']';
	*o->p++ = '}';
}

static void json_order(struct out *o, uint64_t index, size_t size)
{
	LIT(o, "{\"order_id\":\"ORD-");
	put_num(o, 10000000 + index);
	LIT(o, "\",\"customer_id\":");
	put_num(o, below(o, 4000000));
	LIT(o, ",\"status\":\"");
	put_str(o, states[below(o, COUNT(states))]);
	LIT(o, "\",\"placed_at\":\"");
	put_time(o);
	LIT(o, "\",\"items\":[");
	do {
		LIT(o, "{\"sku\":\"A-");
		put_num(o, below(o, 100000));
		LIT(o, "\",\"title\":\"");
		put_words(o, 2 + below(o, 4));
		LIT(o, "\",\"quantity\":");
		put_num(o, 1 + below(o, 9));
		LIT(o, ",\"unit_price\":{\"amount\":");
		put_num(o, 99 + below(o, 50000));
		LIT(o, ",\"currency\":\"EUR\"},\"warehouse\":\"");
		put_str(o, cities[below(o, COUNT(cities))]);
		LIT(o, "\",\"in_stock\":true,\"discount\":null,"
		    "\"gift_wrap\":false,\"backorder\":false},");
	} while (used(o) + 150 < size);
	o->p[-1] = ']';
	LIT(o, ",\"total\":");
	put_num(o, below(o, 1000000));
	*o->p++ = '}';
}

static void json_events(struct out *o, uint64_t index, size_t size)
{
	LIT(o, "{\"stream\":");
	put_num(o, index);
	LIT(o, ",\"title\":\"");
	put_words(o, 5);
	LIT(o, "\",\"events\":[");
	do {
		LIT(o, "{\"at\":\"");
		put_time(o);
		LIT(o, "\",\"level\":\"info\",\"logger\":\"org.example."
		    "shop.RequestLog\",\"thread\":\"worker-");
		put_num(o, below(o, 64));
		LIT(o, "\",\"request\":\"");
		put_hex(o, 8);
		LIT(o, "\",\"method\":\"GET\",\"path\":\"/api/v2/");
		put_word(o);
		*o->p++ = '/';
		put_num(o, below(o, 100000));
		LIT(o, "\",\"status\":200,\"micros\":");
		put_num(o, below(o, 90000));
		LIT(o, ",\"message\":\"");
		put_words(o, 2 + below(o, 4));
		LIT(o, "\",\"error\":null},");
	} while (used(o) + 140 < size);
	o->p[-1] = ']';
	*o->p++ = '}';
}

static void json_session(struct out *o, uint64_t index, size_t size)
{
	LIT(o, "{\"sid\":\"");
	put_hex(o, 32);
	LIT(o, "\",\"user_id\":");
	put_num(o, index);
	LIT(o, ",\"csrf_token\":\"");
	put_hex(o, 24);
	LIT(o, "\",\"remote_addr\":\"10.");
	put_num(o, below(o, 256));
	*o->p++ = '.';
	put_num(o, below(o, 256));
	*o->p++ = '.';
	put_num(o, below(o, 256));
	LIT(o, "\",\"user_agent\":\"");
	put_str(o, browsers[below(o, COUNT(browsers))]);
	put_num(o, 100 + below(o, 500));
	LIT(o, "\",\"last_seen\":\"");
	put_time(o);
	LIT(o, "\",\"flash\":null,\"visited\":[");
	do {
		LIT(o, "{\"url\":\"https://shop.example.org/");
		put_word(o);
		*o->p++ = '/';
		put_word(o);
		LIT(o, "\",\"seconds\":");
		put_num(o, below(o, 600));
		LIT(o, ",\"device\":\"desktop\",\"referrer\":null},");
	} while (used(o) + 90 < size);
	o->p[-1] = ']';
	*o->p++ = '}';
}

static void prose(struct out *o, size_t size)
{
	do {
		char *start = o->p;

		put_words(o, 5 + below(o, 14));
		*start = (char)(*start & ~0x20);
		if (below(o, 8))
			LIT(o, ". ");
		else
			LIT(o, ".\n\n");
	} while (used(o) + 60 < size);
}

/* Rows as a program writes them with fwrite: ids, times, small numbers. */
static void binary_rows(struct out *o, uint64_t index, size_t size)
{
	struct {
		uint64_t id;
		uint64_t time_ns;
		float value[2];
		uint32_t flags;
		uint32_t sequence;
	} row;

	row.id = index << 12;
	row.time_ns = 1700000000000000000u + (rnd(o) >> 8);
	row.sequence = 0;
	do {
		uint64_t r = rnd(o);

		row.id += 1 + (r & 3);
		row.time_ns += 1000000 + (r >> 52);
		row.value[0] = (float)((r >> 8) & 0xfff) / 16;
		row.value[1] = (float)((r >> 20) & 0x1f) / 4;
		row.flags = (uint32_t)(r >> 32) & 0x11;
		row.sequence++;
		put(o, (const char *)&row, sizeof(row));
	} while (used(o) + sizeof(row) <= size);
}

/* What is compressed or encrypted already. */
static void binary_dense(struct out *o, size_t size)
{
	do {
		uint64_t r = rnd(o) * 0x9e3779b97f4a7c15u;

		put(o, (const char *)&r, sizeof(r));
	} while (used(o) + sizeof(uint64_t) <= size);
}

void data_init(void)
{
	words_init();
}

static uint64_t key_bits(const struct data_set *set, uint64_t index)
{
	return data_mix64(set->seed * 0xd1342543de82ef95u + index);
}

int data_is_counter(const struct data_set *set, uint64_t index)
{
	return set->kind == DATA_JSON && key_bits(set, index) % 100 < 12;
}

size_t data_key(const struct data_set *set, uint64_t index, char *buf)
{
	static const char *const prefix[] = {
		"user:", "order:", "events:", "session:", "session:",
	};
	struct out o = { buf, buf, 0 };

	if (set->kind == DATA_MIXED)
		LIT(&o, "object:");
	else if (data_is_counter(set, index))
		LIT(&o, "count:");
	else
		put_str(&o, prefix[(key_bits(set, index) >> 32) % 5]);
	put_num(&o, 1000000 + index);
	return used(&o);
}

/*
 * 200 bytes .. 4 KiB, small ones more often (even in the logarithm).  The
 * size belongs to the key; a new version differs from it by up to an eighth.
 */
static size_t value_size(uint64_t bits, struct out *o)
{
	static const uint16_t octave[] = { 200, 400, 800, 1600, 3200 };
	uint32_t i = (uint32_t)(bits >> 40) % 87;
	size_t base = octave[i / 20];

	base += base * (i % 20) / 20;
	return base - base / 8 + below(o, (uint32_t)(base / 8));
}

size_t data_value(const struct data_set *set, uint64_t index,
		  uint32_t version, char *buf)
{
	uint64_t bits = key_bits(set, index);
	struct out o = { buf, buf, data_mix64(bits ^ version) | 1 };
	size_t size;

	if (data_is_counter(set, index)) {
		put_num(&o, (bits >> 8) % 1000000000 + version);
		return used(&o);
	}
	size = value_size(bits, &o);
	if (set->kind == DATA_JSON) {
		switch ((bits >> 32) % 5) {
		case 0: json_profile(&o, index, size); break;
		case 1: json_order(&o, index, size); break;
		case 2: json_events(&o, index, size); break;
		default: json_session(&o, index, size); break;
		}
		return used(&o);
	}
	switch ((bits >> 32) % 20) {
	case 0: case 1: prose(&o, size); break;
	case 2: case 3: json_profile(&o, index, size); break;
	case 4: case 5: case 6: json_order(&o, index, size); break;
	case 7: case 8: json_events(&o, index, size); break;
	case 9: case 10: case 11: case 12: case 13:
		json_session(&o, index, size); break;
	case 14: case 15: case 16: case 17: case 18:
		binary_rows(&o, index, size); break;
	default: binary_dense(&o, size); break;
	}
	return used(&o);
}

/* The size class of jemalloc for n bytes: four per doubling above 128. */
static size_t size_class(size_t n)
{
	size_t step = 16;

	if (n <= 8)
		return 8;
	while (n > step * 8)
		step *= 2;
	return (n + step - 1) / step * step;
}

size_t data_heap_cost(size_t key_len, size_t value_len)
{
	size_t cost = 16 + 32 + 12;	/* object, entry, part of the table */

	cost += size_class(key_len + (key_len < 32 ? 2 : 4));
	if (value_len >= 20)
		cost += size_class(value_len + (value_len < 252 ? 4 : 6));
	return cost;
}
