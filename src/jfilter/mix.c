/*
 * mix.c - two passes and a sort.  The first pass measures the sources; the second puts each record,
 * once for every epoch it can be needed in, into a sort by a key of (seed, source, epoch, id) and
 * takes from its start until the source has what it wants; what is taken goes into the sort that
 * makes the final order.
 */
#include "mix.h"

#include <math.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jrand.h"
#include "io/jio.h"
#include "io/jsort.h"
#include "kept.h"
#include "mixspec.h"
#include "record/jreader.h"
#include "recordtext.h"
#include "split.h"
#include "text/jwords.h"

enum part { TRAIN, VALID, TEST, BAD };

struct mix {
	struct jcli *cli;
	const struct mix_opts *o;
	struct mix_spec spec;
	struct jarena arena, line;	/* of the run, of one record */
	double valid, test;
	struct jout *out, *valid_out, *test_out, *rejects;
	uint64_t held[3];
	struct jsort *order;		/* what is taken, by its place */
	struct kept *kept;		/* u64 units, then what goes into order; or NULL */
};

struct item {
	const char *id, *line;
	size_t id_n, line_n;
	uint64_t units;
	enum part part;
	const char *why;		/* of a bad one */
};

static uint64_t
count_words(const char *s, size_t n)
{
	struct jtext_word w;
	uint64_t count = 0;
	size_t at = 0;

	while (jtext_next_word(s, n, &at, &w))
		count++;
	return count;
}

static void
read_item(struct mix *m, const char *line, size_t n, struct item *x)
{
	struct jerr why = { 0 };
	struct jrec r;
	const char *text;
	size_t text_n;
	double u;

	*x = (struct item){ .line = line, .line_n = n, .part = BAD, .why = "too_long" };
	jarena_reset(&m->line);
	if (!line)
		return;
	x->why = "malformed";
	if (jrec_parse(&r, line, n, &m->line, &why) < 0)
		return;
	x->why = "no_text";
	if (!record_text(&r, &text, &text_n))
		return;
	x->id = record_id(&r, text, text_n, &x->id_n);
	u = split_fraction(x->id, x->id_n);
	x->part = u < m->valid ? VALID : u < m->valid + m->test ? TEST : TRAIN;
	x->units = m->spec.unit == MIX_RECORDS ? 1 : m->spec.unit == MIX_BYTES ? text_n :
		count_words(text, text_n);
}

typedef int item_fn(struct mix *m, struct mix_source *s, const struct item *x, void *arg,
	struct jerr *e);

static int
each_item(struct mix *m, struct mix_source *s, item_fn *fn, void *arg, struct jerr *e)
{
	struct jreader reader;
	struct item x;
	char *line;
	size_t n;
	int rc = jreader_open(&reader, (int)s->n, s->files, e);

	if (rc < 0)
		return rc;
	reader.max_line = (size_t)jcli_common(m->cli)->max_line;
	while ((rc = jreader_line(&reader, &line, &n, e)) > 0) {
		read_item(m, rc == 1 ? line : NULL, n, &x);
		rc = fn(m, s, &x, arg, e);
		if (rc < 0)
			break;
	}
	jreader_close(&reader);
	return rc < 0 ? rc : 0;
}

static int
put_line(struct jout *out, const char *line, size_t n, struct jerr *e)
{
	int rc = jout_write(out, line, n, e);

	return rc < 0 ? rc : jout_write(out, "\n", 1, e);
}

/* First pass: counts, and sends what is set aside where it belongs. */
static int
measure_item(struct mix *m, struct mix_source *s, const struct item *x, void *arg, struct jerr *e)
{
	struct jcli_counts *c = jcli_counts(m->cli);

	c->in++;
	c->bytes_in += x->line_n + 1;
	if (x->part == BAD) {
		jcli_reject(m->cli, x->why);
		return m->rejects && x->line ? put_line(m->rejects, x->line, x->line_n, e) : 0;
	}
	m->held[x->part]++;
	if (x->part != TRAIN)
		return put_line(x->part == VALID ? m->valid_out : m->test_out, x->line, x->line_n, e);
	s->have += x->units;
	s->records++;
	return 0;
}

