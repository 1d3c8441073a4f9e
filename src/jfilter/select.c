#include "select.h"

#include <math.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "io/jsort.h"
#include "judge.h"
#include "par/jpar.h"
#include "recordtext.h"
#include "text/jdsir.h"
#include "text/junicode.h"

/*
 * The first sort is by what decides, best first: key, then the hash of the id, then the place in the
 * input; behind these units and weight.  The second is by place: key and weight behind a byte that
 * says whether it is chosen.  Numbers are big-endian.
 */
enum { RANKED = 40, PLACED = 25, COUNTS = JDSIR_BUCKETS * 8 };

struct bench {			/* one worker's tools */
	struct jarena arena;
	struct jbuf flat;
	uint64_t *count;
};

struct selection {
	struct jcli *cli;
	const struct select_opts *o;
	struct dedup d;		/* the input, with a copy where it can be read only once */
	struct lines *lines;	/* of the present pass */
	struct bench *bench;
	int workers;
	uint64_t *target, *raw;	/* n-grams by bucket */
	double *ratio;
	struct jsort *ranked, *placed;
	struct kept *kept;	/* the counts, then the ranks; or NULL */
	double least;		/* key that was just enough */
	bool more;		/* a placed one waits */
	uint64_t place;
	bool chosen;
	double key, weight;
};

struct pass {			/* over the lines; each gives bytes that `take` gets in order */
	struct selection *x;
	/* NULL: `take` does all, and has the first bench for itself. */
	void (*line)(struct selection *x, struct bench *w, struct block *b, size_t i);
	int (*take)(struct selection *x, struct block *b, struct jerr *e);
};

static int
pass_read(void *arg, void **block, struct jerr *e)
{
	struct block *b = NULL;
	int rc = lines_read(((struct pass *)arg)->x->lines, &b, e);

	*block = b;
	return rc;
}

static int
pass_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct pass *p = arg;
	struct block *b = block;
	size_t i;

	for (i = 0; p->line && i < b->n; i++) {
		jarena_reset(&p->x->bench[worker].arena);
		p->line(p->x, &p->x->bench[worker], b, i);
	}
	return 0;
}

static int
pass_write(void *arg, void *block, struct jerr *e)
{
	struct pass *p = arg;

	return p->take(p->x, block, e);
}

static void
pass_drop(void *arg, void *block)
{
	block_free(block);
}

static int
run_pass(struct pass *p, struct jerr *e)
{
	const struct jpar_pipe pipe = { pass_read, pass_work, pass_write, pass_drop, p };

	return jpar_pipe_run(&pipe, p->x->workers, e);
}

/* The flattened text of a record, in the bench; false if there is none. */
static bool
read_text(struct bench *w, const struct block *b, size_t i, struct jrec *r)
{
	struct jerr ignored = { 0 };
	const char *text;
	size_t n;

	jbuf_reset(&w->flat);
	return !b->v[i].too_long && jrec_parse(r, b->bytes.p + b->v[i].at, b->v[i].n, &w->arena, &ignored) == 0 &&
		record_text(r, &text, &n) && jtext_flatten(text, n, &w->flat, &ignored) == 0;
}

static void
count_line(struct selection *x, struct bench *w, struct block *b, size_t i)
{
	struct jrec r;

	if (read_text(w, b, i, &r))
		jdsir_count(w->flat.p, w->flat.n, w->count);
}

static int
forget(struct selection *x, struct block *b, struct jerr *e)
{
	jcli_progress(x->cli, "records counted", b->first + b->n, 0, NULL);
	block_free(b);
	return 0;
}

/* Numbers whose memcmp order is that of the doubles, greatest first. */
static uint64_t
descending(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits >> 63 ? bits : ~(bits | UINT64_C(1) << 63);
}

