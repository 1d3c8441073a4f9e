/*
 * jmodel verify: are two models the same?  Token ids, rendered conversations, weights, and the logits
 * of a fixed sequence of ids are compared; exit code 4 when they differ by more than is allowed.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "base/jrand.h"
#include "identity.h"
#include "infer/jinfer.h"
#include "io/jio.h"
#include "par/jpar.h"
#include "record/jrec.h"

#define MAX_IDS 64

static struct verify_opts {
	double tolerance, max_kl;
} opts = { .tolerance = 1e-3, .max_kl = -1 };

static const struct jopt table[] = {
	{ .name = "tolerance", .type = JOPT_DOUBLE, .value = &opts.tolerance, .arg = "X",
		.help = "largest allowed difference of two logits" },
	{ .name = "max-kl", .type = JOPT_DOUBLE, .value = &opts.max_kl, .arg = "X",
		.help = "judge by the mean divergence of predictions instead, in nats (for quantized models)" },
	{ .type = JOPT_END }
};

struct side {
	struct jmodel *m;
	struct jtok *t;
	float *logits;
};

struct report {
	double max_diff, max_kl, mean_kl;
	size_t ids;
	int64_t same_top;		/* positions where both choose the same token */
	struct identity id;
};

static int
same_shape(const struct jmodel_config *a, const struct jmodel_config *b, struct jerr *e)
{
	if (a->vocab_size == b->vocab_size && a->hidden == b->hidden && a->ffn == b->ffn &&
	    a->layers == b->layers && a->heads == b->heads && a->kv_heads == b->kv_heads &&
	    a->head_dim == b->head_dim)
		return 0;
	return jerr_set(e, JERR_ARG, "the models differ in shape: %s %lld x %lld x %lld and %s "
		"%lld x %lld x %lld (vocabulary, layers, hidden)", jmodel_arch_name(a),
		(long long)a->vocab_size, (long long)a->layers, (long long)a->hidden,
		jmodel_arch_name(b), (long long)b->vocab_size, (long long)b->layers,
		(long long)b->hidden);
}

static int
compute(struct side *s, const uint32_t *ids, size_t n, struct jpar *pool, struct jerr *e)
{
	struct jinfer_feed f = { .ids = ids, .n = n };
	struct jinfer *inf;
	int rc = jinfer_new(&inf, s->m, pool, 1, (int)n, e);

	if (rc < 0)
		return rc;
	s->logits = jmem_try(n * (size_t)s->m->cfg.vocab_size, sizeof(float));
	f.all_logits = s->logits;
	if (!s->logits)
		rc = jerr_set(e, JERR_NOMEM, "no memory for logits");
	else
		rc = jinfer_feed(inf, &f, 1, e);
	jinfer_free(inf);
	return rc;
}

static double
log_sum_exp(const float *x, size_t n, size_t *top)
{
	double sum = 0;

	*top = 0;
	for (size_t i = 1; i < n; i++)
		if (x[i] > x[*top])
			*top = i;
	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - (double)x[*top]);
	return (double)x[*top] + log(sum);
}

static void
compare_row(const float *a, const float *b, size_t V, struct report *r)
{
	size_t top_a, top_b;
	double za = log_sum_exp(a, V, &top_a), zb = log_sum_exp(b, V, &top_b), kl = 0;

	for (size_t v = 0; v < V; v++) {
		double pa = (double)a[v] - za, pb = (double)b[v] - zb;
		double d = fabs((double)a[v] - (double)b[v]);

		if (!(d <= r->max_diff))	/* NaN too */
			r->max_diff = d;
		kl += exp(pa) * (pa - pb);
	}
	if (!(kl <= r->max_kl))
		r->max_kl = kl;
	r->mean_kl += kl / (double)r->ids;
	r->same_top += top_a == top_b;
}

static int
compare(struct side *a, struct side *b, struct jpar *pool, struct report *r, struct jerr *e)
{
	size_t V = (size_t)a->m->cfg.vocab_size;
	uint32_t ids[MAX_IDS];
	struct jrand rand;
	int rc = same_shape(&a->m->cfg, &b->m->cfg, e);

	if (rc < 0)
		return rc;
	r->ids = a->m->cfg.context < MAX_IDS ? (size_t)a->m->cfg.context : MAX_IDS;
	if (b->m->cfg.context < (int64_t)r->ids)
		r->ids = (size_t)b->m->cfg.context;
	jrand_init(&rand, 0, 0);
	for (size_t i = 0; i < r->ids; i++)
		ids[i] = (uint32_t)jrand_below(&rand, V);
	if ((rc = compute(a, ids, r->ids, pool, e)) < 0 ||
	    (rc = compute(b, ids, r->ids, pool, e)) < 0)
		return rc;
	for (size_t i = 0; i < r->ids; i++)
		compare_row(a->logits + i * V, b->logits + i * V, V, r);
	rc = identity_tokens(&r->id, a->t, b->t, e);
	return rc < 0 ? rc : identity_weights(&r->id, a->m, b->m, e);
}