static void
put64(unsigned char *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint64_t
key_of(const struct mix *m, const struct mix_source *s, const struct item *x, uint64_t epoch)
{
	uint64_t h = jhash64(s->name, strlen(s->name), (uint64_t)jcli_common(m->cli)->seed);

	return jhash64(x->id, x->id_n, h + epoch * UINT64_C(0x9e3779b97f4a7c15));
}

/* Into the sort of one source: key, units, line. */
struct draw {
	struct jsort *sort;
	uint64_t epoch;
};

static int
draw_item(struct mix *m, struct mix_source *s, const struct item *x, void *arg, struct jerr *e)
{
	struct draw *d = arg;
	struct jbuf b;
	unsigned char head[16];
	int rc;

	if (x->part != TRAIN)
		return 0;
	jbuf_init(&b);
	put64(head, key_of(m, s, x, d->epoch));
	put64(head + 8, x->units);
	jbuf_add(&b, head, sizeof(head));
	jbuf_add(&b, x->line, x->line_n);
	rc = jsort_add(d->sort, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static uint64_t
be64(const unsigned char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static int
keep(struct mix *m, const unsigned char *units, const struct jbuf *b, struct jerr *e)
{
	unsigned char len[4];
	int rc;

	jle_put32(len, (uint32_t)(8 + b->n));
	rc = kept_add(m->kept, len, 4, e);
	if (rc == 0)
		rc = kept_add(m->kept, units, 8, e);
	return rc == 0 ? kept_add(m->kept, b->p, b->n, e) : rc;
}

/* What an earlier run has taken. */
static int
take_kept(void *arg, const unsigned char *p, size_t n, struct jerr *e)
{
	struct mix *m = arg;
	size_t source = n >= 18 ? (size_t)p[16] << 8 | p[17] : m->spec.n;

	if (source >= m->spec.n)
		return jerr_set(e, JERR_FORMAT, "what an earlier run took is damaged");
	m->spec.v[source].taken += be64(p);
	return jsort_add(m->order, p + 8, n - 8, e);
}

/* What is taken gets its place in the whole: a second hash, so that sources mix. */
static int
take(struct mix *m, size_t source, const unsigned char *p, size_t n, struct jerr *e)
{
	struct jbuf b;
	unsigned char head[10];
	int rc;

	put64(head, jhash64(p, 8, 1 + source));
	head[8] = (unsigned char)(source >> 8);
	head[9] = (unsigned char)source;
	jbuf_init(&b);
	jbuf_add(&b, head, sizeof(head));
	jbuf_add(&b, p + 16, n - 16);
	rc = jsort_add(m->order, b.p, b.n, e);
	if (rc == 0 && m->kept)
		rc = keep(m, p + 8, &b, e);
	jbuf_release(&b);
	return rc;
}

/* One epoch of a source: all of it, or the part that is still wanted. */
static int
take_epoch(struct mix *m, size_t i, uint64_t epoch, struct jerr *e)
{
	struct mix_source *s = &m->spec.v[i];
	struct draw d = { .epoch = epoch };
	const void *p;
	size_t n;
	int rc = jsort_open(&d.sort, (size_t)(jcli_common(m->cli)->memory / 4), NULL, e);

	if (rc < 0)
		return rc;
	rc = each_item(m, s, draw_item, &d, e);
	if (rc == 0)
		rc = jsort_finish(d.sort, e);
	while (rc == 0 && (rc = jsort_next(d.sort, &p, &n, e)) > 0) {
		uint64_t units = be64((const unsigned char *)p + 8);

		rc = 0;
		if (s->taken + units > s->want)
			continue;	/* a shorter one may still fit */
		s->taken += units;
		rc = take(m, i, p, n, e);
	}
	jsort_close(d.sort);
	return rc;
}

/* So many epochs of a source are taken. */
static int
mark(struct mix *m, size_t source, uint64_t epochs, struct jerr *e)
{
	const struct kept_point at = { .at = { .file = source, .line = epochs, .read = jcli_counts(m->cli)->in } };

	return kept_mark(m->kept, &at, e);
}

static int
take_source(struct mix *m, size_t i, struct jerr *e)
{
	struct mix_source *s = &m->spec.v[i];
	const struct resume_point *from = m->kept ? &kept_start(m->kept)->at : NULL;
	uint64_t epoch, before;
	int rc = 0;

	if (from && i < from->file)
		return 0;
	epoch = from && i == from->file ? from->line : 0;
	for (; rc == 0 && s->records > 0 && s->taken < s->want; epoch++) {
		before = s->taken;
		rc = take_epoch(m, i, epoch, e);
		if (rc == 0 && m->kept)
			rc = s->taken == before ? mark(m, i + 1, 0, e) : mark(m, i, epoch + 1, e);
		if (s->taken == before)
			break;
	}
	return rc;
}

static int
write_record(struct mix *m, const unsigned char *p, size_t n, struct jerr *e)
{
	struct jcli_counts *c = jcli_counts(m->cli);
	const char *name = m->spec.v[(size_t)p[8] << 8 | p[9]].name, *quoted;
	struct jrec_edit ed = { .key = "mix" };
	struct jbuf b;
	struct jrec r;
	int rc;

	c->out++;
	c->bytes_out += n - 9;
	if (!m->o->tag)
		return put_line(m->out, (const char *)p + 10, n - 10, e);
	jarena_reset(&m->line);
	rc = jrec_parse(&r, (const char *)p + 10, n - 10, &m->line, e);
	if (rc < 0)
		return rc;
	quoted = jarena_printf(&m->line, "\"%s\"", name);
	ed.val = quoted;
	ed.val_n = strlen(quoted);
	jbuf_init(&b);
	jrec_write_edits(&r, &ed, 1, &b);
	rc = jout_write(m->out, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
mix_all(struct mix *m, struct jerr *e)
{
	const void *p;
	size_t i, n;
	int rc = 0;

	for (i = 0; i < m->spec.n && rc == 0; i++)
		rc = each_item(m, &m->spec.v[i], measure_item, NULL, e);
	if (rc < 0)
		return rc;
	mix_spec_share(&m->spec);
	rc = jsort_open(&m->order, (size_t)(jcli_common(m->cli)->memory / 4), NULL, e);
	if (rc == 0 && m->kept)
		rc = kept_each(m->kept, 0, kept_size(m->kept), take_kept, m, e);
	for (i = 0; i < m->spec.n && rc == 0; i++)
		rc = take_source(m, i, e);
	if (rc == 0)
		rc = jsort_finish(m->order, e);
	while (rc == 0 && (rc = jsort_next(m->order, &p, &n, e)) > 0)
		rc = write_record(m, p, n, e);
	return rc;
}

static int
check_parts(struct mix *m, struct jerr *e)
{
	int rc = split_share("--valid", m->o->valid, &m->valid, e);

	if (rc == 0)
		rc = split_share("--test", m->o->test, &m->test, e);
	if (rc == 0 && ((m->valid > 0) != (m->o->valid_file != NULL) ||
	    (m->test > 0) != (m->o->test_file != NULL)))
		rc = jerr_set(e, JERR_ARG, "--valid and --valid-file go together, and so do --test and "
			"--test-file");
	if (rc == 0 && m->o->total && jstr_to_count(m->o->total, &m->spec.total) < 0)
		rc = jerr_set(e, JERR_ARG, "--total %s: expected a number like 300k, 10m or 2b", m->o->total);
	return rc;
}

static int
open_outputs(struct mix *m, struct jerr *e)
{
	const struct jcommon *c = jcli_common(m->cli);
	int rc = jout_open(&m->out, c->output, e);

	if (m->o->valid_file)
		jout_clean(m->o->valid_file);
	if (m->o->test_file)
		jout_clean(m->o->test_file);
	if (rc == 0 && m->o->valid_file)
		rc = jout_open(&m->valid_out, m->o->valid_file, e);
	if (rc == 0 && m->o->test_file)
		rc = jout_open(&m->test_out, m->o->test_file, e);
	if (rc == 0 && c->rejects)
		rc = jout_open(&m->rejects, c->rejects, e);
	return rc;
}

static int
open_kept(struct mix *m, const char *spec, struct jerr *e)
{
	struct jbuf key;
	size_t i;
	int rc = 0;

	if (!m->o->resume)
		return 0;
	jbuf_init(&key);
	resume_key(&key, m->o->table);
	resume_file(&key, spec);
	for (i = 0; i < m->spec.n && rc == 0; i++)
		rc = resume_files(&key, (int)m->spec.v[i].n, m->spec.v[i].files, e);
	if (rc == 0)
		rc = kept_open(&m->kept, m->cli, "taken", &key, e);
	jbuf_release(&key);
	return rc;
}

static int
close_output(struct jout *out, int rc, struct jerr *e)
{
	if (rc == 0 && out)
		return jout_commit(out, e);
	jout_abort(out);
	return rc;
}

static const char *const unit_names[] = { "words", "bytes", "records" };

static void
report(struct mix *m)
{
	size_t i;

	for (i = 0; i < m->spec.n; i++) {
		const struct mix_source *s = &m->spec.v[i];

		jcli_info(m->cli, "%s: %llu of %llu wanted %s (%.2f epochs of %llu records)", s->name,
			(unsigned long long)s->taken, (unsigned long long)s->want, unit_names[m->spec.unit],
			s->have ? (double)s->taken / (double)s->have : 0, (unsigned long long)s->records);
	}
	if (m->held[VALID] + m->held[TEST] > 0)
		jcli_info(m->cli, "set aside first: %llu to validate, %llu to test",
			(unsigned long long)m->held[VALID], (unsigned long long)m->held[TEST]);
}

int
mix_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct mix m = { .cli = cli, .o = opts };
	int rc;

	if (argc != 1)
		return jerr_set(e, JERR_ARG, "expected one file that names the sources");
	jarena_init(&m.arena, 0);
	jarena_init(&m.line, 0);
	rc = mix_spec_load(&m.spec, argv[0], &m.arena, e);
	if (rc == 0)
		rc = check_parts(&m, e);
	if (rc == 0)
		rc = open_kept(&m, argv[0], e);
	if (rc == 0)
		rc = open_outputs(&m, e);
	if (rc == 0) {
		jcli_input(cli, argv[0]);
		rc = mix_all(&m, e);
	}
	rc = close_output(m.valid_out, rc, e);
	rc = close_output(m.test_out, rc, e);
	rc = close_output(m.rejects, rc, e);
	rc = close_output(m.out, rc, e);
	rc = kept_close(m.kept, rc);
	if (rc == 0)
		report(&m);
	jsort_close(m.order);
	jarena_release(&m.line);
	jarena_release(&m.arena);
	return rc;
}
