/*
 * Training a router: logistic regression by AdaGrad (Duchi et al. 2011) in a keyed order, and the
 * vectors of examples.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "swarm/router_file.h"
#include "swarm/train.h"

#define EPOCHS 6
#define RATE 0.5f
#define EXAMPLES 400		/* of one class, with an encoder */
#define EXAMPLE_BYTES 160	/* that are kept of one, to be shown */

/* A copy without room to grow. */
static void
keep(struct features *to, const struct features *f)
{
	*to = (struct features){ .n = f->n, .cap = f->n, .n_words = f->n_words, .cap_words = f->n_words };
	to->v = jmem_alloc(f->n + 1, sizeof(*to->v));
	to->words = jmem_alloc(f->n_words + 1, sizeof(*to->words));
	if (f->n == 0)
		return;
	memcpy(to->v, f->v, f->n * sizeof(*to->v));
	memcpy(to->words, f->words, f->n_words * sizeof(*to->words));
}

static int
by_word(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Words and in how many passages of each expert they stand; rarity of the hashed features. */
static void
count_all(struct jrouter_train *t)
{
	struct weights *w = &t->t.w;
	size_t n = 0, cap = 0, k = 0;
	uint64_t *words = NULL;
	struct features f = { 0 };

	w->idf = jmem_zalloc(FEATURES, sizeof(*w->idf));
	for (size_t i = 0; i < t->n; i++) {
		struct passage *p = &t->p[i];

		features_make(&f, t->bytes.p + p->text_at, p->text_n);
		keep(&p->f, &f);
		if (p->held_out)
			continue;
		w->passages++;
		for (size_t j = 0; j < p->f.n; j++)
			w->idf[p->f.v[j].at]++;
		JMEM_GROW(words, cap, n + p->f.n_words);
		memcpy(words + n, p->f.words, p->f.n_words * sizeof(*words));
		n += p->f.n_words;
	}
	features_release(&f);
	if (n)
		qsort(words, n, sizeof(*words), by_word);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || words[i] != words[k - 1])
			words[k++] = words[i];
	w->words = words;
	w->n_words = k;
	w->df = jmem_zalloc(k * w->classes + 1, sizeof(*w->df));
	for (size_t i = 0; i < t->n; i++) {
		const struct passage *p = &t->p[i];

		for (size_t j = 0; !p->held_out && j < p->f.n_words; j++) {
			const uint64_t *at = bsearch(&p->f.words[j], words, k, sizeof(*words), by_word);

			w->df[(size_t)(at - words) * w->classes + p->expert]++;
		}
	}
	for (size_t j = 0; j < FEATURES; j++)
		w->idf[j] = logf(((float)w->passages + 1) / (w->idf[j] + 1)) + 1;
	for (size_t i = 0; i < t->n; i++)
		features_weigh(&t->p[i].f, w->idf);
}

/* g[classes] is room. */
static void
one_step(struct weights *w, const struct passage *p, double weight, float *squares, double *g)
{
	const size_t C = w->classes;
	double max = -INFINITY, sum = 0;

	weights_logits(w, &p->f, g);
	for (size_t c = 0; c < C; c++)
		if (g[c] > max)
			max = g[c];
	for (size_t c = 0; c < C; c++)
		sum += g[c] = exp(g[c] - max);
	for (size_t c = 0; c < C; c++) {
		g[c] = weight * (g[c] / sum - (c == p->expert));
		w->bias[c] -= 0.01f * (float)g[c];
	}
	for (size_t i = 0; i < p->f.n; i++) {
		float *row = w->w + p->f.v[i].at * C, *sq = squares + p->f.v[i].at * C;

		for (size_t c = 0; c < C; c++) {
			float d = (float)g[c] * p->f.v[i].value;

			sq[c] += d * d;
			row[c] -= RATE * d / (sqrtf(sq[c]) + 1e-6f);
		}
	}
}

