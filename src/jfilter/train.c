#include "train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "recordtext.h"
#include "split.h"
#include "text/jfasttext.h"
#include "text/jlm.h"

enum { HELD = 8 };			/* the part of the memory for texts held out */

struct held {				/* a text kept back to measure with */
	char *text, *label;
	size_t n;
};

struct train {
	struct jcli *cli;
	const struct train_opts *o;
	struct jfasttext_trainer *classifier;
	struct jlm_trainer *lm;
	double share;
	struct held *v;
	size_t n, cap;
	uint64_t held;			/* bytes of the texts */
};

/* The label as a word: of a string, number or boolean member. */
static const char *
label_of(const struct jrec *r, const char *key)
{
	const struct jrec_member *m = jrec_find(r, key);
	const char *s;
	size_t n;

	if (jrec_str(r, key, &s, &n))
		return s;
	return m && m->val[0] != '{' && m->val[0] != '[' ? jarena_strndup(r->arena, m->val, m->val_n) :
		NULL;
}

static int
take_example(struct train *t, const struct jrec *r, const char *text, size_t n, struct jerr *e)
{
	const char *label = label_of(r, t->o->label), *id;
	size_t id_n;

	if (!label) {
		jcli_reject(t->cli, "no_label");
		return 0;
	}
	jcli_counts(t->cli)->out++;
	id = record_id(r, text, n, &id_n);
	if (split_fraction(id, id_n) >= t->share)
		return jfasttext_train_add(t->classifier, label, text, n, e);
	t->held += n;
	if (t->held > (uint64_t)jcli_common(t->cli)->memory / HELD)
		return jerr_set(e, JERR_LIMIT, "%zu texts held out take more than 1/%d of the memory: give more with -M, or a "
			"smaller --held-out", t->n + 1, HELD);
	JMEM_GROW(t->v, t->cap, t->n + 1);
	t->v[t->n++] = (struct held){ jmem_strndup(text, n), jmem_strdup(label), n };
	return 0;
}

static int
take_line(struct train *t, const char *line, size_t n, struct jarena *a, struct jerr *e)
{
	struct jcli_counts *c = jcli_counts(t->cli);
	const char *text;
	struct jrec r;

	jarena_reset(a);
	c->in++;
	c->bytes_in += n + 1;
	if (!line || jrec_parse(&r, line, n, a, NULL) < 0) {
		jcli_reject(t->cli, "malformed");
		return 0;
	}
	if (!record_text(&r, &text, &n)) {
		jcli_reject(t->cli, "no_text");
		return 0;
	}
	if (t->classifier)
		return take_example(t, &r, text, n, e);
	c->out++;
	return jlm_train_add(t->lm, text, n, e);
}

static int
read_all(struct train *t, int argc, char **argv, struct jerr *e)
{
	const struct jcommon *common = jcli_common(t->cli);
	struct jreader reader;
	struct jarena a;
	char *line;
	size_t n;
	int i, rc = jreader_open(&reader, argc, argv, e);

	if (rc < 0)
		return rc;
	for (i = 0; i < argc; i++)
		jcli_input(t->cli, argv[i]);
	reader.max_line = (size_t)common->max_line;
	jarena_init(&a, 0);
	while ((rc = jreader_line(&reader, &line, &n, e)) > 0) {
		rc = take_line(t, rc == 1 ? line : NULL, n, &a, e);
		if (rc < 0 || (common->limit > 0 && (int64_t)jcli_counts(t->cli)->in >= common->limit))
			break;
	}
	jarena_release(&a);
	jreader_close(&reader);
	return rc < 0 ? rc : 0;
}

struct scored {
	double p;
	bool positive;
};

static int
compare_scored(const void *a, const void *b)
{
	double x = ((const struct scored *)a)->p, y = ((const struct scored *)b)->p;

	return x > y ? -1 : x < y;
}

