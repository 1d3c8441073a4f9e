/* report.c - reads what a domain's run has left: provenance, logs, scores, answers. */
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "score/jreport.h"

#define MAX_FILE (256u << 20)

static const struct {
	const char *name, *product, *prov;
} stages[] = {
	{ "collect", "docs.jsonl", "docs.jsonl.prov" },
	{ "filter", "clean.jsonl", "clean.jsonl.prov" },
	{ "deduplicate", "unique.jsonl", "unique.jsonl.prov" },
	{ "hold out", "train.jsonl", "train.jsonl.prov" },
	{ "tokenize", "train.jsh", "train.jsh.prov" },
	{ "tokenize (held out)", "valid.jsh", "valid.jsh.prov" },
	{ "pairs", "pairs.jsonl", "pairs.jsonl.prov" }
};

static uint64_t
count(const struct jval *v, const char *key)
{
	int64_t i = jval_int(v, key, 0);

	return i > 0 ? (uint64_t)i : 0;
}

/* "too_short 10, duplicate 3": at most four reasons, as the maker ordered them. */
static const char *
reasons(struct jarena *a, const struct jval *v)
{
	struct jbuf b;
	const char *out;
	size_t i;

	if (!v || v->type != JVAL_OBJ)
		return "";
	jbuf_init(&b);
	for (i = 0; i < v->u.o.n && i < 4; i++)
		jbuf_printf(&b, "%s%s %lld", i ? ", " : "", v->u.o.k[i],
			(long long)jval_int(v, v->u.o.k[i], 0));
	out = jarena_strndup(a, b.p, b.n);
	jbuf_release(&b);
	return out;
}

static int
load_stages(struct jreport *r, struct jerr *e)
{
	struct jarena *a = &r->arena;
	size_t i;

	r->stages = jarena_alloc(a, sizeof(stages) / sizeof(stages[0]), sizeof(*r->stages));
	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		struct jreport_stage *s = &r->stages[r->n_stages];
		char *path = jfs_join(a, r->dir, stages[i].prov);
		const struct jval *c;
		struct jval *v;

		if (!jfs_exists(path))
			continue;
		if (jval_load_json(&v, path, a, e) < 0)
			return e->code;
		c = jval_get(v, "counts");
		s->name = stages[i].name;
		s->product = stages[i].product;
		s->in = count(c, "in");
		s->out = count(c, "out");
		s->rejected = count(c, "rejected");
		s->bytes_in = count(c, "bytes_in");
		s->bytes_out = count(c, "bytes_out");
		if (s->bytes_out == 0)	/* a shard: what lies on the disk */
			s->bytes_out = (uint64_t)jfs_size(jfs_join(a, r->dir, s->product));
		s->tokens = count(jval_get(v, "notes"), "tokens");
		s->reasons = reasons(a, jval_get(v, "reasons"));
		if (jval_path(v, "notes.valid"))
			s->reasons = jarena_printf(a, "%llu to train on, %llu held out",
				(unsigned long long)count(jval_get(v, "notes"), "train"),
				(unsigned long long)count(jval_get(v, "notes"), "valid"));
		r->n_stages++;
	}
	return 0;
}

typedef int line_fn(struct jreport *r, const struct jval *v, void *arg);

/* Calls fn for each record of a JSONL file; an absent file has none. */
static int
each_line(struct jreport *r, const char *name, line_fn *fn, void *arg, struct jerr *e)
{
	char *path = jfs_join(&r->arena, r->dir, name), *line;
	struct jin *in;
	struct jval *v;
	size_t n;
	int rc;

	if (!jfs_exists(path))
		return 0;
	if (jin_open(&in, path, e) < 0)
		return e->code;
	while ((rc = jin_line(in, &line, &n, e)) == 1) {
		rc = jval_parse_json(&v, line, n, path, &r->arena, e);
		if (rc < 0)
			break;
		fn(r, v, arg);
	}
	jin_close(in);
	return rc < 0 ? rc : 0;
}

struct curves {
	struct jplot_series *train, *valid;
	size_t cap_train, cap_valid;
};

