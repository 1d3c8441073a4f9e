/*
 * jeval each: every document under each of several models and under mixtures of them, one record a
 * document, for jeval swarm to compare.
 */
#include "verbs.h"

#include <string.h>

#include "base/jutf8.h"
#include "conf/jval.h"
#include "infer/jinfer.h"
#include "infer/jnll.h"
#include "io/jio.h"
#include "par/jpar.h"
#include "record/jreader.h"
#include "record/jrec.h"
#include "swarm/jsynth.h"

#define EVEN 0.1		/* of the router's scores, spread over all */

static struct each_opts {
	struct jopt_list models, mixes, routed;
	const char *tokenizer;
	int64_t context;
	uint64_t max_bytes;
	double share, routed_share;
} opts = { .share = 0.02, .routed_share = 0.3 };

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_LIST, .value = &opts.models, .arg = "NAME=MODEL",
		.help = "a model and what the records call it" },
	{ .name = "mix", .type = JOPT_LIST, .value = &opts.mixes, .arg = "NAME=A,B,...",
		.help = "a mixture of models named before, token by token" },
	{ .name = "share", .type = JOPT_DOUBLE, .value = &opts.share, .arg = "X",
		.help = "of a mixture's weights, spread evenly after each token" },
	{ .name = "routed-mix", .type = JOPT_LIST, .value = &opts.routed, .arg = "NAME=A,B,...",
		.help = "a mixture whose weights begin with the router's scores and return to them" },
	{ .name = "routed-share", .type = JOPT_DOUBLE, .value = &opts.routed_share, .arg = "X",
		.help = "of such weights, given back to the router's scores after each token" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where the first model carries none" },
	{ .name = "context", .type = JOPT_INT, .value = &opts.context, .arg = "N",
		.help = "tokens of a window, 0 = all that the models can" },
	{ .name = "max-bytes", .type = JOPT_SIZE, .value = &opts.max_bytes, .arg = "SIZE",
		.help = "of each document, from its beginning; 0 = all" },
	{ .type = JOPT_END }
};

struct member {
	const char *name;
	struct jmodel *m;
	struct jtok *tok;
	struct jscorer *scorer;
	double *nll;
	size_t cap;
};
struct mix {
	const char *name;
	size_t *of, n;
	bool routed;
};
struct each {
	struct jcli *cli;
	struct jarena arena;
	struct member *v;
	size_t n;
	struct mix *mix;
	size_t n_mix;
	struct jpar *pool;
	struct jtok_state *state;
	struct jids ids;
	struct jout *out;
	struct jbuf line, nll;
	double *score;			/* [n] of the router, for the present document */
};

/* NAME=REST: the name, in the arena; rest points behind the '='. */
static int
split_name(struct each *x, const char *arg, const char **name, const char **rest, struct jerr *e)
{
	const char *eq = strchr(arg, '=');

	if (!eq || eq == arg || !eq[1])
		return jerr_set(e, JERR_ARG, "%s: expected NAME=...", arg);
	*name = jarena_printf(&x->arena, "%.*s", (int)(eq - arg), arg);
	*rest = eq + 1;
	return 0;
}

