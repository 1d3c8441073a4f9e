#include "audit.h"

#include <math.h>
#include <string.h>

#include "base/jjson.h"
#include "io/jsort.h"
#include "lines.h"
#include "par/jpar.h"
#include "recordtext.h"

enum grade { UNGRADED, GOOD, BAD };

enum { VALUE = 12 };			/* u32 row, f64 made so that memcmp orders it; big-endian */

struct row {				/* one rule of one set */
	const struct rule *rule;
	const struct ruleset *set;
	uint64_t drops, words, sole, sole_words, near, good, bad;
	uint64_t n;			/* records where it applies */
	double decile[9];
};

struct seen {				/* one record, made by a worker */
	const struct ruleset *set;
	double *value;			/* one for each rule */
	uint64_t words;
	enum grade grade;
};

struct audit {
	struct lines lines;
	struct judge judge;
	struct judge_bench *bench;
	const struct audit_opts *o;
	struct row *row;
	size_t rows;
	struct jsort *values;		/* of the signals, by row and value: VALUE bytes each */
	uint64_t records, words, kept, kept_words;
};

/* What a worker found travels in the block's output as bytes. */
static int
measure_line(struct audit *a, struct judge_bench *bench, struct block *b, size_t i, struct jerr *e)
{
	struct jerr why = { 0 };
	const struct jrec_member *label;
	struct verdict v;
	struct seen s = { .grade = UNGRADED };
	struct jrec r;
	struct judged t = { .r = &r };
	size_t k;
	int rc;

	jarena_reset(&bench->arena);
	if (b->v[i].too_long) {
		block_malformed(b, i, "too_long", "line is longer than --max-line");
		return 0;
	}
	if (jrec_parse(&r, b->bytes.p + b->v[i].at, b->v[i].n, &bench->arena, &why) < 0) {
		block_malformed(b, i, "malformed", why.msg);
		return 0;
	}
	if (!record_text(&r, &t.text, &t.n)) {
		block_malformed(b, i, "no_text", "expected text, prompt or messages");
		return 0;
	}
	t.kind = record_kind(&r);
	rc = judge_text(&a->judge, bench, &t, &v, e);
	if (rc < 0)
		return rc;
	s.set = judge_rules(&a->judge, t.kind);
	s.words = bench->page->words;
	label = a->o->label ? jrec_find(&r, a->o->label) : NULL;
	if (label)
		s.grade = strchr("1t", label->val[0]) || strncmp(label->val, "\"good", 5) == 0 ||
			strncmp(label->val, "\"hq", 3) == 0 || strncmp(label->val, "\"keep", 5) == 0 ? GOOD : BAD;
	jbuf_add(&b->out, &s, sizeof(s));
	for (k = 0; k < s.set->n; k++) {
		double value = s.set->v[k].signal->measure(bench->page);

		jbuf_add(&b->out, &value, sizeof(value));
	}
	b->kept++;
	return 0;
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct audit *a = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = measure_line(a, &a->bench[worker], b, i, e);
	return rc;
}

static struct row *
row_of(struct audit *a, const struct ruleset *set, size_t k)
{
	size_t i;

	for (i = 0; i < a->rows; i++)
		if (a->row[i].rule == &set->v[k])
			return &a->row[i];
	return NULL;
}

static int
add_value(struct audit *a, const struct row *row, double value, struct jerr *e)
{
	unsigned char rec[VALUE];
	uint64_t bits;
	int i;

	value += 0.0;		/* no -0 */
	memcpy(&bits, &value, sizeof(bits));
	bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
	for (i = 0; i < 4; i++)
		rec[i] = (unsigned char)((size_t)(row - a->row) >> (24 - 8 * i));
	for (i = 0; i < 8; i++)
		rec[4 + i] = (unsigned char)(bits >> (56 - 8 * i));
	return jsort_add(a->values, rec, sizeof(rec), e);
}

