/* dedupwrite.c - the last pass: the input again, by the plan. */
#include <stdio.h>
#include <string.h>

#include "base/jjson.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "dedupplan.h"
#include "par/jpar.h"
#include "recordtext.h"
#include "text/jwords.h"

struct apply_block {
	struct block *b;
	struct jbuf steps;		/* of its lines: u32 length and the record each */
	struct jbuf cuts;		/* lines for --cuts */
	uint64_t sum, factor;		/* for the digest */
	uint64_t records, spans, bytes;	/* cut */
};

struct apply {
	struct dedup *d;
	struct jdupfile_in plan;
	const unsigned char *next;	/* the step read last */
	size_t next_n;
	struct dedup_step step;
	struct jarena *arena;		/* one a worker */
	struct jout *cuts;
	uint64_t lines, digest, records, spans, bytes;
};

static int
next_step(struct apply *a, struct jerr *e)
{
	const void *p;
	int rc = jdupfile_next(&a->plan, &p, &a->next_n, e);

	a->next = p;
	if (rc == 0)
		rc = jerr_set(e, JERR_FORMAT, "%s: a plan without its last record",
			jin_name(a->plan.in));
	return rc < 0 ? rc : dedup_read_step(&a->step, a->next, a->next_n, e);
}

static void
free_block(struct apply_block *k)
{
	block_free(k->b);
	jbuf_release(&k->steps);
	jbuf_release(&k->cuts);
	jmem_free(k);
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct apply *a = arg;
	struct apply_block *k;
	unsigned char u[4];
	struct block *b = NULL;
	int rc = lines_read(&a->d->lines, &b, e);

	if (rc <= 0)
		return rc;
	k = jmem_zalloc(1, sizeof(*k));
	k->b = b;
	jbuf_init(&k->steps);
	jbuf_init(&k->cuts);
	rc = 0;
	while (a->step.what != 'E' && a->step.line < b->first + b->n && rc == 0) {
		jle_put32(u, (uint32_t)a->next_n);
		jbuf_add(&k->steps, u, 4);
		jbuf_add(&k->steps, a->next, a->next_n);
		rc = next_step(a, e);
	}
	if (rc < 0)
		free_block(k);
	else
		*block = k;
	return rc < 0 ? rc : 1;
}

static void
put_drop(struct block *b, const struct jrec *r, const struct jbuf *drop, const char *rule)
{
	struct jrec_edit ed = { .key = "drop", .val = drop->p, .val_n = drop->n };

	jrec_write_edits(r, &ed, 1, &b->rejects);
	block_reject(b, rule);
}

static void
put_removed(struct apply *a, struct block *b, const struct jrec *r, const struct dedup_step *s)
{
	bool evals = a->d->by == DEDUP_EVALS;
	const char *rule = evals ? "contaminated" : s->exact ? "duplicate" : "near_duplicate";
	struct jbuf drop;

	jbuf_init(&drop);
	jrec_begin(&drop);
	jrec_put_str(&drop, "rule", rule, strlen(rule));
	jrec_put_num(&drop, "value", s->similarity);
	jrec_put_num(&drop, "limit", a->d->opts->threshold);
	jrec_put_str(&drop, evals ? "item" : "twin", s->twin, s->twin_n);
	jrec_end(&drop);
	jbuf_trim(&drop);
	put_drop(b, r, &drop, rule);
	jbuf_release(&drop);
}

struct cut_text {			/* of one record */
	const char *text, *id, *twin;	/* twin of the first cut */
	size_t n, id_n, twin_n;
	uint64_t spans, bytes;
	struct jbuf left;
};

static void
put_evidence(const struct apply *a, struct apply_block *k, const struct cut_text *t,
	const struct dedup_cut *c)
{
	const char *twin = a->d->by == DEDUP_EVALS ? "item" : "twin";

	jrec_begin(&k->cuts);
	jrec_put_str(&k->cuts, "id", t->id, t->id_n);
	jrec_put_int(&k->cuts, "at", c->at);
	jrec_put_int(&k->cuts, "bytes", c->n);
	jrec_put_str(&k->cuts, twin, c->twin, c->twin_n);
	jrec_put_str(&k->cuts, "text", t->text + c->at, c->n);
	jrec_end(&k->cuts);
}

