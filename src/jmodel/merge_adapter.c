/*
 * merge_adapter.c - adapters merged into their base, with the drift; adapters converted.
 */
#include "merge_adapter.h"

#include <math.h>
#include <string.h>

#include "base/jrand.h"
#include "infer/jinfer.h"
#include "io/jfs.h"
#include "model/jmerge.h"
#include "store.h"
#include "tensor/jquant.h"

#define PROBE 64		/* tokens that the drift is measured on */

struct probe {
	uint32_t ids[PROBE];
	size_t n;
	float *logits;		/* [n, V] of what the merged model should compute */
};

static int
compute(struct jmodel *m, const struct probe *p, float *logits, struct jpar *pool, struct jerr *e)
{
	struct jinfer_feed f = { .ids = p->ids, .n = p->n, .all_logits = logits };
	struct jinfer *inf;

	if (jinfer_new(&inf, m, pool, 1, (int)p->n, e) < 0)
		return e->code;
	jinfer_feed(inf, &f, 1, e);
	jinfer_free(inf);
	return e->code;
}

static int
begin_probe(struct probe *p, struct jmodel *m, struct jpar *pool, struct jerr *e)
{
	struct jrand r;

	p->n = m->cfg.context < PROBE ? (size_t)m->cfg.context : PROBE;
	jrand_init(&r, 0, 0);
	for (size_t i = 0; i < p->n; i++)
		p->ids[i] = (uint32_t)jrand_below(&r, (uint64_t)m->cfg.vocab_size);
	p->logits = jmem_try(p->n * (size_t)m->cfg.vocab_size, sizeof(float));
	return p->logits ? compute(m, p, p->logits, pool, e)
		: jerr_set(e, JERR_NOMEM, "no memory for logits");
}

static double
log_z(const float *x, int64_t n)
{
	double top = x[0], sum = 0;

	for (int64_t i = 1; i < n; i++)
		top = x[i] > top ? x[i] : top;
	for (int64_t i = 0; i < n; i++)
		sum += exp(x[i] - top);
	return top + log(sum);
}

/* Largest difference of logits and mean KL divergence of the written model from the probe. */
static int
tell_drift(const struct probe *p, const char *out, struct jpar *pool, struct jcli *cli,
	struct jerr *e)
{
	double most = 0, kl = 0;
	struct jmodel *m;
	float *got;
	int64_t V;

	if (jmodel_open(&m, out, e) < 0)
		return e->code;
	V = m->cfg.vocab_size;
	got = jmem_try(p->n * (size_t)V, sizeof(*got));
	if (!got)
		jerr_set(e, JERR_NOMEM, "no memory for logits");
	else
		compute(m, p, got, pool, e);
	for (size_t i = 0; e->code == 0 && i < p->n; i++) {
		const float *a = p->logits + (int64_t)i * V, *b = got + (int64_t)i * V;
		double za = log_z(a, V), zb = log_z(b, V);

		for (int64_t v = 0; v < V; v++) {
			most = fmax(most, fabs((double)a[v] - b[v]));
			kl += exp(a[v] - za) * ((a[v] - za) - (b[v] - zb)) / (double)p->n;
		}
	}
	if (e->code == 0)
		jcli_info(cli, "drift on %zu random tokens: logits differ by at most %.3g, KL divergence "
			"%.3g nats", p->n, most, fmax(kl, 0));
	jmem_free(got);
	jmodel_free(m);
	return e->code;
}

/* "DIR" or "DIR=WEIGHT". */
static const char *
folder_of(const char *text, struct jarena *a, double *weight)
{
	const char *is = strrchr(text, '=');

	*weight = 1;
	if (!is || jfs_exists(text) || jstr_to_double(is + 1, weight) < 0)
		return text;
	return jarena_strndup(a, text, (size_t)(is - text));
}

static int
merge_all(const struct merge_adapters *o, struct jmodel **m, struct jarena *a, struct jcli *cli,
	struct jerr *e)
{
	for (size_t i = 0; i < o->n; i++) {
		double weight;
		const char *dir = folder_of(o->adapters[i], a, &weight);
		struct jadapter *x;

		jcli_input(cli, dir);
		if (jadapter_load(&x, dir, e) < 0)
			return e->code;
		if (jadapter_merge(x, m, weight, e) < 0)
			jerr_wrap(e, "%s", dir);
		else
			jcli_info(cli, "%s: %zu weights, rank %lld, weight %g", dir, x->n_modules,
				(long long)x->r, weight);
		jadapter_free(x);
		if (e->code < 0)
			return e->code;
	}
	return 0;
}