/* "identical": to the bit; "equal": within what is allowed; else what is different. */
static const char *
verdict(const struct report *r)
{
	bool close = opts.max_kl >= 0 ? r->mean_kl <= opts.max_kl : r->max_diff <= opts.tolerance;

	if (!r->id.same_tokens || r->id.same_ids < r->id.texts)
		return "different tokens";
	if (r->id.same_rendered < r->id.conversations)
		return "different chat templates";
	if (!close)
		return "different predictions";
	return r->max_diff == 0 && r->id.same_weights == r->id.weights ? "identical" : "equal";
}

static void
put_identity(const struct identity *r, struct jbuf *b)
{
	jrec_put_bool(b, "same_tokens", r->same_tokens);
	jrec_put_int(b, "texts", (int64_t)r->texts);
	jrec_put_int(b, "same_ids", (int64_t)r->same_ids);
	jrec_put_int(b, "conversations", (int64_t)r->conversations);
	jrec_put_int(b, "same_rendered", (int64_t)r->same_rendered);
	if (!r->weights)
		return;
	jrec_put_int(b, "weights", (int64_t)r->weights);
	jrec_put_int(b, "same_weights", (int64_t)r->same_weights);
	jrec_put_num(b, "max_weight_drift", r->weight_drift);
	if (r->worst[0])
		jrec_put_str(b, "max_weight_drift_of", r->worst, strlen(r->worst));
	jrec_put_str(b, "sha256_a", r->sha256[0], 64);
	jrec_put_str(b, "sha256_b", r->sha256[1], 64);
}

static int
print(struct jcli *cli, const struct report *r, struct jerr *e)
{
	const char *what = verdict(r);
	bool same = strncmp(what, "different", 9) != 0;
	struct jout *out;
	struct jbuf b;
	int rc = jout_open(&out, jcli_common(cli)->output, e);

	if (rc < 0)
		return rc;
	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_bool(&b, "same", same);
	jrec_put_str(&b, "verdict", what, strlen(what));
	jrec_put_int(&b, "positions", (int64_t)r->ids);
	jrec_put_num(&b, "max_logit_diff", r->max_diff);
	jrec_put_num(&b, "max_kl", r->max_kl);
	jrec_put_num(&b, "mean_kl", r->mean_kl);
	jrec_put_num(&b, "same_top", (double)r->same_top / (double)r->ids);
	put_identity(&r->id, &b);
	jrec_end(&b);
	rc = jout_write(out, b.p, b.n, e);
	jbuf_release(&b);
	if (rc < 0) {
		jout_abort(out);
		return rc;
	}
	if (!same)
		jcli_unmet(cli, "%s: logits differ by up to %g, predictions by %g nats", what,
			r->max_diff, r->mean_kl);
	else if (!r->id.tokens_known)
		jcli_warn(cli, "tokens are not compared: not both models have a tokenizer");
	return jout_commit(out, e);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct side s[2] = { { 0 }, { 0 } };
	struct report r = { 0 };
	struct jpar *pool;
	int rc = 0;

	(void)arg;
	if (argc != 2)
		return jerr_set(e, JERR_ARG, "verify wants two models, got %d", argc);
	pool = jpar_new((int)jcli_common(cli)->jobs);
	for (int i = 0; rc >= 0 && i < 2; i++)
		rc = jinfer_open(&s[i].m, &s[i].t, argv[i], NULL, false, e);
	if (rc >= 0)
		rc = compare(&s[0], &s[1], pool, &r, e);
	if (rc >= 0)
		rc = print(cli, &r, e);
	for (int i = 0; i < 2; i++) {
		jmem_free(s[i].logits);
		if (s[i].t)
			jtok_free(s[i].t);
		jmodel_free(s[i].m);
	}
	jpar_free(pool);
	return rc;
}

const struct jverb verify_verb = {
	.name = "verify",
	.args = "[--tolerance X | --max-kl X] A B",
	.summary = "tell whether two models are the same",
	.opts = table,
	.run = run,
};