/* Bytes were compared; what is cut are whole characters. */
static void
whole_characters(const struct cut_text *t, struct dedup_cut *c)
{
	while (c->n > 0 && ((unsigned char)t->text[c->at] & 0xc0) == 0x80)
		c->at++, c->n--;
	while (c->n > 0 && c->at + (size_t)c->n < t->n &&
	    ((unsigned char)t->text[c->at + (size_t)c->n] & 0xc0) == 0x80)
		c->n--;
}

static int
cut_text(struct apply *a, struct apply_block *k, struct cut_text *t, const struct dedup_step *s,
	struct jerr *e)
{
	struct dedup_cut c;
	size_t at = 0, from = 0;
	int rc;

	while ((rc = dedup_next_cut(s, &at, &c, e)) > 0) {
		if (c.at < from || c.at > t->n || c.n > t->n - c.at)
			return dedup_changed(e);
		whole_characters(t, &c);
		if (c.n == 0)
			continue;
		jbuf_add(&t->left, t->text + from, c.at - from);
		from = (size_t)c.at + c.n;
		if (t->spans++ == 0) {
			t->twin = c.twin;
			t->twin_n = c.twin_n;
		}
		t->bytes += c.n;
		if (a->cuts)
			put_evidence(a, k, t, &c);
	}
	jbuf_add(&t->left, t->text + from, t->n - from);
	return rc;
}

static bool
has_words(const struct jbuf *b)
{
	struct jtext_word w;
	size_t at = 0;

	return jtext_next_word(b->p, b->n, &at, &w);
}

static void
put_left(struct apply_block *k, const struct jrec *r, const struct cut_text *t)
{
	struct jrec_edit ed = { .key = "text" };
	struct jbuf json;

	jbuf_init(&json);
	jjson_str(&json, t->left.p, t->left.n);
	ed.val = json.p;
	ed.val_n = json.n;
	jrec_write_edits(r, &ed, 1, &k->b->out);
	jbuf_release(&json);
	k->b->kept++;
	k->records++;
}

/* No word is left: the record goes as a whole. */
static void
put_empty(struct apply *a, struct apply_block *k, const struct jrec *r, const struct cut_text *t)
{
	bool evals = a->d->by == DEDUP_EVALS;
	const char *rule = evals ? "contaminated" : "duplicate";
	struct jbuf drop;

	jbuf_init(&drop);
	jrec_begin(&drop);
	jrec_put_str(&drop, "rule", rule, strlen(rule));
	jrec_put_int(&drop, "cut_bytes", (int64_t)t->bytes);
	jrec_put_str(&drop, evals ? "item" : "twin", t->twin, t->twin_n);
	jrec_end(&drop);
	jbuf_trim(&drop);
	put_drop(k->b, r, &drop, rule);
	jbuf_release(&drop);
}

static int
put_cut(struct apply *a, struct apply_block *k, const struct jrec *r, const struct dedup_step *s,
	struct jerr *e)
{
	struct cut_text t = { .twin = "" };
	int rc;

	if (!record_text(r, &t.text, &t.n))
		return dedup_changed(e);
	t.id = record_id(r, t.text, t.n, &t.id_n);
	jbuf_init(&t.left);
	rc = cut_text(a, k, &t, s, e);
	if (rc == 0 && has_words(&t.left))
		put_left(k, r, &t);
	else if (rc == 0)
		put_empty(a, k, r, &t);
	k->spans += t.spans;
	k->bytes += t.bytes;
	jbuf_release(&t.left);
	return rc;
}

static int
take_step(struct apply *a, struct apply_block *k, size_t i, const struct dedup_step *s,
	struct jarena *arena, struct jerr *e)
{
	struct jerr why = { 0 };
	struct block *b = k->b;
	const char *rule;
	struct jrec r;
	bool good;

	jarena_reset(arena);
	good = dedup_parse(b, i, arena, &r, &rule, &why);
	if (good == (s->what == 'B'))
		return dedup_changed(e);
	if (!good)
		block_malformed(b, i, rule, why.msg);
	else if (s->what == 'R')
		put_removed(a, b, &r, s);
	else
		return put_cut(a, k, &r, s, e);
	return 0;
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct apply *a = arg;
	struct apply_block *k = block;
	struct block *b = k->b;
	struct dedup_step s = { .line = UINT64_MAX };
	size_t i, at = 0, n = 0;
	int rc = 0;

