/* Choices explained by weights; examples near and far; routers from texts, damaged files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "swarm/jroute.h"
#include "swarm/nearest.h"
#include "swarm/solve.h"
#include "t.h"
#include "t_tmp.h"

static double
uniform(struct jrand *r)
{
	return (double)jrand_below(r, 1 << 20) / (1 << 20);
}

static void
test_cholesky(void)
{
	double a[9] = { 4, 0, 0, 2, 5, 0, 1, 3, 6 }, b[3] = { 1, 2, 3 };

	ok(solve_cholesky(a, 3));
	solve_forward(a, 3, b);
	solve_back(a, 3, b);
	near(4 * b[0] + 2 * b[1] + b[2], 1, 1e-12);
	near(2 * b[0] + 5 * b[1] + 3 * b[2], 2, 1e-12);
	near(b[0] + 3 * b[1] + 6 * b[2], 3, 1e-12);
	ok(!solve_cholesky((double[4]){ 1, 0, 2, 1 }, 2));
}

/* Choices drawn from known weights give these back; a signal that misleads gets no weight. */
static void
test_choices(void)
{
	enum { N = 4000, A = 3, K = 3 };
	static double x[N * A * K];
	static size_t made[N];
	struct choices_made c = { N, A, K, K, x, made, NULL };
	const double truth[K] = { 2, 0.5, -1 };
	struct jrand r;
	double w[K];

	jrand_init(&r, 1, 0);
	for (size_t i = 0; i < N; i++) {
		double p[A], sum = 0, at = uniform(&r);

		for (size_t a = 0; a < A; a++) {
			double z = 0;

			for (size_t k = 0; k < K; k++)
				z += truth[k] * (x[(i * A + a) * K + k] = 2 * uniform(&r));
			sum += p[a] = exp(z);
		}
		for (made[i] = 0; made[i] < A - 1 && at > p[made[i]] / sum; made[i]++)
			at -= p[made[i]] / sum;
	}
	solve_choices(&c, w);
	near(w[0], 2, 0.3);
	near(w[1], 0.5, 0.15);
	ok(w[2] == 0);
	c.n_signs = 0;
	solve_choices(&c, w);
	near(w[0], 2, 0.15);
	near(w[2], -1, 0.15);
	ok(solve_choices_loss(&c, w) < log(3));
	c.n = 0;
	solve_choices(&c, w);
	ok(w[0] == 0);
}

/* Two clouds that differ in one direction, which varies least, are told apart. */
static void
test_nearest(void)
{
	enum { N = 60, C = 4 };
	struct nearest e = { .width = C, .n = N, .classes = 2 };
	struct jerr why = { 0 };
	double cosine[2], ridge[2];
	size_t example[2];
	struct near near = { cosine, example };
	float x[N * C], turned[C], probe[C] = { 3, -2, 5.1f, 1 };
	struct jrand r;

	jrand_init(&r, 2, 0);
	jbuf_init(&e.texts);
	e.of = jmem_alloc(N, sizeof(*e.of));
	for (size_t i = 0; i < N; i++) {
		e.of[i] = i % 2;
		for (size_t k = 0; k < C; k++)
			x[i * C + k] = (float)(10 * uniform(&r) - 5);
		x[i * C + 2] = (float)(5 + 0.2 * (double)(i % 2) + 0.02 * uniform(&r));
	}
	eq_int(nearest_fit(&e, x, &why), 0);
	nearest_turn(&e, probe, turned);
	nearest_find(&e, turned, &near);
	nearest_ridge(&e, turned, ridge);
	ok(cosine[0] > -1 && cosine[0] <= 1 + 1e-6 && e.of[example[1]] == 1);
	ok(ridge[0] > -1 && fabs(ridge[0] + ridge[1] - 1) < 0.2);
	probe[2] = 5.21f;
	nearest_turn(&e, probe, turned);
	nearest_ridge(&e, turned, ridge);
	nearest_find(&e, turned, &near);
	ok(ridge[1] > ridge[0] && cosine[1] > cosine[0]);
	for (size_t i = 0; i < C * N; i++)
		x[i] = NAN;
	jmem_free(e.v), jmem_free(e.mean), jmem_free(e.factor), jmem_free(e.ridge);
	eq_int(nearest_fit(&e, x, &why), JERR_ARG);
	nearest_release(&e);
}

static void
make(struct jexperts *x, const char *path)
{
	static const char files[2][80] = { "name: cook\ndomain: a\nkeywords: [oven]\n",
		"name: sail\ndomain: b\nkeywords: [mast]\n" };
	static const char *const words[2][3] = { { "dough", "flour", "yeast" }, { "keel", "wind", "rudder" } };
	static const char topics[] = "the moon, a king, an apple, two rivers, red wine, a poem";
	struct jrouter_report r;
	struct jrouter_train *t;
	struct jerr e = { 0 };
	char text[160];

	memset(x, 0, sizeof(*x));
	jarena_init(&x->arena, 0);
	for (int i = 0; i < 2; i++)
		eq_int(jexpert_parse(x, files[i], strlen(files[i]), "f", &e), 0);
	t = jrouter_train_new(x, 1);
	for (int i = 0; i < 240; i++) {
		snprintf(text, sizeof(text), "Number %d puts the %s near the %s again.", i,
			words[i % 2][i / 2 % 3], words[i % 2][i / 6 % 3]);
		jrouter_train_add(t, (size_t)(i % 2), text, strlen(text));
	}
	jrouter_train_add_foreign_topics(t, topics, strlen(topics));
	eq_int(jrouter_train_save(t, path, &r, &e), 0);
	ok(r.accuracy[JROUTE_TRAINED] > 0.95 && r.has_foreign && !r.embeds);
	jrouter_train_free(t);
}

static void
test_file(void)
{
	struct jroute_opts o = JROUTE_OPTS_INIT;
	struct jexperts x;
	struct jroute_result res;
	struct jrouter *r;
	struct jerr e = { 0 };
	struct jbuf b;
	const char *dir = t_tmpdir();
	char path[600];
	int refused = 0;

	snprintf(path, sizeof(path), "%s/router.safetensors", dir);
	make(&x, path);
	eq_int(jrouter_open(&r, &x, path, &e), 0);
	jroute_result_init(&res);
	eq_int(jrouter_route(r, "the yeast near the flour", 24, &o, &res, &e), 0);
	ok(res.chosen == 1 && strcmp(x.v[res.v[0].expert].name, "cook") == 0);
	ok(strstr(res.why.p, "trained router") != NULL);
	o.strategy = JROUTE_RIDGE;
	eq_int(jrouter_route(r, "x", 1, &o, &res, &e), JERR_ARG);
	jroute_result_release(&res);
	jrouter_close(r);
	/* Damage in the header is told, or harmless; it never passes the bounds. */
	jbuf_init(&b);
	eq_int(jin_slurp(path, &b, &e), 0);
	for (size_t i = 8; i < 900 && i < b.n; i += 29) {
		char old = b.p[i];

		b.p[i] = (char)(old ^ 1);
		eq_int(jout_put(path, b.p, b.n, &e), 0);
		if (jrouter_open(&r, &x, path, &e) == 0)
			jrouter_close(r);
		else
			refused++;
		b.p[i] = old;
	}
	ok(refused > 5);
	jbuf_release(&b);
	jexperts_release(&x);
	eq_int(jfs_remove_tree(dir, &e), 0);
}

int
main(void)
{
	test_cholesky();
	test_choices();
	test_nearest();
	test_file();
	return t_done();
}