static double
read_value(const unsigned char *rec)
{
	uint64_t bits = 0;
	double value;
	int i;

	for (i = 0; i < 8; i++)
		bits = bits << 8 | rec[4 + i];
	bits = bits >> 63 ? bits & ~(UINT64_C(1) << 63) : ~bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static int
count_record(struct audit *a, const struct seen *s, const double *value, struct jerr *e)
{
	struct row *hit = NULL;
	size_t k, hits = 0;
	int rc = 0;

	for (k = 0; k < s->set->n && rc == 0; k++) {
		const struct rule *r = &s->set->v[k];
		struct row *row = row_of(a, s->set, k);

		if (isnan(value[k]))
			continue;
		row->n++;
		rc = add_value(a, row, value[k], e);
		row->near += fabs(value[k] - r->limit) <= 0.1 * fabs(r->limit);
		if (rule_holds(r, value[k]))
			continue;
		hits++;
		hit = row;
		row->drops++;
		row->words += s->words;
		row->good += s->grade == GOOD;
		row->bad += s->grade == BAD;
	}
	a->records++;
	a->words += s->words;
	a->kept += hits == 0;
	a->kept_words += hits == 0 ? s->words : 0;
	if (hits == 1) {
		hit->sole++;
		hit->sole_words += s->words;
	}
	return rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct audit *a = arg;
	struct block *b = block;
	size_t at = 0;
	int rc = 0;

	while (at < b->out.n && rc == 0) {
		struct seen s;
		double *value;

		memcpy(&s, b->out.p + at, sizeof(s));
		at += sizeof(s);
		value = jmem_alloc(s.set->n + 1, sizeof(*value));
		memcpy(value, b->out.p + at, s.set->n * sizeof(*value));
		at += s.set->n * sizeof(*value);
		rc = count_record(a, &s, value, e);
		jmem_free(value);
	}
	if (rc < 0) {
		block_free(b);
		return rc;
	}
	jbuf_reset(&b->out);
	return lines_write(&a->lines, b, e);
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct audit *a = arg;
	struct block *b = NULL;
	int rc = lines_read(&a->lines, &b, e);

	*block = b;
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

static void
put_row(struct row *r, struct jbuf *b)
{
	struct jbuf deciles;
	size_t k;

	jrec_begin(b);
	jrec_put_str(b, "set", r->set->name, strlen(r->set->name));
	jrec_put_str(b, "rule", r->rule->name, strlen(r->rule->name));
	jrec_put_str(b, "signal", r->rule->signal->name, strlen(r->rule->signal->name));
	jrec_put_str(b, "side", r->rule->side == SIDE_MIN ? "min" : "max", 3);
	jrec_put_num(b, "limit", r->rule->limit);
	jrec_put_int(b, "applies", (int64_t)r->n);
	jrec_put_int(b, "drops", (int64_t)r->drops);
	jrec_put_int(b, "words", (int64_t)r->words);
	jrec_put_int(b, "alone", (int64_t)r->sole);
	jrec_put_int(b, "alone_words", (int64_t)r->sole_words);
	jrec_put_int(b, "near_limit", (int64_t)r->near);
	if (r->good + r->bad > 0) {
		jrec_put_int(b, "good_dropped", (int64_t)r->good);
		jrec_put_num(b, "precision", (double)r->bad / (double)(r->good + r->bad));
	}
	jbuf_init(&deciles);
	jbuf_addc(&deciles, '[');
	for (k = 1; k <= 9 && r->n > 0; k++) {
		jbuf_adds(&deciles, k > 1 ? "," : "");
		jjson_num(&deciles, r->decile[k - 1]);
	}
	jbuf_addc(&deciles, ']');
	jrec_put_raw(b, "deciles", deciles.p, deciles.n);
	jbuf_release(&deciles);
	jrec_end(b);
}

/* The values come by row, each row's in order. */
static int
find_deciles(struct audit *a, struct jerr *e)
{
	const unsigned char *rec;
	const void *p;
	size_t n, row = 0, k = 1;
	uint64_t at = 0;
	int rc = jsort_finish(a->values, e);

	while (rc == 0 && (rc = jsort_next(a->values, &p, &n, e)) > 0) {
		size_t i;

		rc = 0;
		rec = p;
		i = (size_t)rec[0] << 24 | (size_t)rec[1] << 16 | (size_t)rec[2] << 8 | rec[3];
		if (i != row) {
			row = i;
			at = 0;
			k = 1;
		}
		for (; k <= 9 && k * (a->row[row].n - 1) / 10 == at; k++)
			a->row[row].decile[k - 1] = read_value(rec);
		at++;
	}
	return rc;
}

static int
put_report(struct audit *a, struct jerr *e)
{
	struct jbuf b;
	size_t i;
	int rc;

	jbuf_init(&b);
	for (i = 0; i < a->rows; i++)
		if (a->row[i].n > 0)
			put_row(&a->row[i], &b);
	jrec_begin(&b);
	jrec_put_str(&b, "set", "all", 3);
	jrec_put_int(&b, "records", (int64_t)a->records);
	jrec_put_int(&b, "words", (int64_t)a->words);
	jrec_put_int(&b, "kept", (int64_t)a->kept);
	jrec_put_int(&b, "kept_words", (int64_t)a->kept_words);
	jrec_end(&b);
	rc = jout_write(a->lines.out, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static void
make_rows(struct audit *a)
{
	size_t i, k, all = 0;

	for (i = 0; i < a->judge.n; i++)
		all += a->judge.kinds[i].set.n;
	a->row = jmem_zalloc(all + 1, sizeof(*a->row));
	for (i = 0; i < a->judge.n; i++)
		for (k = 0; k < a->judge.kinds[i].set.n; k++)
			a->row[a->rows++] = (struct row){ .rule = &a->judge.kinds[i].set.v[k],
				.set = &a->judge.kinds[i].set };
}

int
audit_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct audit a = { .o = opts };
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, &a };
	int workers = (int)jcli_common(cli)->jobs, i, rc;

	rc = judge_open(&a.judge, &a.o->judge, e);
	if (rc == 0)
		rc = lines_open(&a.lines, cli, argc, argv, e);
	if (rc < 0) {
		judge_close(&a.judge);
		return rc;
	}
	make_rows(&a);
	a.bench = jmem_zalloc((size_t)workers, sizeof(*a.bench));
	for (i = 0; i < workers; i++)
		judge_bench_init(&a.bench[i], &a.judge);
	rc = lines_open_output(&a.lines, e);
	if (rc == 0)
		rc = jsort_open(&a.values, (size_t)(jcli_common(cli)->memory / 4), NULL, e);
	if (rc == 0)
		rc = jpar_pipe_run(&p, workers, e);
	if (rc == 0)
		rc = find_deciles(&a, e);
	if (rc == 0)
		rc = put_report(&a, e);
	rc = lines_close(&a.lines, rc, e);
	for (i = 0; i < workers; i++)
		judge_bench_release(&a.bench[i]);
	jsort_close(a.values);
	jmem_free(a.bench);
	jmem_free(a.row);
	judge_close(&a.judge);
	return rc;
}
