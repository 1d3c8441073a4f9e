/* TensorBoard event files, read back by a reader of our own: framing, checks, fields, the cut. */
#include "t.h"

#include "io/jfs.h"
#include "io/jio.h"
#include "t_tmp.h"
#include "train/train_internal.h"

/* CRC-32C bit by bit: nothing in common with the one in lib/base. */
static uint32_t
crc(const unsigned char *p, size_t n)
{
	uint32_t c = 0xffffffff;
	size_t i;
	int k;

	for (i = 0; i < n; i++) {
		c ^= p[i];
		for (k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
	}
	c ^= 0xffffffff;
	return ((c >> 15) | (c << 17)) + 0xa282ead8;
}

static uint64_t
little(const unsigned char *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* A field of a protocol buffer; false at the end or at what is none. */
struct field {
	int number, wire;
	uint64_t value;			/* varint or fixed bits */
	const unsigned char *p;		/* bytes */
	size_t n;
};

static uint64_t
varint(const unsigned char **at, const unsigned char *end)
{
	uint64_t v = 0;
	int shift = 0;

	while (*at < end) {
		unsigned char c = *(*at)++;

		v |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			break;
		shift += 7;
	}
	return v;
}

static bool
next_field(const unsigned char **at, const unsigned char *end, struct field *f)
{
	uint64_t key;

	if (*at >= end)
		return false;
	key = varint(at, end);
	f->number = (int)(key >> 3);
	f->wire = (int)(key & 7);
	f->n = f->wire == 1 ? 8 : f->wire == 5 ? 4 : 0;
	if (f->wire == 0)
		f->value = varint(at, end);
	if (f->wire == 2)
		f->n = (size_t)varint(at, end);
	if (f->wire != 0 && f->wire != 1 && f->wire != 2 && f->wire != 5)
		return false;
	if (f->n > (size_t)(end - *at))
		return false;
	f->p = *at;
	if (f->wire == 1 || f->wire == 5)
		f->value = little(f->p, (int)f->n);
	*at += f->n;
	return true;
}

struct seen {
	int events, versions;
	int64_t steps[100];
	double time;
	float loss[100], valid[100];	/* NAN: not there */
	int tags[100];
};

static void
read_value(const struct field *value, struct seen *s, int i)
{
	const unsigned char *at = value->p, *end = at + value->n;
	char tag[64] = "";
	float x = NAN;
	struct field f;
	uint32_t bits;

	while (next_field(&at, end, &f)) {
		if (f.number == 1)
			snprintf(tag, sizeof(tag), "%.*s", (int)f.n, (const char *)f.p);
		if (f.number == 2 && f.wire == 5) {
			bits = (uint32_t)f.value;
			memcpy(&x, &bits, sizeof(x));
		}
	}
	ok(at == end);
	s->tags[i]++;
	if (strcmp(tag, "loss/train") == 0)
		s->loss[i] = x;
	if (strcmp(tag, "loss/held-out") == 0)
		s->valid[i] = x;
}

static void
read_event(const unsigned char *p, size_t n, struct seen *s)
{
	const unsigned char *at = p, *in;
	struct field f, v;
	int i = s->events++;

	s->loss[i] = s->valid[i] = NAN;
	while (next_field(&at, p + n, &f)) {
		if (f.number == 1)
			memcpy(&s->time, f.p, sizeof(s->time));
		if (f.number == 2)
			s->steps[i] = (int64_t)f.value;
		if (f.number == 3)
			s->versions += f.n == 13 && memcmp(f.p, "brain.Event:2", 13) == 0;
		if (f.number == 5)
			for (in = f.p; next_field(&in, f.p + f.n, &v);)
				read_value(&v, s, i);
	}
	ok(at == p + n);
}

/* Every record of the file; the bytes that are no whole record. */
static size_t
read_all(const char *path, struct seen *s)
{
	struct jerr e = { 0 };
	struct jbuf b;
	const unsigned char *p;
	size_t left;

	memset(s, 0, sizeof(*s));
	jbuf_init(&b);
	ok(jin_slurp(path, &b, &e) == 0);
	p = (const unsigned char *)b.p;
	left = b.n;
	while (left >= 16) {
		uint64_t n = little(p, 8);

		if (n > left - 16 || little(p + 8, 4) != crc(p, 8)
			|| little(p + 12 + n, 4) != crc(p + 12, n))
			break;
		read_event(p + 12, n, s);
		p += 16 + n;
		left -= 16 + n;
	}
	jbuf_release(&b);
	return left;
}

static void
put(struct events *v, int64_t step, double valid)
{
	struct metrics_line l = { .step = step, .loss = 1.0 / (double)step, .lr = 1e-3,
		.grad_norm = 1, .tokens_per_s = 10, .peak_share = NAN, .bpb = NAN,
		.valid_loss = valid, .valid_bpb = NAN };
	struct jerr e = { 0 };

	ok(events_put(v, &l, &e) == 0);
}

/* Ten steps, then half a record as a kill leaves it. */
static void
written(const char *dir, const char *path)
{
	struct events *v;
	struct jerr e = { 0 };
	struct seen s;
	int i;

	ok(events_open(&v, dir, 0, &e) == 0);
	for (i = 1; i <= 10; i++)
		put(v, i * 100, i % 5 ? NAN : 7);
	ok(events_close(v, &e) == 0);
	eq_int(read_all(path, &s), 0);
	eq_int(s.events, 11);
	eq_int(s.versions, 1);
	eq_int(s.steps[0], 0);
	eq_int(s.steps[7], 700);
	near(s.loss[7], 1.0 / 700, 1e-9);
	ok(isnan(s.valid[7]) && s.valid[10] == 7);
	eq_int(s.tags[7], 5);
	eq_int(s.tags[10], 6);
	ok(s.time > 1.7e9 && s.time < 1e11);
}

static void
cut(const char *dir, const char *path)
{
	struct events *v;
	struct jerr e = { 0 };
	struct jmapped m;
	struct seen s;

	ok(jfs_map(&m, path, &e) == 0 && jout_put(path, m.p, m.n - 3, &e) == 0);
	jfs_unmap(&m);
	ok(read_all(path, &s) > 0);
	eq_int(s.events, 10);
	ok(events_open(&v, dir, 1000, &e) == 0 && events_close(v, &e) == 0);
	eq_int(read_all(path, &s), 0);
	eq_int(s.events, 10);
	/* Back to step 300, and on from there. */
	ok(events_open(&v, dir, 300, &e) == 0);
	put(v, 400, NAN);
	ok(events_close(v, &e) == 0);
	eq_int(read_all(path, &s), 0);
	eq_int(s.events, 5);
	eq_int(s.versions, 1);
	eq_int(s.steps[3], 300);
	eq_int(s.steps[4], 400);
	/* A file that is something else starts anew. */
	ok(jout_put(path, "something else entirely", 23, &e) == 0);
	ok(events_open(&v, dir, 300, &e) == 0 && events_close(v, &e) == 0);
	eq_int(read_all(path, &s), 0);
	eq_int(s.events, 1);
}

int
main(void)
{
	const char *root = t_tmpdir();
	char dir[600], path[700];
	struct jerr e = { 0 };
	struct events *v;

	snprintf(dir, sizeof(dir), "%s/tb/run", root);
	snprintf(path, sizeof(path), "%s/events.out.tfevents.jtrain", dir);
	written(dir, path);
	cut(dir, path);
	ok(events_open(&v, "/dev/null/x", 0, &e) < 0);
	jerr_clear(&e);
	jfs_remove_tree(root, &e);
	return t_done();
}