static double
ascending(uint64_t bits)
{
	double v;

	bits = bits >> 63 ? bits : ~bits & ~(UINT64_C(1) << 63);
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void
weigh_line(struct selection *x, struct bench *w, struct block *b, size_t i)
{
	unsigned char rank[RANKED];
	double weight, noise;
	uint64_t words, units;
	const char *id;
	size_t id_n;
	struct jrec r;

	if (!read_text(w, b, i, &r))
		return;
	weight = jdsir_weight(w->flat.p, w->flat.n, x->ratio, &words);
	units = *x->o->unit == 'r' ? 1 : *x->o->unit == 'w' ? words : w->flat.n;
	id = record_id(&r, w->flat.p, w->flat.n, &id_n);
	noise = x->o->noise > 0 ? x->o->noise * jdsir_noise((uint64_t)jcli_common(x->cli)->seed, id, id_n) : 0;
	if ((int64_t)words < x->o->min_words)
		weight = -INFINITY;
	dedup_put64(rank, descending(weight + noise));
	dedup_put64(rank + 8, jhash64(id, id_n, 0));
	dedup_put64(rank + 16, b->first + i);
	dedup_put64(rank + 24, units);
	dedup_put64(rank + 32, descending(weight));
	jbuf_add(&b->out, rank, sizeof(rank));
}

static int
keep_ranks(struct selection *x, const struct block *b, struct jerr *e)
{
	const struct kept_point at = { .at = b->after };
	int rc = kept_add(x->kept, b->out.p, b->out.n, e);

	return rc == 0 && kept_due(x->kept) ? kept_mark(x->kept, &at, e) : rc;
}

static int
take_ranks(struct selection *x, struct block *b, struct jerr *e)
{
	size_t at;
	int rc = 0;

	for (at = 0; at < b->out.n && rc == 0; at += RANKED)
		rc = jsort_add(x->ranked, b->out.p + at, RANKED, e);
	if (rc == 0 && x->kept)
		rc = keep_ranks(x, b, e);
	jcli_progress(x->cli, "records weighed", b->first + b->n, 0, NULL);
	block_free(b);
	return rc;
}

/* The best go into the budget until one does not fit any more. */
static int
choose(struct selection *x, struct jerr *e)
{
	uint64_t left = x->o->total, units;
	const void *p;
	bool full = false;
	size_t n;
	int rc = jsort_finish(x->ranked, e);

	x->least = INFINITY;
	if (rc == 0)
		rc = jsort_open(&x->placed, (size_t)(jcli_common(x->cli)->memory / 4), NULL, e);
	while (rc == 0 && (rc = jsort_next(x->ranked, &p, &n, e)) > 0) {
		const unsigned char *rank = p;
		unsigned char place[PLACED];
		double key = ascending(dedup_get64(rank));

		units = dedup_get64(rank + 24);
		full |= units > left || isinf(key);
		left -= full ? 0 : units;
		x->least = full ? x->least : key;
		memcpy(place, rank + 16, 8);
		place[8] = !full;
		memcpy(place + 9, rank, 8);
		memcpy(place + 17, rank + 32, 8);
		rc = jsort_add(x->placed, place, sizeof(place), e);
	}
	jsort_close(x->ranked);
	x->ranked = NULL;
	return rc == 0 ? jsort_finish(x->placed, e) : rc;
}

static int
next_placed(struct selection *x, struct jerr *e)
{
	const void *p;
	size_t n;
	int rc = jsort_next(x->placed, &p, &n, e);

	x->more = rc > 0;
	if (rc <= 0)
		return rc;
	x->place = dedup_get64(p);
	x->chosen = ((const unsigned char *)p)[8];
	x->key = ascending(dedup_get64((const unsigned char *)p + 9));
	x->weight = ascending(dedup_get64((const unsigned char *)p + 17));
	return 0;
}

static void
put_drop(const struct selection *x, struct block *b, const struct jrec *r)
{
	struct verdict v = { .rule = "min_words" };

	if (!isinf(x->key))
		v = (struct verdict){ .rule = "not_selected", .signal = "dsir", .side = SIDE_MIN,
			.value = x->key, .limit = x->least };
	judge_put_drop(b, r, &v);
}

static int
write_record(struct selection *x, struct block *b, size_t i, const struct jrec *r, struct jerr *e)
{
	struct jrec_edit ed = { .key = "scores" };

	if (!x->more || x->place != b->first + i)
		return dedup_changed(e);
	if (x->chosen) {
		ed.val = jrec_add_score(r, "jfilter.dsir", x->weight, &ed.val_n);
		jrec_write_edits(r, &ed, 1, &b->out);
		b->kept++;
	} else {
		put_drop(x, b, r);
	}
	return next_placed(x, e);
}

/* Of a line that is no record nothing was placed. */
static int
take_lines(struct selection *x, struct block *b, struct jerr *e)
{
	struct jarena *a = &x->bench[0].arena;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++) {
		struct jerr why = { 0 };
		const char *rule;
		struct jrec r;

		jarena_reset(a);
		if (dedup_parse(b, i, a, &r, &rule, &why))
			rc = write_record(x, b, i, &r, e);
		else
			block_malformed(b, i, rule, why.msg);
	}
	if (rc == 0)
		return lines_write(x->lines, b, e);
	block_free(b);
	return rc;
}