/* Every class weighs the same, however much text it has. */
static void
fit(struct jrouter_train *t)
{
	struct weights *w = &t->t.w;
	float *squares = jmem_zalloc(w->classes * FEATURES, sizeof(*squares));
	double *weight = jmem_zalloc(2 * w->classes, sizeof(*weight)), *g = weight + w->classes, used = 0;

	w->w = jmem_zalloc(w->classes * FEATURES, sizeof(*w->w));
	w->bias = jmem_zalloc(w->classes, sizeof(*w->bias));
	for (size_t i = 0; i < t->n; i++) {
		weight[t->p[i].expert] += !t->p[i].held_out;
		used += !t->p[i].held_out;
	}
	for (size_t c = 0; c < w->classes; c++)
		weight[c] = weight[c] > 0 ? used / ((double)w->classes * weight[c]) : 0;
	for (int epoch = 0; epoch < EPOCHS; epoch++)
		for (size_t i = 0; i < t->n; i++)
			if (!t->p[i].held_out)
				one_step(w, &t->p[i], weight[t->p[i].expert], squares, g);
	jmem_free(weight);
	jmem_free(squares);
}

/* --- the embedding --- */

static void
put_text(struct nearest *e, const char *p, size_t n)
{
	size_t max = n < EXAMPLE_BYTES ? n : EXAMPLE_BYTES;

	while (max < n && max > 0 && ((unsigned char)p[max] & 0xc0) == 0x80)
		max--;
	e->text_at[e->n] = e->texts.n;
	for (size_t i = 0; i < max; i++)
		jbuf_addc(&e->texts, (unsigned char)p[i] < ' ' ? ' ' : p[i]);
	jbuf_addc(&e->texts, '\n');
}

/* What is kept of a text is what is embedded, so that the vector can be made again. */
static int
embed(struct jrouter_train *t, struct jerr *e)
{
	struct nearest *near = &t->t.e;
	const size_t C = near->width = encoder_width(t->encoder);
	size_t *used = jmem_zalloc(t->x->n + 1, sizeof(*used)), most = (t->x->n + 1) * EXAMPLES;
	float *x = jmem_alloc(most * C, sizeof(*x));
	int rc = 0;

	near->classes = t->t.w.classes;
	near->of = jmem_alloc(most, sizeof(*near->of));
	near->text_at = jmem_alloc(most + 1, sizeof(*near->text_at));
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		const struct passage *p = &t->p[i];

		if (p->held_out || used[p->expert] == EXAMPLES)
			continue;
		used[p->expert]++;
		put_text(near, t->bytes.p + p->text_at, p->text_n);
		near->of[near->n] = p->expert;
		rc = encoder_text(t->encoder, near->texts.p + near->text_at[near->n],
			near->texts.n - 1 - near->text_at[near->n], x + near->n * C, e);
		near->n++;
	}
	near->text_at[near->n] = near->texts.n;
	if (rc == 0)
		rc = nearest_fit(near, x, e);
	jmem_free(used);
	jmem_free(x);
	return rc;
}

int
jrouter_train_encoder(struct jrouter_train *t, const char *model, const struct jrouter_means *with,
	struct jerr *e)
{
	uint64_t bytes = 0;
	int rc = encoder_bytes(model, &bytes, e);

	if (rc == 0 && bytes > with->memory)
		rc = jerr_set(e, JERR_NOMEM, "the encoder %s needs %.1f MB of memory, -M allows %.1f", model,
			(double)bytes * 1e-6, (double)with->memory * 1e-6);
	if (rc == 0)
		rc = encoder_open(&t->encoder, model, with->jobs, e);
	if (rc == 0)
		t->t.e.encoder = jmem_strdup(model);
	return rc;
}

int
jrouter_train_save(struct jrouter_train *t, const char *path, struct jrouter_report *r,
	struct jerr *e)
{
	struct weights *w = &t->t.w;
	int rc;

	memset(r, 0, sizeof(*r));
	rc = passages_share(t, r, e);
	if (rc == 0)
		rc = keywords_new(&t->kw, t->x, e);
	if (rc < 0)
		return rc;
	w->experts = t->x->n;
	w->classes = w->experts + t->has_foreign;
	r->has_foreign = t->has_foreign;
	count_all(t);
	fit(t);
	if (t->encoder)
		rc = embed(t, e);
	if (rc == 0)
		rc = router_tune(t, r, e);
	return rc == 0 ? router_save(&t->t, t->x, path, e) : rc;
}