/* Precision and recall of one label at the thresholds that keep 10 to 90 percent. */
static void
report_label(struct train *t, const struct jfasttext *m, int label, struct scored *v)
{
	struct jfasttext_bench *b = jfasttext_bench_new();
	const char *name = jfasttext_label(m, (size_t)label);
	size_t i, tenth, all = 0, hits = 0;

	for (i = 0; i < t->n; i++) {
		v[i].p = jfasttext_probability(m, b, t->v[i].text, t->v[i].n, label);
		v[i].positive = strcmp(t->v[i].label, name) == 0;
		all += v[i].positive;
	}
	jfasttext_bench_free(b);
	qsort(v, t->n, sizeof(*v), compare_scored);
	for (i = 0, tenth = 1; i < t->n && all > 0; i++) {
		hits += v[i].positive;
		if ((i + 1) * 10 < tenth * t->n)
			continue;
		jcli_info(t->cli, "%s: top %zu%%, p >= %.4f: precision %.3f, recall %.3f", name, tenth * 10,
			v[i].p, (double)hits / (double)(i + 1), (double)hits / (double)all);
		tenth = (i + 1) * 10 / t->n + 1;
	}
}

static void
report(struct train *t, const struct jfasttext *m)
{
	struct jfasttext_bench *b = jfasttext_bench_new();
	struct scored *v = jmem_alloc(t->n + 1, sizeof(*v));
	struct jfasttext_guess g;
	size_t i, right = 0;
	char number[32];

	for (i = 0; i < t->n; i++)
		if (jfasttext_predict(m, b, t->v[i].text, t->v[i].n, 1, &g) > 0)
			right += strcmp(jfasttext_label(m, (size_t)g.label), t->v[i].label) == 0;
	if (t->n > 0) {
		jcli_info(t->cli, "%zu records held out: %.4f of them labelled as they are", t->n,
			(double)right / (double)t->n);
		snprintf(number, sizeof(number), "%.6f", (double)right / (double)t->n);
		jcli_note(t->cli, "held_out_accuracy", number);
	}
	for (i = 0; i < jfasttext_labels(m) && jfasttext_labels(m) <= 4 && t->n > 0; i++)
		report_label(t, m, (int)i, v);
	jmem_free(v);
	jfasttext_bench_free(b);
}

static int
to_output(void *out, const void *p, size_t n, struct jerr *e)
{
	return jout_write(out, p, n, e);
}

static int
finish(struct train *t, struct jout *out, struct jerr *e)
{
	const struct jlm_sink sink = { to_output, out };
	struct jfasttext *m;
	struct jbuf file;
	int rc;

	if (t->lm) {
		rc = jlm_train_finish(t->lm, &sink, e);
		t->lm = NULL;
		return rc;
	}
	rc = jfasttext_train_finish(t->classifier, &m, e);
	t->classifier = NULL;
	if (rc < 0)
		return rc;
	report(t, m);
	jbuf_init(&file);
	jfasttext_write(m, &file);
	jfasttext_free(m);
	rc = jout_write(out, file.p, file.n, e);
	jbuf_release(&file);
	return rc;
}

static int
open_trainer(struct train *t, struct jerr *e)
{
	const struct train_opts *o = t->o;
	const struct jcommon *c = jcli_common(t->cli);
	const struct jfasttext_opts f = { (int)o->dim, (int)o->epochs, (int)o->ngrams, (int)o->min_count,
		(uint32_t)o->buckets, o->rate, (uint64_t)c->seed,
		(uint64_t)c->memory - (uint64_t)c->memory / HELD };
	const struct jlm_opts l = { (int)o->order, (int)o->min_count, (uint64_t)c->memory, o->binary };

	if (o->classifier == o->lm)
		return jerr_set(e, JERR_ARG, "expected either --classifier or --lm");
	if (o->lm)
		return jlm_train_open(&t->lm, &l, e);
	if (split_share("--held-out", o->held_out, &t->share, e) < 0)
		return JERR_ARG;
	return jfasttext_train_open(&t->classifier, &f, e);
}

int
train_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e)
{
	struct train t = { .cli = cli, .o = opts };
	struct jout *out = NULL;
	size_t i;
	int rc = open_trainer(&t, e);

	if (rc == 0)
		rc = read_all(&t, argc, argv, e);
	if (rc == 0)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc == 0)
		rc = finish(&t, out, e);
	if (rc == 0) {
		jcli_counts(cli)->bytes_out = jout_offset(out);
		rc = jout_commit(out, e);
		out = NULL;
	}
	jout_abort(out);
	jfasttext_train_abort(t.classifier);
	jlm_train_abort(t.lm);
	for (i = 0; i < t.n; i++) {
		jmem_free(t.v[i].text);
		jmem_free(t.v[i].label);
	}
	jmem_free(t.v);
	return rc;
}