/* What the first adapter's base was quantized to when it was trained, or "". */
static int
trained_beside(const struct merge_adapters *o, char type[16], struct jarena *a, struct jerr *e)
{
	struct jadapter *x;
	double weight;

	type[0] = 0;
	if (jadapter_load(&x, folder_of(o->adapters[0], a, &weight), e) < 0)
		return e->code;
	memcpy(type, x->mark.quantized, 16);
	jadapter_free(x);
	return 0;
}

/* The base with frozen weights, or with fp32 weights of its own; in the type that it had in training. */
static int
open_base(struct jmodel **m, const char *base, const char *type, bool thaw, struct jerr *e)
{
	int as = jdtype_find(type);

	if (!*type || as < 0)
		return (thaw ? jmodel_load : jmodel_open)(m, base, e);
	if (jmodel_open(m, base, e) < 0)
		return e->code;
	if (jmodel_requantize(*m, (enum jdtype)as, NULL, e) < 0 || (thaw && jmodel_thaw(m, e) < 0)) {
		jmodel_free(*m);
		*m = NULL;
	}
	return e->code;
}

/* One model for each adapter, merged as models are, by their differences from the base. */
static int
merge_by_method(const struct merge_adapters *o, const char *base[2], struct jmodel **out,
	struct jarena *a, struct jcli *cli, struct jerr *e)
{
	struct jmodel **v = jarena_alloc(a, o->n + 1, sizeof(*v));
	double *weights = jarena_alloc(a, o->n, sizeof(*weights));
	struct jmerge j = { .method = (enum jmerge_method)o->method, .weights = weights, .n = o->n,
		.density = o->density, .t = o->t, .seed = (uint64_t)jcli_common(cli)->seed };
	struct merge_adapters one = *o;
	size_t i;

	one.n = 1;
	for (i = 0; i < o->n && e->code == 0; i++) {
		const char *dir = folder_of(o->adapters[i], a, &weights[i]);

		one.adapters = &dir;
		if (open_base(&v[i], base[0], base[1], true, e) == 0)
			merge_all(&one, &v[i], a, cli, e);
	}
	j.models = (const struct jmodel *const *)v;
	if (e->code == 0 && open_base(&v[o->n], base[0], base[1], false, e) == 0) {
		j.base = o->method == JMERGE_SLERP ? NULL : v[o->n];
		jmodel_merge(out, &j, e);
	}
	for (i = 0; i <= o->n; i++)
		jmodel_free(v[i]);
	return e->code;
}

static int
merge_some(const struct merge_adapters *o, const char *base[2], struct jmodel **m, struct jarena *a,
	struct jcli *cli, struct jerr *e)
{
	if (o->method != JMERGE_LINEAR)
		return merge_by_method(o, base, m, a, cli, e);
	return open_base(m, base[0], base[1], true, e) < 0 ? e->code : merge_all(o, m, a, cli, e);
}

/* What base and one adapter compute side by side, as they were trained, before they are merged. */
static int
probe_beside(const struct merge_adapters *o, const char *base[2], struct probe *p, struct jpar *pool,
	struct jerr *e)
{
	struct jmodel *m;

	if (open_base(&m, base[0], base[1], false, e) < 0)
		return e->code;
	if (jmodel_adapt(m, o->adapters[0], e) == 0)
		begin_probe(p, m, pool, e);
	jmodel_free(m);
	return e->code;
}

/* The form of the base that the adapters are merged into; *type is the one it had in training. */
static int
choose_form(const struct merge_adapters *o, char type[16], const char **onto, struct jarena *a,
	struct jcli *cli, struct jerr *e)
{
	if (trained_beside(o, type, a, e) < 0)
		return e->code;
	*onto = o->as_given ? "" : type;
	if (*type && o->as_given)
		jcli_warn(cli, "the adapter was trained beside the base quantized to %s: merged into the "
			"base as it is, it computes something else (see the drift)", type);
	else if (*type)
		jcli_info(cli, "merged into the numbers of the base quantized to %s, beside which the "
			"adapter was trained", type);
	return 0;
}

