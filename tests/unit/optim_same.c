/* What must not change an update: threads, a stop in between; and what goes around it. */
#include "t.h"

#include <stdlib.h>

#include "optim_params.h"

#define ROWS 173
#define COLS 301
#define BIG (ROWS * COLS)
#define VECTOR 40007

/* One matrix in a layer, one outside, one vector: every rule and cut, more than one unit each. */
struct big {
	float *w, *g;
	struct jparam p[3];
};

static void
big_init(struct big *b)
{
	static const char *const names[] = { "model.layers.0.mlp.up_proj.weight",
		"model.embed_tokens.weight", "model.norm.weight" };
	int64_t n = 2 * BIG + VECTOR, i;
	int k;

	b->w = malloc((size_t)n * sizeof(float));
	b->g = malloc((size_t)n * sizeof(float));
	memset(b->p, 0, sizeof(b->p));
	for (k = 0; k < 3; k++) {
		struct jparam *p = &b->p[k];

		snprintf(p->name, sizeof(p->name), "%s", names[k]);
		p->n_dims = k < 2 ? 2 : 1;
		p->shape[0] = k < 2 ? ROWS : VECTOR;
		p->shape[1] = k < 2 ? COLS : 0;
		p->decay = k < 2;
		p->value = b->w + k * BIG;
		p->grad = b->g + k * BIG;
	}
	for (i = 0; i < n; i++)
		b->w[i] = fix_start(i, 1);
}

static void
big_steps(struct joptim *o, struct big *b, int from, int to)
{
	int64_t n = 2 * BIG + VECTOR, i;
	int s;

	for (s = from; s < to; s++) {
		for (i = 0; i < n; i++)
			b->g[i] = fix_gradient(i, 2, s);
		joptim_step(o, fix_rate(s), joptim_grad_norm(o));
	}
}

static void
big_free(struct big *b)
{
	free(b->w);
	free(b->g);
}

static void
same_for_any_threads(const struct joptim_opts *o)
{
	struct jpar *one = jpar_new(1), *three = jpar_new(3);
	struct joptim *p, *q;
	struct jerr e = { 0 };
	struct big a, b;

	big_init(&a);
	big_init(&b);
	if (!ok(joptim_new(&p, a.p, 3, o, one, &e) == 0) || !ok(joptim_new(&q, b.p, 3, o, three, &e) == 0))
		return;
	big_steps(p, &a, 0, 2);
	big_steps(q, &b, 0, 2);
	ok(memcmp(a.w, b.w, (2 * BIG + VECTOR) * sizeof(float)) == 0);
	joptim_free(p);
	joptim_free(q);
	big_free(&a);
	big_free(&b);
	jpar_free(one);
	jpar_free(three);
}

/* Stopped after two steps, state carried over by name, gone on: the bits of no stop. */
static void
resumes(const struct joptim_opts *o)
{
	struct joptim_state from, to;
	struct joptim *p, *q;
	struct jerr e = { 0 };
	struct big a, b;
	size_t i;

	big_init(&a);
	big_init(&b);
	if (!ok(joptim_new(&p, a.p, 3, o, NULL, &e) == 0) || !ok(joptim_new(&q, b.p, 3, o, NULL, &e) == 0))
		return;
	joptim_begin_average(p);
	big_steps(p, &a, 0, 2);
	memcpy(b.w, a.w, (2 * BIG + VECTOR) * sizeof(float));
	for (i = 0; joptim_state(p, i, &from); i++) {
		size_t bytes = (size_t)from.count * (from.dtype == JDT_U8 ? 1 : sizeof(float));

		if (!ok(joptim_state(q, i, &to) && strcmp(from.name, to.name) == 0))
			return;
		memcpy(to.data, from.data, bytes);
	}
	ok(!joptim_state(q, i, &to));
	joptim_set_steps(q, joptim_steps(p));
	big_steps(p, &a, 2, 4);
	big_steps(q, &b, 2, 4);
	joptim_swap_average(p);
	joptim_swap_average(q);
	ok(memcmp(a.w, b.w, (2 * BIG + VECTOR) * sizeof(float)) == 0);
	joptim_free(p);
	joptim_free(q);
	big_free(&a);
	big_free(&b);
}

/* All names of the table, and the state they were sized for. */
static void
every_optimizer(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	char names[200], *name;

	snprintf(names, sizeof(names), "%s", joptim_names);
	for (name = strtok(names, "|"); name; name = strtok(NULL, "|")) {
		printf("# %s\n", name);
		o.name = name;
		o.average = 0;
		same_for_any_threads(&o);
		o.average = 0.99;
		resumes(&o);
	}
}

