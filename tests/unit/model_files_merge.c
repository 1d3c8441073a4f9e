/* Models merged weight by weight, against the formulas worked out here on single values. */
#include "t.h"

#include "base/jmem.h"
#include "model/jmerge.h"

static struct jmodel *
made(uint64_t seed)
{
	struct jmodel *m;
	struct jmodel_config c;
	struct jerr e = { 0 };

	if (!ok(jmodel_config_load(&c, "tests/ref/qwen3/tied", &e) == 0) || jmodel_new(&m, &c, &e) < 0)
		return NULL;
	jmodel_init_weights(m, seed);
	return m;
}

static struct jmodel *
merged(const struct jmerge *o)
{
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	if (!ok(jmodel_merge(&m, o, &e) == 0))
		printf("# %s\n", e.msg);
	return m;
}

static double drift_sum;

static void
on_tensor(void *arg, const char *name, double drift)
{
	(void)arg;
	(void)name;
	drift_sum += drift;
}

static void
linear_and_slerp(struct jmodel *const *m)
{
	static const double weights[] = { 3, 1 };
	struct jmerge o = { JMERGE_LINEAR, (const struct jmodel *const *)m, weights, 2 };
	struct jmodel *r;
	double norm = 0, norm_a = 0;
	int64_t n = m[0]->params[0].shape[0] * m[0]->params[0].shape[1], bad = 0;
	struct jerr e = { 0 };

	o.on_tensor = on_tensor;
	r = merged(&o);
	for (uint64_t i = 0; i < r->count; i++)
		bad += fabs(0.75 * m[0]->values[i] + 0.25 * m[1]->values[i] - r->values[i]) > 1e-6;
	eq_int(bad, 0);
	ok(drift_sum > 0);
	jmodel_free(r);
	o.method = JMERGE_SLERP;
	o.t = 0.5;
	r = merged(&o);		/* nearly orthogonal: the arc's middle is as long as its ends */
	for (int64_t i = 0; i < n; i++) {
		norm += (double)r->values[i] * (double)r->values[i];
		norm_a += (double)m[0]->values[i] * (double)m[0]->values[i];
	}
	near(sqrt(norm / norm_a), 1, 0.02);
	jmodel_free(r);
	o.t = 1;
	r = merged(&o);
	bad = 0;
	for (uint64_t i = 0; i < r->count; i++)
		bad += fabs((double)r->values[i] - (double)m[1]->values[i]) > 1e-6;
	eq_int(bad, 0);
	jmodel_free(r);
	o.n = 1;
	eq_int(jmodel_merge(&r, &o, &e), JERR_ARG);
}

/* One matrix of base 0 whose differences are known. */
static void
ties(struct jmodel *const *m, struct jmodel *base)
{
	static const double weights[] = { 1, 1 };
	struct jmerge o = { JMERGE_TIES, (const struct jmodel *const *)m, weights, 2, base, 0.5 };
	struct jmodel *r;

	for (int k = 0; k < 2; k++)
		for (uint64_t i = 0; i < base->count; i++)
			m[k]->values[i] = base->values[i] = 0;
	for (int64_t i = 0; i < m[0]->params[0].shape[0] * m[0]->params[0].shape[1]; i++) {
		/* the larger half of each: model 0 everywhere even, model 1 the first half */
		m[0]->values[i] = i % 2 == 0 ? 4 : 0.125f;
		m[1]->values[i] = i * 2 < m[0]->params[0].shape[0] * m[0]->params[0].shape[1] ? -1 : 0.25f;
	}
	r = merged(&o);
	ok(r->values[0] == 4);		/* 4 against -1: the sign of the sum, and what agrees with it */
	ok(r->values[1] == -1);		/* 0.125 was trimmed */
	ok(r->values[m[0]->params[0].shape[0] * m[0]->params[0].shape[1] - 1] == 0);
	jmodel_free(r);
	o.density = 1;
	r = merged(&o);
	ok(r->values[m[0]->params[0].shape[0] * m[0]->params[0].shape[1] - 1] == 0.1875f);
	jmodel_free(r);
}

/* The mean stays, what is kept is divided by the density; the seed decides. */
static void
dare(struct jmodel *const *m, struct jmodel *base)
{
	static const double weights[] = { 1, 1 };
	struct jmerge o = { JMERGE_DARE, (const struct jmodel *const *)m, weights, 1, base, 0.25 };
	struct jmodel *r, *s;
	int64_t n = base->params[0].shape[0] * base->params[0].shape[1], odd = 0;
	double sum = 0;

	for (uint64_t i = 0; i < base->count; i++) {
		base->values[i] = 1;
		m[0]->values[i] = 1.5f;
	}
	r = merged(&o);
	for (int64_t i = 0; i < n; i++) {
		odd += r->values[i] != 1 && r->values[i] != 3;
		sum += (double)r->values[i];
	}
	eq_int(odd, 0);
	near(sum / (double)n, 1.5, 0.05);
	s = merged(&o);
	ok(memcmp(r->values, s->values, (size_t)r->count * sizeof(float)) == 0);
	jmodel_free(s);
	o.seed = 1;
	s = merged(&o);
	ok(memcmp(r->values, s->values, (size_t)r->count * sizeof(float)) != 0);
	jmodel_free(s);
	jmodel_free(r);
}

int
main(void)
{
	struct jmodel *m[2] = { made(1), made(2) }, *base = made(3);
	struct jerr e = { 0 };
	struct jmodel *r;
	struct jmerge o = { JMERGE_TIES, (const struct jmodel *const *)m, (double[]){ 1, 1 }, 2, NULL, 1 };

	linear_and_slerp(m);
	eq_int(jmodel_merge(&r, &o, &e), JERR_ARG);
	m[1]->values[5] = NAN;
	o.method = JMERGE_LINEAR;
	e.code = 0;
	eq_int(jmodel_merge(&r, &o, &e), JERR_FORMAT);
	ok(strstr(e.msg, "embed_tokens") != NULL);
	ties(m, base);
	dare(m, base);
	for (int k = 0; k < 2; k++)
		jmodel_free(m[k]);
	jmodel_free(base);
	return t_done();
}