static int
count_input(struct selection *x, uint64_t *count, struct jerr *e)
{
	struct pass p = { x, count_line, forget };
	int i, k, rc = run_pass(&p, e);

	for (i = 0; i < x->workers; i++)
		for (k = 0; k < JDSIR_BUCKETS; k++) {
			count[k] += x->bench[i].count[k];
			x->bench[i].count[k] = 0;
		}
	return lines_close(x->lines, rc, e);
}

static int
count_target(struct selection *x, struct jerr *e)
{
	struct lines like;
	uint64_t sum = 0;
	int i, rc = lines_open(&like, x->cli, (int)x->o->like.n, (char **)x->o->like.v, e);

	x->lines = &like;
	if (rc == 0)
		rc = count_input(x, x->target, e);
	for (i = 0; i < JDSIR_BUCKETS; i++)
		sum += x->target[i];
	x->lines = &x->d.lines;
	return rc == 0 && sum == 0 ? jerr_set(e, JERR_FORMAT, "%s: no text that others could be like",
		x->o->like.v[0]) : rc;
}

/* Counts the target and the input, or takes the counts of an earlier run. */
static int
count_both(struct selection *x, struct jerr *e)
{
	const struct kept_point none = { .lines = 0 };
	int rc;

	if (x->kept && kept_size(x->kept) >= 2 * COUNTS) {
		rc = kept_read(x->kept, 0, x->target, COUNTS, e);
		return rc == 0 ? kept_read(x->kept, COUNTS, x->raw, COUNTS, e) : rc;
	}
	rc = count_target(x, e);
	if (rc == 0)
		rc = dedup_open_input(&x->d, e);
	if (rc == 0)
		rc = count_input(x, x->raw, e);
	if (rc < 0 || !x->kept)
		return rc;
	rc = kept_add(x->kept, x->target, COUNTS, e);
	if (rc == 0)
		rc = kept_add(x->kept, x->raw, COUNTS, e);
	return rc == 0 ? kept_mark(x->kept, &none, e) : rc;
}

/* The ranks of an earlier run, and the input behind their records. */
static int
go_on(struct selection *x, struct jerr *e)
{
	unsigned char rank[RANKED];
	uint64_t at;
	int rc = 0;

	for (at = 2 * COUNTS; at + RANKED <= kept_size(x->kept) && rc == 0; at += RANKED) {
		rc = kept_read(x->kept, at, rank, RANKED, e);
		if (rc == 0)
			rc = jsort_add(x->ranked, rank, RANKED, e);
	}
	return rc == 0 ? lines_skip(x->lines, &kept_start(x->kept)->at, e) : rc;
}