static void
sizes(void)
{
	static const struct {
		const char *name;
		double per_weight;	/* bytes of state */
	} want[] = { { "adamw", 8 }, { "lion", 4 }, { "sgd", 4 }, { "adamw8bit", 2.04 },
		{ "lamb", 8 }, { "novograd", 4 } };
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	uint64_t bytes, more;
	struct big b;
	size_t i;

	big_init(&b);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		o.name = want[i].name;
		ok(joptim_bytes(&bytes, b.p, 3, &o, 1, &e) == 0);
		near((double)bytes / (2 * BIG + VECTOR), want[i].per_weight, 0.01);
	}
	o.name = "adafactor";
	ok(joptim_bytes(&bytes, b.p, 3, &o, 1, &e) == 0 && bytes < 4 * (VECTOR + 2000));
	o.average = 0.9;
	o.sam = 0.05;
	ok(joptim_bytes(&more, b.p, 3, &o, 1, &e) == 0);
	near((double)(more - bytes), 8.0 * (2 * BIG + VECTOR), 200);
	big_free(&b);
}

static void
scales(void)
{
	const struct joptim_scale scale[] = { { "model.layers.*", 0.5 }, { "*down_proj*", 0 } };
	const struct joptim_scale none[] = { { "*attn*", 2 } };
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct fixture whole, scaled;
	struct joptim *p, *q;
	struct jerr e = { 0 };
	int i;

	fix_init(&whole);
	fix_init(&scaled);
	o.weight_decay = 0;
	ok(joptim_new(&p, whole.p, FIX_PARAMS, &o, NULL, &e) == 0);
	o.lr_scales = scale;
	o.n_lr_scales = 2;
	ok(joptim_new(&q, scaled.p, FIX_PARAMS, &o, NULL, &e) == 0);
	fix_steps(p, &whole, 0, 1);
	fix_steps(q, &scaled, 0, 1);
	for (i = 0; i < 60; i++)
		if (fabs((whole.w[i] - fix_start(i, 0)) * 0.5 - (scaled.w[i] - fix_start(i, 0))) > 1e-7)
			break;
	eq_int(i, 60);
	for (; i < 96 && scaled.w[i] == fix_start(i - 60, 1); i++)
		;
	eq_int(i, 96);
	ok(memcmp(whole.w + 96, scaled.w + 96, 11 * sizeof(float)) == 0);
	joptim_free(p);
	joptim_free(q);
	o.lr_scales = none;
	o.n_lr_scales = 1;
	ok(joptim_new(&p, whole.p, FIX_PARAMS, &o, NULL, &e) == JERR_ARG);
	ok(strstr(e.msg, "'*attn*'") && strstr(e.msg, "up_proj"));
	jerr_clear(&e);
	o.n_lr_scales = 0;
	o.decay_scales = &(struct joptim_scale){ "*norm*", 2 };
	o.n_decay_scales = 1;
	ok(joptim_new(&p, whole.p, FIX_PARAMS, &o, NULL, &e) == JERR_ARG);
	ok(strstr(e.msg, "--decay-scale: no trained weight that decays matches '*norm*'") != NULL);
}

/* Swapping twice gives the weights back; SAM climbs by its radius and returns. */
static void
around(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct fixture f, before;
	struct jerr e = { 0 };
	struct joptim *p;
	double norm, sum = 0;
	int i;

	fix_init(&f);
	o.average = 0.9;
	o.sam = 0.05;
	ok(joptim_new(&p, f.p, FIX_PARAMS, &o, NULL, &e) == 0);
	joptim_begin_average(p);
	fix_steps(p, &f, 0, 3);
	before = f;
	joptim_swap_average(p);
	ok(joptim_averages(p) && memcmp(f.w, before.w, sizeof(f.w)) != 0);
	joptim_swap_average(p);
	ok(memcmp(f.w, before.w, sizeof(f.w)) == 0);

	fix_gradients(&f, 0);
	norm = joptim_grad_norm(p);
	ok(joptim_climb(p, norm));
	for (i = 0; i < FIX_ALL; i++) {
		double d = (double)f.w[i] - before.w[i];

		sum += d * d;
	}
	near(sqrt(sum), 0.05, 1e-6);
	near(joptim_grad_norm(p), 0, 0);
	joptim_return(p);
	ok(memcmp(f.w, before.w, sizeof(f.w)) == 0);
	joptim_free(p);
}

static void
bad_gradient(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	struct fixture f;
	struct joptim *p;

	fix_init(&f);
	fix_gradients(&f, 0);
	f.p[0].grad = NULL;
	ok(joptim_new(&p, f.p, FIX_PARAMS, &o, NULL, &e) == 0);
	f.g[3] = NAN;			/* frozen: not looked at */
	ok(isfinite(joptim_grad_norm(p)) && joptim_bad_grad(p) == NULL);
	f.g[97] = NAN;
	ok(isnan(joptim_grad_norm(p)));
	eq_str(joptim_bad_grad(p), "model.norm.weight");
	joptim_free(p);
	o.name = "sofia";
	ok(joptim_new(&p, f.p, FIX_PARAMS, &o, NULL, &e) == JERR_ARG);
	ok(strstr(e.msg, "adamw|adamw8bit|muon") != NULL);
}

int
main(void)
{
	every_optimizer();
	sizes();
	scales();
	around();
	bad_gradient();
	return t_done();
}