static void
add_point(struct jplot_series *s, size_t *cap, double x, double y)
{
	if (s->n == *cap) {
		*cap = *cap ? 2 * *cap : 256;
		s->x = jmem_realloc(s->x, *cap, sizeof(double));
		s->y = jmem_realloc(s->y, *cap, sizeof(double));
	}
	s->x[s->n] = x;
	s->y[s->n++] = y;
}

static int
curve_line(struct jreport *r, const struct jval *v, void *arg)
{
	struct curves *c = arg;
	double step = jval_num(v, "step", -1);

	if (jval_get(v, "loss"))
		add_point(c->train, &c->cap_train, step, jval_num(v, "loss", 0));
	if (jval_get(v, "valid_loss"))
		add_point(c->valid, &c->cap_valid, step, jval_num(v, "valid_loss", 0));
	return 0;
}

static int
load_curves(struct jreport *r, struct jerr *e)
{
	static const char *const names[4] = { "pre-training", "held out", "fine-tuning",
		"held out (fine-tuning)" };
	struct curves c = { 0 };
	size_t i;
	int rc;

	r->curves = jarena_alloc(&r->arena, 4, sizeof(*r->curves));
	r->n_curves = 4;
	for (i = 0; i < 4; i++) {
		r->curves[i].name = names[i];
		r->curves[i].marks = i % 2 == 1;
	}
	c.train = &r->curves[0];
	c.valid = &r->curves[1];
	rc = each_line(r, "base.log.jsonl", curve_line, &c, e);
	c = (struct curves){ .train = &r->curves[2], .valid = &r->curves[3] };
	return rc < 0 ? rc : each_line(r, "expert.log.jsonl", curve_line, &c, e);
}

static int
score_line(struct jreport *r, const struct jval *v, void *arg)
{
	size_t *cap = arg;
	struct jreport_score *s;

	JARENA_GROW(&r->arena, r->scores, *cap, r->n_scores + 1);
	s = &r->scores[r->n_scores++];
	s->name = jval_str(v, "name", "model");
	s->bpb = jval_num(v, "bpb", 0);
	s->stderr_bpb = jval_num(v, "stderr", -1);
	s->ppl = jval_num(v, "ppl", 0);
	s->note = jval_str(v, "note", "");
	return 0;
}

static int
answer_line(struct jreport *r, const struct jval *v, void *arg)
{
	size_t *cap = arg;
	const struct jval *m;

	JARENA_GROW(&r->arena, r->answers, *cap, r->n_answers + 1);
	m = jval_get(v, "messages");
	if (m && m->type == JVAL_ARR && m->u.a.n > 0)
		r->answers[r->n_answers].prompt = jval_str(m->u.a.v[0], "content", "");
	else
		r->answers[r->n_answers].prompt = jval_str(v, "prompt", "");
	r->answers[r->n_answers++].text = jval_str(v, "text", "");
	return 0;
}

int
jreport_load(struct jreport *r, const char *dir, struct jerr *e)
{
	size_t scores = 0, answers = 0;
	int rc;

	memset(r, 0, sizeof(*r));
	jarena_init(&r->arena, 0);
	if (!jfs_is_dir(dir))
		return jerr_set(e, JERR_ARG, "%s: not the folder of a run", dir);
	r->dir = jarena_strndup(&r->arena, dir, strlen(dir));
	r->domain = jfs_base(r->dir);
	rc = load_stages(r, e);
	if (rc == 0)
		rc = load_curves(r, e);
	if (rc == 0)
		rc = each_line(r, "scores.jsonl", score_line, &scores, e);
	if (rc == 0)
		rc = each_line(r, "answers.jsonl", answer_line, &answers, e);
	if (rc == 0 && r->n_stages == 0 && r->n_scores == 0 && r->curves[0].n == 0)
		rc = jerr_set(e, JERR_ARG, "%s: not the folder of a run", dir);
	return rc;
}

void
jreport_release(struct jreport *r)
{
	size_t i;

	for (i = 0; i < r->n_curves; i++) {
		jmem_free(r->curves[i].x);
		jmem_free(r->curves[i].y);
	}
	jarena_release(&r->arena);
}