static int
weigh_input(struct selection *x, struct jerr *e)
{
	struct pass p = { x, weigh_line, take_ranks };
	int rc;

	jdsir_ratio(x->target, x->raw, x->ratio);
	rc = jsort_open(&x->ranked, (size_t)(jcli_common(x->cli)->memory / 4), NULL, e);
	if (rc == 0)
		rc = dedup_open_input(&x->d, e);
	if (rc < 0)
		return rc;
	if (x->kept)
		rc = go_on(x, e);
	return lines_close(x->lines, rc == 0 ? run_pass(&p, e) : rc, e);
}

static int
open_kept(struct selection *x, struct jerr *e)
{
	struct jbuf key;
	int rc;

	if (!x->o->resume)
		return 0;
	jbuf_init(&key);
	resume_key(&key, x->o->table);
	rc = resume_files(&key, x->d.argc, x->d.argv, e);
	if (rc == 0)
		rc = resume_files(&key, (int)x->o->like.n, (char **)x->o->like.v, e);
	if (rc == 0)
		rc = kept_open(&x->kept, x->cli, "weights", &key, e);
	jbuf_release(&key);
	return rc;
}

static int
write_input(struct selection *x, struct jerr *e)
{
	struct pass p = { x, NULL, take_lines };
	int rc = next_placed(x, e);

	if (rc == 0)
		rc = dedup_open_input(&x->d, e);
	if (rc < 0)
		return rc;
	rc = lines_open_output(x->lines, e);
	if (rc == 0)
		rc = run_pass(&p, e);
	if (rc == 0 && x->more)
		rc = dedup_changed(e);
	return lines_close(x->lines, rc, e);
}

static int
check_opts(const struct select_opts *o, struct jerr *e)
{
	if (o->like.n == 0)
		return jerr_set(e, JERR_ARG, "--like FILE: no target was named");
	if (o->total == 0)
		return jerr_set(e, JERR_ARG, "--total N: how much is to be chosen?");
	if (!(o->noise >= 0) || isinf(o->noise))
		return jerr_set(e, JERR_ARG, "--noise %g: expected 0 or more", o->noise);
	return 0;
}

static void
init(struct selection *x)
{
	int i;

	x->workers = (int)jcli_common(x->cli)->jobs;
	x->lines = &x->d.lines;
	x->bench = jmem_zalloc((size_t)x->workers, sizeof(*x->bench));
	for (i = 0; i < x->workers; i++) {
		jarena_init(&x->bench[i].arena, 0);
		jbuf_init(&x->bench[i].flat);
		x->bench[i].count = jmem_zalloc(JDSIR_BUCKETS, sizeof(uint64_t));
	}
	x->target = jmem_zalloc(JDSIR_BUCKETS, sizeof(*x->target));
	x->raw = jmem_zalloc(JDSIR_BUCKETS, sizeof(*x->raw));
	x->ratio = jmem_zalloc(JDSIR_BUCKETS, sizeof(*x->ratio));
	jbuf_init(&x->d.params);
}

static void
release(struct selection *x)
{
	int i;

	for (i = 0; i < x->workers; i++) {
		jarena_release(&x->bench[i].arena);
		jbuf_release(&x->bench[i].flat);
		jmem_free(x->bench[i].count);
	}
	jmem_free(x->bench);
	jmem_free(x->target);
	jmem_free(x->raw);
	jmem_free(x->ratio);
	jsort_close(x->ranked);
	jsort_close(x->placed);
	dedup_release(&x->d);
}

int
select_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct selection x = { .cli = cli, .o = opts, .d = { .cli = cli, .argc = argc, .argv = argv } };
	int rc = check_opts(opts, e);

	if (rc < 0)
		return rc;
	init(&x);
	rc = open_kept(&x, e);
	if (rc == 0)
		rc = dedup_spool(&x.d, e);
	if (rc == 0)
		rc = count_both(&x, e);
	if (rc == 0)
		rc = weigh_input(&x, e);
	if (rc == 0)
		rc = choose(&x, e);
	if (rc == 0)
		rc = write_input(&x, e);
	rc = kept_close(x.kept, rc);
	release(&x);
	return rc;
}