static int
open_member(struct each *x, struct member *v, const char *arg, struct jerr *e)
{
	unsigned char a[32], b[32];
	const char *path;
	int64_t context = opts.context;
	int rc = split_name(x, arg, &v->name, &path, e);

	if (rc == 0)
		rc = jinfer_open(&v->m, &v->tok, path, opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (!v->tok)
		return jerr_set(e, JERR_ARG, "%s: the model carries no tokenizer (--tokenizer TOK)", path);
	jtok_fingerprint(x->v[0].tok, a);
	jtok_fingerprint(v->tok, b);
	if (memcmp(a, b, sizeof(a)) != 0)
		return jerr_set(e, JERR_ARG, "%s: another tokenizer than that of %s", path, x->v[0].name);
	if (context <= 0 || context > v->m->cfg.context)
		context = v->m->cfg.context;
	return jscorer_new(&v->scorer, v->m, x->pool, (int)context, e);
}

static int
find_member(const struct each *x, const char *name, size_t n, size_t *out)
{
	for (size_t i = 0; i < x->n; i++) {
		if (strlen(x->v[i].name) == n && memcmp(x->v[i].name, name, n) == 0) {
			*out = i;
			return 1;
		}
	}
	return 0;
}

static int
open_mix(struct each *x, struct mix *m, const char *arg, struct jerr *e)
{
	const char *p;
	int rc = split_name(x, arg, &m->name, &p, e);

	if (rc < 0)
		return rc;
	m->of = jarena_alloc(&x->arena, x->n, sizeof(*m->of));
	while (*p) {
		size_t n = strcspn(p, ",");

		if (m->n == x->n || !find_member(x, p, n, &m->of[m->n]))
			return jerr_set(e, JERR_ARG, "--mix %s: no model is called %.*s", arg, (int)n, p);
		m->n++;
		p += n + (p[n] == ',');
	}
	return 0;
}

static int
open_all(struct each *x, struct jerr *e)
{
	int rc = 0;

	if (opts.models.n == 0)
		return jerr_set(e, JERR_ARG, "no models given (-m NAME=MODEL)");
	if (!(opts.share >= 0 && opts.share < 1 && opts.routed_share >= 0 && opts.routed_share < 1))
		return jerr_set(e, JERR_ARG, "--share %g, --routed-share %g: expected 0 or more, below 1",
			opts.share, opts.routed_share);
	x->v = jmem_zalloc(opts.models.n, sizeof(*x->v));
	for (; rc == 0 && x->n < opts.models.n; x->n++)
		rc = open_member(x, &x->v[x->n], opts.models.v[x->n], e);
	x->score = jmem_zalloc(opts.models.n, sizeof(*x->score));
	x->mix = jmem_zalloc(opts.mixes.n + opts.routed.n + 1, sizeof(*x->mix));
	for (; rc == 0 && x->n_mix < opts.mixes.n; x->n_mix++)
		rc = open_mix(x, &x->mix[x->n_mix], opts.mixes.v[x->n_mix], e);
	for (size_t i = 0; rc == 0 && i < opts.routed.n; i++, x->n_mix++) {
		x->mix[x->n_mix].routed = true;
		rc = open_mix(x, &x->mix[x->n_mix], opts.routed.v[i], e);
	}
	if (rc == 0) {
		x->state = jtok_state_new(x->v[0].tok);
		rc = jout_open(&x->out, jcli_common(x->cli)->output, e);
	}
	return rc;
}

static void
close_all(struct each *x)
{
	for (size_t i = 0; i < x->n; i++) {
		jscorer_free(x->v[i].scorer);
		if (x->v[i].tok)
			jtok_free(x->v[i].tok);
		jmodel_free(x->v[i].m);
		jmem_free(x->v[i].nll);
	}
	if (x->state)
		jtok_state_free(x->state);
	jids_release(&x->ids);
	jmem_free(x->v);
	jmem_free(x->mix);
	jmem_free(x->score);
	jbuf_release(&x->line);
	jbuf_release(&x->nll);
	jarena_release(&x->arena);
}

/* -ln of the mixture's probability of the document. */
static double
mixed(const struct each *x, const struct mix *m)
{
	struct jmixture mix;
	double *logp = jmem_alloc(m->n + 1, sizeof(*logp)), sum = 0;

	jmixture_init(&mix, m->n, m->routed ? opts.routed_share : opts.share);
	for (size_t i = 0; i < m->n; i++)
		logp[i] = x->score[m->of[i]];
	if (m->routed)
		jmixture_prior(&mix, logp, EVEN);
	for (size_t t = 1; t < x->ids.n; t++) {
		for (size_t i = 0; i < m->n; i++)
			logp[i] = -x->v[m->of[i]].nll[t];
		sum -= jmixture_step(&mix, logp);
	}
	jmixture_release(&mix);
	jmem_free(logp);
	return sum;
}

static void
put_nll(struct each *x, const char *name, double nll)
{
	jbuf_addc(&x->nll, x->nll.n ? ',' : '{');
	jjson_str(&x->nll, name, strlen(name));
	jbuf_addc(&x->nll, ':');
	jjson_num(&x->nll, nll);
}

/* Ids behind a BOS, or an EOS where there is none, as jeval ppl scores. */
static int
encode(struct each *x, const char *text, size_t n, struct jerr *e)
{
	const struct jtok *tok = x->v[0].tok;
	int64_t first = jtok_bos(tok) >= 0 ? jtok_bos(tok) : jtok_eos(tok);

	x->ids.n = 0;
	if (first >= 0) {
		JMEM_GROW(x->ids.v, x->ids.cap, 1);
		x->ids.v[x->ids.n++] = (uint32_t)first;
	}
	return jtok_encode(x->state, text, n, 0, &x->ids, e);
}

static int
score_text(struct each *x, const char *text, size_t n, struct jerr *e)
{
	int rc = encode(x, text, n, e);

	jbuf_reset(&x->nll);
	for (size_t i = 0; rc == 0 && i < x->n; i++) {
		struct member *v = &x->v[i];
		double sum = 0;

		JMEM_GROW(v->nll, v->cap, x->ids.n + 1);
		rc = jscorer_nll(v->scorer, x->ids.v, x->ids.n, v->nll, e);
		for (size_t t = 1; rc == 0 && t < x->ids.n; t++)
			sum += v->nll[t];
		put_nll(x, v->name, sum);
	}
	for (size_t i = 0; rc == 0 && i < x->n_mix; i++)
		put_nll(x, x->mix[i].name, mixed(x, &x->mix[i]));
	jbuf_addc(&x->nll, '}');
	return rc;
}

/* The expert that jroute put first, if the record went through it; its scores of the models. */
static const char *
routed(struct each *x, const struct jrec *r)
{
	const struct jrec_member *m = jrec_find(r, "experts");
	struct jerr ignored = { 0 };
	struct jval *v;

	if (!m || jval_parse_json(&v, m->val, m->val_n, "experts", r->arena, &ignored) < 0 ||
	    v->type != JVAL_ARR || v->u.a.n == 0)
		return NULL;
	for (size_t i = 0; i < v->u.a.n; i++) {
		const char *name = jval_str(v->u.a.v[i], "name", "");
		double score = jval_num(v->u.a.v[i], "score", 0);
		size_t k;

		if (find_member(x, name, strlen(name), &k) && score > 0)
			x->score[k] = score;
	}
	return jval_str(v->u.a.v[0], "name", NULL);
}

static void
put_str(struct jbuf *b, const struct jrec *r, const char *key)
{
	const char *s;
	size_t n;

	if (jrec_str(r, key, &s, &n))
		jrec_put_str(b, key, s, n);
}

static int
record(struct each *x, const struct jrec *r, struct jerr *e)
{
	const char *text, *to;
	size_t n;
	int rc;

	memset(x->score, 0, x->n * sizeof(*x->score));
	to = routed(x, r);

	if (!jrec_str(r, "text", &text, &n))
		return jerr_set(e, JERR_FORMAT, "record without \"text\"");
	if (opts.max_bytes && n > opts.max_bytes)
		for (n = opts.max_bytes; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	rc = score_text(x, text, n, e);
	if (rc < 0)
		return rc;
	jbuf_reset(&x->line);
	jrec_begin(&x->line);
	put_str(&x->line, r, "id");
	put_str(&x->line, r, "domain");
	if (to)
		jrec_put_str(&x->line, "routed", to, strlen(to));
	jrec_put_int(&x->line, "bytes", (int64_t)n);
	jrec_put_int(&x->line, "tokens", (int64_t)x->ids.n - 1);
	jrec_put_raw(&x->line, "nll", x->nll.p, x->nll.n);
	jrec_end(&x->line);
	jcli_counts(x->cli)->out++;
	return jout_write(x->out, x->line.p, x->line.n, e);
}

static int
all_records(struct each *x, int argc, char **argv, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	struct jrec r;
	char *line;
	size_t n;
	int rc = jreader_open(&in, argc, argv, e);

	if (rc < 0)
		return rc;
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0) {
		rc = rc == 2 ? jerr_set(e, JERR_LIMIT, "line too long") : jrec_parse(&r, line, n, &a, e);
		if (rc == 0)
			rc = record(x, &r, e);
		if (rc < 0) {
			jerr_wrap(e, "%s:%llu", jreader_name(&in), (unsigned long long)jreader_lineno(&in));
			break;
		}
		jcli_counts(x->cli)->in++;
		jcli_progress(x->cli, "documents", jreader_done(&in), in.bytes_total, NULL);
		jarena_reset(&a);
	}
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct each x = { .cli = cli };
	int rc;

	(void)arg;
	jarena_init(&x.arena, 0);
	jbuf_init(&x.line);
	jbuf_init(&x.nll);
	x.pool = jpar_new((int)jcli_common(cli)->jobs);
	rc = open_all(&x, e);
	if (rc == 0) {
		for (int i = 0; i < argc; i++)
			jcli_input(cli, argv[i]);
		rc = all_records(&x, argc, argv, e);
	}
	if (x.out && rc < 0)
		jout_abort(x.out);
	else if (x.out)
		rc = jout_commit(x.out, e);
	close_all(&x);
	jpar_free(x.pool);
	return rc < 0 ? rc : 0;
}

const struct jverb each_verb = {
	.name = "each",
	.args = "-m NAME=MODEL ... [FILE ...]",
	.summary = "score every document under several models and mixtures of them",
	.opts = table,
	.run = run,
};