	dedup_digest(b, &k->sum, &k->factor);
	for (i = 0; i < b->n && rc == 0; i++) {
		if (s.line != b->first + i && at < k->steps.n) {
			n = jle_u32(k->steps.p + at);
			rc = dedup_read_step(&s, (const unsigned char *)k->steps.p + at + 4, n, e);
			if (rc < 0)
				break;
		}
		if (s.line == b->first + i) {
			rc = take_step(a, k, i, &s, &a->arena[worker], e);
			at += 4 + n;
			s.line = UINT64_MAX;
		} else if (b->v[i].too_long) {
			rc = dedup_changed(e);
		} else {
			b->kept++;
			jbuf_add(&b->out, b->bytes.p + b->v[i].at, b->v[i].n);
			jbuf_addc(&b->out, '\n');
		}
	}
	return rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct apply *a = arg;
	struct apply_block *k = block;
	int rc = 0;

	a->digest = a->digest * k->factor + k->sum;
	a->lines += k->b->n;
	a->records += k->records;
	a->spans += k->spans;
	a->bytes += k->bytes;
	if (a->cuts && k->cuts.n > 0)
		rc = jout_write(a->cuts, k->cuts.p, k->cuts.n, e);
	if (rc == 0) {
		rc = lines_write(&a->d->lines, k->b, e);
		k->b = NULL;
	}
	free_block(k);
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	free_block(block);
}

static int
run_pipe(struct apply *a, struct jerr *e)
{
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, a };
	int workers = (int)jcli_common(a->d->cli)->jobs, i, rc;

	a->arena = jmem_zalloc((size_t)workers, sizeof(*a->arena));
	for (i = 0; i < workers; i++)
		jarena_init(&a->arena[i], 0);
	rc = jpar_pipe_run(&p, workers, e);
	for (i = 0; i < workers; i++)
		jarena_release(&a->arena[i]);
	jmem_free(a->arena);
	return rc;
}

/* The input and the plan end together. */
static int
check_end(struct apply *a, struct jerr *e)
{
	const void *p;
	size_t n;
	int rc;

	if (a->step.what != 'E' || a->step.line != a->lines || a->step.digest != a->digest)
		return dedup_changed(e);
	rc = jdupfile_next(&a->plan, &p, &n, e);
	return rc <= 0 ? rc : jerr_set(e, JERR_FORMAT, "%s: a plan with records after its last",
		jin_name(a->plan.in));
}

static int
run_apply(struct apply *a, struct jerr *e)
{
	struct dedup *d = a->d;
	int rc = next_step(a, e);

	if (rc == 0 && d->empty)
		memset(&d->lines, 0, sizeof(d->lines));
	else if (rc == 0)
		rc = dedup_open_input(d, e);
	if (rc < 0)
		return rc;
	d->lines.cli = d->cli;
	rc = lines_open_output(&d->lines, e);
	if (rc == 0 && d->opts->cuts)
		rc = jout_open(&a->cuts, d->opts->cuts, e);
	if (rc == 0 && !d->empty)
		rc = run_pipe(a, e);
	if (rc == 0)
		rc = check_end(a, e);
	if (rc == 0 && a->cuts) {
		rc = jout_commit(a->cuts, e);
		a->cuts = NULL;
	}
	jout_abort(a->cuts);
	return lines_close(&d->lines, rc, e);
}

static void
tell(const struct apply *a)
{
	struct jcli *cli = a->d->cli;
	char bytes[16], number[24];

	if (a->d->by == DEDUP_DOCUMENT || (a->d->by == DEDUP_EVALS && a->spans == 0))
		return;
	jcli_info(cli, "cut %llu spans, %s, in records of which %llu stay",
		(unsigned long long)a->spans, jstr_human_bytes(bytes, (double)a->bytes),
		(unsigned long long)a->records);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)a->spans);
	jcli_note(cli, "cut_spans", number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)a->bytes);
	jcli_note(cli, "cut_bytes", number);
}

int
dedup_write(struct dedup *d, struct jerr *e)
{
	struct apply a = { .d = d };
	int rc = dedup_in_open(d, &a.plan, "plan", d->shard, e);

	if (rc == 0)
		rc = run_apply(&a, e);
	jdupfile_close(&a.plan);
	if (rc == 0)
		tell(&a);
	return rc;
}