static int
merge_into(const struct merge_adapters *o, const char *base, struct jarena *a, struct jcli *cli,
	struct jerr *e)
{
	struct jpar *pool = jpar_new((int)jcli_common(cli)->jobs);
	struct jmodel *m = NULL;
	struct jtok *tok = NULL;
	struct jerr none = { 0 };
	struct probe p = { .n = 0 };
	double weight;
	const char *dir = folder_of(o->adapters[0], a, &weight);
	bool beside = o->n == 1 && o->method == JMERGE_LINEAR && weight == 1;
	char type[16] = "";
	const char *trained[2] = { base, type }, *onto[2] = { base, "" };
	struct store_form form = { o->form.dtype, o->form.part_bytes, base };

	/* The tokenizer that the adapter was trained with, else that of the base. */
	if (jtok_load(&tok, dir, &none) < 0 && (none.code = 0, jtok_load(&tok, base, &none)) < 0)
		tok = NULL;
	if (choose_form(o, type, &onto[1], a, cli, e) == 0
	    && (!beside || probe_beside(o, trained, &p, pool, e) == 0)
	    && merge_some(o, onto, &m, a, cli, e) == 0
	    && (beside || begin_probe(&p, m, pool, e) == 0)
	    && store_folder(m, tok, o->out, form, e) == 0)
		tell_drift(&p, o->out, pool, cli, e);
	jmodel_free(m);
	jtok_free(tok);
	jmem_free(p.logits);
	jpar_free(pool);
	return e->code;
}

int
merge_adapters(const struct merge_adapters *o, struct jcli *cli, struct jerr *e)
{
	struct jarena a;
	const char *base = o->base;
	double weight;

	jarena_init(&a, 0);
	if (!base)
		base = jadapter_base(folder_of(o->adapters[0], &a, &weight), &a, e);
	if (base) {
		jcli_input(cli, base);
		if (jadapter_is(base))
			jerr_set(e, JERR_ARG, "%s: --base is an adapter itself", base);
		else
			merge_into(o, base, &a, cli, e);
	}
	jarena_release(&a);
	return e->code;
}

static int
to_folder(const struct jadapter *x, const char *dst, struct jerr *e)
{
	struct jarena a;
	char *tmp;

	jarena_init(&a, 0);
	if (jfs_dir_begin(dst, &a, &tmp, e) == 0) {
		if (jadapter_save(x, tmp, e) == 0)
			jfs_dir_commit(tmp, dst, e);
		else
			jfs_dir_abort(tmp);
	}
	jarena_release(&a);
	return e->code;
}

int
join_adapters(const struct merge_adapters *o, struct jcli *cli, struct jerr *e)
{
	struct jadapter **v = jmem_zalloc(o->n + 1, sizeof(*v)), *x;
	double *weights = jmem_zalloc(o->n + 1, sizeof(*weights));
	struct jadapter_join j = { .method = (enum jadapter_join_method)o->method, .weights = weights,
		.n = o->n, .density = o->density, .rank = o->rank,
		.seed = (uint64_t)jcli_common(cli)->seed };
	struct jarena a;

	jarena_init(&a, 0);
	for (size_t i = 0; i < o->n && e->code == 0; i++) {
		const char *dir = folder_of(o->adapters[i], &a, &weights[i]);

		jcli_input(cli, dir);
		jadapter_load(&v[i], dir, e);
	}
	j.adapters = (const struct jadapter *const *)v;
	if (e->code == 0 && jadapter_join(&x, &j, e) == 0) {
		if (to_folder(x, o->out, e) == 0)
			jcli_info(cli, "%s: %zu weights, rank %lld", o->out, x->n_modules, (long long)x->r);
		jadapter_free(x);
	}
	for (size_t i = 0; i < o->n; i++)
		jadapter_free(v[i]);
	jarena_release(&a);
	jmem_free(weights);
	jmem_free(v);
	return e->code;
}

int
convert_adapter(const char *src, const char *dst, bool forget, struct jerr *e)
{
	struct jadapter *x;
	struct jmodel *m;

	if (jstr_ends(dst, ".gguf")) {	/* the format names weights as their base does */
		if (jmodel_open(&m, src, e) < 0)
			return e->code;
		jadapter_save_gguf(m->adapter, m, dst, e);
		jmodel_free(m);
		return e->code;
	}
	if (jadapter_load(&x, src, e) < 0)
		return e->code;
	if (forget)
		memset(&x->mark, 0, sizeof(x->mark));
	to_folder(x, dst, e);
	jadapter_free(x);
	return e->code;
}
